"""Choices: what the name `auto` stands for, by what is seen of a document and by octets.

A page of text stays text, a scan becomes a picture, what a browser can not show becomes one too;
the cheapest of what is left is chosen. All else, from letters of an office to what nobody could
look at, is the original.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gateway.documents import Document
from imaging.conversions import LINEAR, PDF
from imaging.encoding.glances import WIDTH, Glance
from imaging.media import PAGED
from imaging.names.negotiate import BY_ALL, accepted_formats, shows

ORIGINAL = "original"
FIELD = b"ostiary-choice"
"""The field that tells what was chosen, and why."""

BROWSERS = "image/avif,image/webp,*/*"
"""What browsers accept today, in short."""

SMALL = 64 << 10
"""Pictures of at most so many octets, which every browser shows, are not worth a look."""

# Pictures stay as they are unless a third is saved: they lose nothing, and nothing has to be made.
_WORTH_IT = 2 / 3
# A page with pictures on half of it and but a few words, such as a stamp, is the scan of a page.
_SCANNED, _WORDS = 0.5, 200
# Text is worth its octets, for it can be searched, selected and enlarged: up to so many.
_HOPELESS, _TOO_MUCH = 8, 512 << 10
_CLIENTS = ("", "image/webp,*/*", "image/avif,*/*", BROWSERS)


@dataclass(frozen=True, slots=True)
class Unseen:
    """Nothing was seen of a document, and why; not `final` when another try may see something."""

    reason: str
    final: bool = True


Sight: TypeAlias = Glance | Unseen


@dataclass(frozen=True, slots=True)
class Choice:
    """A rendition's name, or `original`; `why` in a word.

    `octets` are those of each candidate by name, predicted up to where page one is there;
    `negotiated` says that another client would get another answer.
    """

    name: str
    why: str
    octets: Mapping[str, int]
    negotiated: bool = False
    final: bool = True

    @property
    def field(self) -> tuple[bytes, bytes]:
        """The choice as a response field."""
        return FIELD, f"{self.name};why={self.why}".encode()


def choose(document: Document, sight: Sight, accept: str) -> Choice:
    """The best first view of a document for a client that sends this Accept field.

    The same document and field have the same choice always.
    """
    if isinstance(sight, Unseen):
        return Choice(ORIGINAL, sight.reason, {ORIGINAL: document.size}, final=sight.final)
    name, why = _chosen(document, sight, accept)
    negotiated = any(_chosen(document, sight, client)[0] != name for client in _CLIENTS)
    return Choice(name, why, _octets(document, sight), negotiated=negotiated)


def _chosen(document: Document, glance: Glance, accept: str) -> tuple[str, str]:
    form = _lightest(glance, accept)
    picture, weight = _named(document, form), glance.weights[form]
    if glance.media_type == PDF:
        # Viewers read by ranges what is not linearised, about as much as a page takes of it.
        share = document.size // max(glance.pages, 1)
        whole, most = (LINEAR, glance.first) if glance.first else (ORIGINAL, share)
        why = _why_drawn(glance, weight, most)
        return (picture, why) if why else (whole, _why_whole(glance))
    if document.sniffed not in BY_ALL and not shows(accept, document.sniffed):
        return picture, "format"
    why = _why_kept(document, glance, form)
    return (ORIGINAL, why) if why else (picture, "lighter")


def _scanned(glance: Glance) -> bool:
    return glance.pictured >= _SCANNED and glance.letters < _WORDS


def _why_whole(glance: Glance) -> str:
    if _scanned(glance):
        return "light"
    return "text" if glance.letters else "drawing"


def _why_drawn(glance: Glance, weight: int, whole: int) -> str:
    """Why a page of a PDF is shown as a picture; empty when it is not."""
    if _scanned(glance):
        return "scan" if weight < whole else ""
    return "heavy" if whole > max(_TOO_MUCH, _HOPELESS * weight) else ""


def _why_kept(document: Document, glance: Glance, form: str) -> str:
    """Why a picture is shown as it is; empty when another one is better."""
    if glance.moves:
        return "moves"
    if glance.clear and form == "jpeg":
        return "clear"
    if document.size <= SMALL:
        return "small"
    return "light" if glance.weights[form] > _WORTH_IT * document.size else ""


def _lightest(glance: Glance, accept: str) -> str:
    """The accepted format with the fewest octets; of two colours WebP alone keeps every pixel."""
    forms = accepted_formats(accept, alpha_or_page=True)
    sharp = glance.kind == "bilevel" or glance.clear
    if sharp and "webp" in forms:
        return "webp"
    if glance.clear and "avif" in forms:
        return "avif"
    return min(forms, key=lambda form: glance.weights[form])


def _named(document: Document, form: str) -> str:
    page = "p1-" if document.sniffed in PAGED else ""
    return f"{page}w{WIDTH}-{form}"


def _octets(document: Document, glance: Glance) -> Mapping[str, int]:
    linear = {LINEAR: glance.first} if glance.first else {}
    pictures = {_named(document, form): octets for form, octets in glance.weights.items()}
    return {ORIGINAL: document.size, **linear, **pictures}
