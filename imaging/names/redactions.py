"""Redactions: what nobody may see of a document, as a named and versioned list of opaque boxes.

    REDACTION = NAME "_" VERSION        NAME is [a-z][a-z0-9]{0,15}, VERSION 1…999999

A version never changes. Its boxes stand elsewhere than in the name: whoever renders has to be
given them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol, cast

from imaging.names.areas import Area

MOST_BOXES = 1_000
LAST_PAGE = 9_999
LAST_VERSION = 999_999
NAME = "[a-z][a-z0-9]{0,15}"

_NAME = re.compile(NAME)
_TEXT = re.compile(rf"({NAME})_([1-9][0-9]{{0,5}})")


@dataclass(frozen=True, slots=True)
class Box:
    """An opaque box, black or white, on one page or, with page 0, on every page."""

    area: Area
    page: int = 0
    white: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.page <= LAST_PAGE:
            raise ValueError(f"the page of a box must be 1 to {LAST_PAGE}, or 0 for every page")


@dataclass(frozen=True, slots=True)
class Redaction:
    """A version of a redaction. Without a name it hides nothing, without boxes it is not usable.

    Of two boxes that overlap the later one is on top.
    """

    name: str = ""
    version: int = 0
    boxes: tuple[Box, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.name) != bool(self.version) or not 0 <= self.version <= LAST_VERSION:
            raise ValueError(f"a redaction must have a name and a version, 1 to {LAST_VERSION}")
        if self.name and not _NAME.fullmatch(self.name):
            raise ValueError("a redaction's name must be 1 to 16 of a-z 0-9, a letter first")
        if len(self.boxes) > (MOST_BOXES if self.name else 0):
            raise ValueError(f"a redaction must have at most {MOST_BOXES:,} boxes, and a name")

    @property
    def text(self) -> str:
        """The one spelling, as it stands in a rendition's name; empty for `UNREDACTED`."""
        return f"{self.name}_{self.version}" if self.name else ""

    @property
    def usable(self) -> bool:
        """Whether it can be painted: it hides nothing, or its boxes are known."""
        return bool(self.boxes) or not self.name

    @property
    def digest(self) -> str:
        """What the boxes are, as 16 hexadecimal digits; empty without any."""
        if not self.boxes:
            return ""
        return sha256(json.dumps(rows_of(self.boxes)).encode()).hexdigest()[:16]

    def on(self, page: int) -> tuple[Box, ...]:
        """The boxes of a page, counted from 1; page 0 is the first."""
        return tuple(box for box in self.boxes if box.page in (0, max(page, 1)))


UNREDACTED = Redaction()


class Redactions(Protocol):
    """Knows what each version of a redaction hides."""

    def boxes(self, name: str, version: int) -> tuple[Box, ...]:
        """The boxes of a version, none when there is no such version."""
        ...

    def newest(self, name: str) -> int:
        """The number of the newest version, 0 when there is none of that name."""
        ...


class NoRedactions:
    """Where none are kept."""

    def boxes(self, name: str, version: int) -> tuple[Box, ...]:
        return ()

    def newest(self, name: str) -> int:
        return 0


def parse_redaction(text: str) -> Redaction:
    """The name and version in a rendition's name, without boxes; ValueError for other texts."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:32]!r} is no redaction and its version, such as face_3")
    return Redaction(found[1], int(found[2]))


def rows_of(boxes: tuple[Box, ...]) -> list[list[int]]:
    """Boxes as plain numbers, each page, left, top, right, bottom, and 1 for white."""
    return [
        [box.page, box.area.left, box.area.top, box.area.right, box.area.bottom, int(box.white)]
        for box in boxes
    ]


def boxes_of(rows: object) -> tuple[Box, ...]:
    """The boxes of such rows, read from JSON; ValueError for anything else, and for none."""
    if not isinstance(rows, list) or not 0 < len(rows) <= MOST_BOXES:
        raise ValueError("boxes must be a list, neither empty nor long")
    return tuple(_box(row) for row in cast(list[object], rows))


def _box(row: object) -> Box:
    match row:
        case [int(page), int(left), int(top), int(right), int(bottom), int(white)] if white in (
            0,
            1,
        ):
            return Box(Area(left, top, right, bottom), page, bool(white))
        case _:
            raise ValueError("a box must be six whole numbers, the last of them 0 or 1")
