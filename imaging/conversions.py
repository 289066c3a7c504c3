"""Conversions: what is made of a document and is no picture: a linearised copy, a page's text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

LINEAR: Final = "linear"
PDF: Final = "application/pdf"
TEXT: Final = "text/plain; charset=utf-8"

_NAME = re.compile(r"linear|p(?P<page>[1-9][0-9]{0,3})-text")


@dataclass(frozen=True, slots=True)
class Conversion:
    """The text of a page, counted from one; page 0 is the whole document, linearised."""

    page: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.page <= 9999:
            raise ValueError("page must be 1 to 9999")

    @property
    def kind(self) -> Literal["linear", "text"]:
        return "text" if self.page else "linear"

    @property
    def name(self) -> str:
        """The one spelling, as it stands in a link and in a cache key."""
        return f"p{self.page}-text" if self.page else LINEAR

    @property
    def spec(self) -> str:
        """The name: a conversion has no other spelling, as renditions have."""
        return self.name

    @property
    def identity(self) -> str:
        """The name again."""
        return self.name

    @property
    def automatic(self) -> bool:
        """Never: no format is left to the request's Accept field."""
        return False

    @property
    def refusal(self) -> str:
        """The reason why what is no PDF has none."""
        return "no-text" if self.page else "unsupported"


@dataclass(frozen=True, slots=True)
class Converted:
    """One finished conversion; `engine` names the maker and its version, such as "qpdf-12.4.2".

    A linearised copy without octets says that the source itself is to be sent: it is linearised
    already, or must not be rewritten, or would only grow.
    """

    body: bytes
    media_type: str
    engine: str

    def __post_init__(self) -> None:
        if self.media_type not in (PDF, TEXT):
            raise ValueError("a conversion is a PDF or plain text")

    @property
    def kept(self) -> bool:
        """Whether the source itself is the answer."""
        return not self.body and self.media_type == PDF

    @property
    def fingerprint(self) -> str:
        """The engine's share of the ETag: another maker may make other octets."""
        return "kept" if self.kept else self.engine


KEPT: Final = Converted(b"", PDF, "kept")


def find_conversion(name: str) -> Conversion | None:
    """The conversion of that name, None when it is another's."""
    found = _NAME.fullmatch(name)
    return Conversion(int(found["page"] or 0)) if found else None
