"""The text of a page: what can be read on it, plain and bounded."""

from __future__ import annotations

import sys

import pytest

from gateway.samples.pdf import Line, TextPage, text_pdf
from imaging.conversions import TEXT, Conversion
from imaging.engine import convert
from imaging.errors import BrokenSource, PageMissing
from imaging.pdf.text import LARGEST, plain

FIRST = Conversion(1)


def page(*lines: str) -> TextPage:
    return TextPage([Line(50, 700 - 20 * row, text) for row, text in enumerate(lines)])


def test_each_page_has_its_own_text_in_lines() -> None:
    source = text_pdf([page("Arztbrief für Frau Müller", "Diagnose: keine"), page("Seite zwei")])
    made = convert(source, FIRST)
    assert made.body.decode() == "Arztbrief für Frau Müller\nDiagnose: keine"
    assert made.media_type == TEXT == "text/plain; charset=utf-8"
    assert made.engine.startswith("pdfium-")
    assert convert(source, Conversion(2)).body == b"Seite zwei"
    assert convert(source, FIRST) == made


def test_a_page_without_text_has_empty_text(darkroom) -> None:
    made = convert(darkroom.pdf((100, 100)), FIRST)
    assert (made.body, made.media_type, made.kept) == (b"", TEXT, False)


def test_markup_in_a_page_stays_text() -> None:
    source = text_pdf([page("<script>alert(1)</script> & more")])
    assert convert(source, FIRST).body == b"<script>alert(1)</script> & more"


def test_text_beside_the_page_is_not_of_the_page() -> None:
    source = text_pdf([TextPage([Line(50, 700, "seen"), Line(50, 2_000, "hidden")])])
    assert convert(source, FIRST).body == b"seen"


def test_a_page_past_the_end_tells_how_many_there_are() -> None:
    with pytest.raises(PageMissing) as missing:
        convert(text_pdf([page("one")]), Conversion(2))
    assert missing.value.pages == 1


def test_a_locked_document_is_encrypted(darkroom) -> None:
    with pytest.raises(BrokenSource, match="encrypted"):
        convert(darkroom.locked_pdf(), FIRST)


@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_pictures_have_no_text(darkroom, kind: str) -> None:
    with pytest.raises(BrokenSource, match="no-text"):
        convert(darkroom.file(darkroom.quarters((9, 9)), kind), FIRST)


def test_without_the_extra_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(BrokenSource, match="pdf-engine-missing"):
        convert(text_pdf([page("one")]), FIRST)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\r\nb\tc", "a\nb\tc"),
        ("nul\0 bell\a form\f esc\x1b del\x7f c1\x85", "nul bell form esc del c1"),
        ("com\x02pile al\ufffeternative", "compile alternative"),
        ("half \ud800 of a pair \udfff", "half  of a pair "),
        ("Żółć 漢字 😀 \u202e", "Żółć 漢字 😀 \u202e"),
    ],
)
def test_what_no_text_holds_is_left_out(text: str, kept: str) -> None:
    assert plain(text) == kept.encode()


@pytest.mark.parametrize("letter", ["a", "é", "漢", "😀"])
def test_long_text_is_cut_between_characters(letter: str) -> None:
    for shift in range(4):
        told = plain("x" * shift + letter * LARGEST)
        assert LARGEST - 3 <= len(told) <= LARGEST
        assert set(told.decode()) <= {"x", letter}
    assert plain("\0" * LARGEST + "a" * LARGEST) == b"a" * LARGEST
