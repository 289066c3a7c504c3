"""The text of one page of a PDF, for viewers and search: what stands on the page, as plain text."""

from __future__ import annotations

import re

from imaging.conversions import TEXT, Converted
from imaging.errors import PageMissing
from imaging.limits import Limits
from imaging.pdf.pages import opened

LARGEST = 1 << 20
"""Octets of UTF-8; what a page has beyond them is left out."""

# Controls but tab and line feed, noncharacters, halves of surrogate pairs. Among them are the
# marks that PDFium puts where a line's end broke a word: without them it is whole again.
_NEVER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def page_text(source: bytes, page: int, limits: Limits) -> Converted:
    """The page's text in PDFium's reading order, lines ended by a line feed; perhaps none.

    Text outside the page's visible box is left out. Raises PageMissing beside what `opened` does.
    """
    with opened(source, limits) as document:
        from pypdfium2 import PDFIUM_INFO

        if page > len(document):
            raise PageMissing(len(document))
        found = document[page - 1].get_textpage().get_text_bounded()
    return Converted(plain(found), TEXT, f"pdfium-{PDFIUM_INFO}")


def plain(text: str) -> bytes:
    """At most `LARGEST` octets of the text, without what no text holds, cut between characters."""
    text = _NEVER.sub("", text[: 2 * LARGEST])
    return text.encode()[:LARGEST].decode(errors="ignore").encode()
