"""Markup: the rendition names of a link, and the HTML that shows them at the right size.

Formats are explicit, so that a shared cache keeps one answer for everybody (delivery.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from gateway.documents import Document
from gateway.measure import Measured
from imaging.renditions import Renditions
from signing.links import Link

PREFERRED = ("avif", "webp", "jpeg")
PLAIN = 640


@dataclass(frozen=True, slots=True)
class Markup:
    """`names` are the renditions the link opens; `srcset` and `picture` are ready for HTML.

    The latter are empty for a document or a grant that has no ladder.
    """

    names: tuple[str, ...]
    srcset: str = ""
    picture: str = ""


def markup(
    link: Link, document: Document, renditions: Renditions, measured: Measured, base: str
) -> Markup:
    """What a page needs to show the document behind the link; page one of a document of pages."""
    grant = link.grant
    whole = () if grant.covers in ("previews", "exact") else ("original",)
    if grant.covers == "exact":
        return _single(link, grant.name, renditions, base)
    names = _declared(renditions, document.sniffed, grant.covers)
    if not names:
        return Markup(whole)
    page = "p1-" if names[0].startswith("p1-") else ""
    widths = _widths(renditions.ladder, None if page else measured.width)
    srcsets = {
        form: ", ".join(
            f"{base}{link.for_rendition(f'{page}w{width}-{form}')} {width}w" for width in widths
        )
        for form in PREFERRED
    }
    plain = min(widths, key=lambda width: abs(width - PLAIN))
    source = base + link.for_rendition(f"{page}w{plain}-jpeg")
    size = "" if page or not measured.width else _size(measured, plain)
    picture = (
        "<picture>"
        + "".join(_source(form, srcsets[form]) for form in PREFERRED[:-1])
        + f'<img src="{escape(source)}" srcset="{escape(srcsets["jpeg"])}" sizes="100vw"{size}'
        + ' alt="" loading="lazy" decoding="async"></picture>'
    )
    return Markup((*whole, *names), srcsets["webp"], picture)


def _declared(renditions: Renditions, media_type: str, covers: str) -> tuple[str, ...]:
    """The declared names that a grant reaches."""
    names = renditions.names(media_type) if covers in ("all", "previews") else ()
    whole = covers == "all"
    return tuple(name for name in names if whole or not renditions.carries_original(name))


def _single(link: Link, name: str, renditions: Renditions, base: str) -> Markup:
    """The one name; what is no picture has no HTML."""
    if renditions.carries_original(name):
        return Markup((name,))
    source = escape(base + link.for_rendition(name))
    picture = f'<picture><img src="{source}" alt="" loading="lazy" decoding="async"></picture>'
    return Markup((name,), "", picture)


def _widths(ladder: Sequence[int], width: int | None) -> list[int]:
    """The rungs that are no wider than the source, and always the first."""
    return [rung for rung in ladder if width is None or rung <= width] or [ladder[0]]


def _size(measured: Measured, width: int) -> str:
    if not measured.width or not measured.height:
        return ""
    shown = min(width, measured.width)
    return f' width="{shown}" height="{max(1, round(shown * measured.height / measured.width))}"'


def _source(form: str, srcset: str) -> str:
    return f'<source type="image/{form}" srcset="{escape(srcset)}" sizes="100vw">'
