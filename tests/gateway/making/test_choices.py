"""Choices: a page of text stays text, a scan becomes a picture, and the cheapest is chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.documents import Document, DocumentRef
from gateway.making.choices import BROWSERS, Unseen, choose
from gateway.wire.media import MediaType
from imaging.encoding.glances import Glance

PDF = "application/pdf"
WEIGHTS = {"avif": 90_000, "webp": 80_000, "jpeg": 100_000}
TEXT = Glance(PDF, "page", WEIGHTS, letters=2_000, first=120_000)
SCAN = Glance(PDF, "scan", WEIGHTS, pictured=1.0, first=900_000)
PHOTO = Glance("image/jpeg", "photo", WEIGHTS)
LARGE = 2_000_000


def document_of(sniffed: str, size: int = LARGE) -> Document:
    ref = DocumentRef("clinic", "documents", "a.bin")
    media = MediaType(sniffed.encode(), inline=True, pdf=sniffed == PDF)
    return Document(ref, ref.id, "id", "v" * 22, "etag", media, sniffed, size, 0)


def chosen(glance: Glance, accept: str = BROWSERS, size: int = LARGE) -> tuple[str, str]:
    choice = choose(document_of(glance.media_type, size), glance, accept)
    return choice.name, choice.why


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({}, ("linear", "text")),
        ({"letters": 0}, ("linear", "drawing")),
        ({"first": 0, "pages": 4}, ("original", "text")),  # signed: it stays as it is
        ({"first": 0, "pages": 1}, ("p1-w1280-webp", "heavy")),
        ({"pictured": 0.4, "letters": 20}, ("linear", "text")),
        ({"pictured": 1.0}, ("linear", "text")),  # a page with a picture behind its words
        ({"first": 700_000}, ("p1-w1280-webp", "heavy")),
        ({"first": 600_000}, ("linear", "text")),
        ({"first": 500_000, "weights": {**WEIGHTS, "webp": 9_000}}, ("linear", "text")),
    ],
)
def test_text_stays_a_pdf_unless_it_is_hopelessly_heavier(
    change: dict[str, Any], answer: tuple[str, str]
) -> None:
    assert chosen(replace(TEXT, **change)) == answer


@pytest.mark.parametrize(
    ("change", "size", "answer"),
    [
        ({}, LARGE, ("p1-w1280-webp", "scan")),
        ({"letters": 60}, LARGE, ("p1-w1280-webp", "scan")),  # a stamp
        ({"pictured": 0.5}, LARGE, ("p1-w1280-webp", "scan")),
        ({"first": 70_000}, LARGE, ("linear", "light")),
        ({"first": 0}, LARGE, ("p1-w1280-webp", "scan")),
        ({"first": 0}, 70_000, ("original", "light")),
    ],
)
def test_a_scan_is_shown_as_a_picture_unless_its_page_is_lighter(
    change: dict[str, Any], size: int, answer: tuple[str, str]
) -> None:
    assert chosen(replace(SCAN, **change), size=size) == answer


@pytest.mark.parametrize(
    ("change", "accept", "size", "answer"),
    [
        ({}, BROWSERS, LARGE, ("w1280-webp", "lighter")),
        ({}, "", LARGE, ("w1280-jpeg", "lighter")),
        ({}, "image/avif,image/webp;q=0,image/jpeg;q=0", LARGE, ("w1280-avif", "lighter")),
        ({}, "image/avif,*/*", LARGE, ("w1280-avif", "lighter")),
        ({}, BROWSERS, 100_000, ("original", "light")),
        ({}, BROWSERS, 130_000, ("w1280-webp", "lighter")),
        ({"weights": dict.fromkeys(WEIGHTS, 900)}, BROWSERS, 65_536, ("original", "small")),
        ({"moves": True}, BROWSERS, LARGE, ("original", "moves")),
        ({"clear": True}, "", LARGE, ("original", "clear")),
        ({"clear": True}, BROWSERS, LARGE, ("w1280-webp", "lighter")),
        ({"clear": True}, "image/avif,*/*", LARGE, ("w1280-avif", "lighter")),
        ({"kind": "bilevel"}, BROWSERS, LARGE, ("w1280-webp", "lighter")),
        ({"media_type": "image/webp"}, "*/*", 5_000, ("w1280-jpeg", "format")),
        ({"media_type": "image/webp"}, BROWSERS, 5_000, ("original", "small")),
        ({"media_type": "image/heic"}, BROWSERS, 5_000, ("w1280-webp", "format")),
        ({"media_type": "image/tiff", "kind": "bilevel"}, BROWSERS, 9, ("p1-w1280-webp", "format")),
        ({"media_type": "application/dicom"}, "", 9, ("p1-w1280-jpeg", "format")),
    ],
)
def test_a_picture_is_shown_as_it_is_or_much_lighter(
    change: dict[str, Any], accept: str, size: int, answer: tuple[str, str]
) -> None:
    assert chosen(replace(PHOTO, **change), accept, size) == answer


def test_the_octets_of_all_candidates_are_told() -> None:
    choice = choose(document_of(PDF), TEXT, BROWSERS)
    pictures = {f"p1-w1280-{form}": octets for form, octets in WEIGHTS.items()}
    assert choice.octets == {"original": LARGE, "linear": 120_000, **pictures}
    assert choice.field == (b"ostiary-choice", b"linear;why=text")


@pytest.mark.parametrize(
    ("glance", "size", "negotiated"),
    [
        (TEXT, LARGE, False),
        (SCAN, LARGE, True),
        (PHOTO, LARGE, True),
        (PHOTO, 70_000, False),
        (replace(PHOTO, moves=True), LARGE, False),
        (replace(PHOTO, clear=True), LARGE, True),
        (replace(PHOTO, media_type="image/webp"), 5_000, True),
    ],
)
def test_a_choice_is_negotiated_where_another_client_would_get_another(
    glance: Glance, size: int, negotiated: bool
) -> None:
    document = document_of(glance.media_type, size)
    for accept in ("", BROWSERS, "image/webp"):
        assert choose(document, glance, accept).negotiated is negotiated


@pytest.mark.parametrize("final", [True, False])
def test_what_nobody_could_look_at_is_the_original(final: bool) -> None:
    choice = choose(document_of(PDF), Unseen("encrypted", final=final), BROWSERS)
    assert (choice.name, choice.why) == ("original", "encrypted")
    assert choice.octets == {"original": LARGE}
    assert (choice.negotiated, choice.final) == (False, final)
