"""Conversions have one spelling each, and say what is answered for them."""

from __future__ import annotations

import pytest

from imaging.conversions import KEPT, PDF, TEXT, Conversion, Converted, find_conversion


@pytest.mark.parametrize(
    ("name", "page", "kind"),
    [("linear", 0, "linear"), ("p1-text", 1, "text"), ("p9999-text", 9999, "text")],
)
def test_a_name_is_found_and_spelled_the_same(name: str, page: int, kind: str) -> None:
    found = find_conversion(name)
    assert found == Conversion(page)
    assert (found.name, found.spec, found.kind, found.automatic) == (name, name, kind, False)


@pytest.mark.parametrize(
    "name",
    [
        "", "auto", "text", "p0-text", "p01-text", "p10000-text", "p1-linear", "linear-p1", "w640",
        "linear\n",
    ],
)  # fmt: skip
def test_other_names_are_others(name: str) -> None:
    assert find_conversion(name) is None


@pytest.mark.parametrize("page", [-1, 10_000])
def test_a_page_is_one_of_those_that_links_can_name(page: int) -> None:
    with pytest.raises(ValueError, match="page"):
        Conversion(page)


def test_a_conversion_is_a_pdf_or_text() -> None:
    with pytest.raises(ValueError, match="PDF or plain text"):
        Converted(b"<html>", "text/html", "qpdf-1")


def test_only_a_pdf_without_octets_stands_for_its_source() -> None:
    assert KEPT.kept
    assert not Converted(b"", TEXT, "pdfium-1").kept
    assert not Converted(b"%PDF", PDF, "qpdf-1").kept


def test_another_engine_is_another_fingerprint() -> None:
    prints = {
        Converted(b"%PDF", PDF, "qpdf-1").fingerprint,
        Converted(b"%PDF", PDF, "qpdf-2").fingerprint,
        KEPT.fingerprint,
    }
    assert len(prints) == 3
