"""Glances: what page one of a source shows, and about how many octets each way to show it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

WIDTH = 1280
"""The width of the picture whose octets a glance predicts."""

PREDICTED = ("avif", "webp", "jpeg")
"""The formats in which it does."""

_WHOLE = 1_000


@dataclass(frozen=True, slots=True)
class Glance:
    """What is seen of a source whose page one can be drawn.

    `kind` is that of the picture `WIDTH` wide; `weights` are its octets by format, predicted from
    parts of it. `moves` says that the source has several frames, `clear` that one sees through
    it. Of a PDF alone there are `pages`; `letters`, those of page one that can be seen;
    `pictured`, the share of page one that pictures cover; and `first`, the octets up to page
    one's end in a linearised copy, 0 where none can be made.
    """

    media_type: str
    kind: str
    weights: Mapping[str, int]
    moves: bool = False
    clear: bool = False
    pages: int = 1
    letters: int = 0
    pictured: float = 0.0
    first: int = 0

    def __post_init__(self) -> None:
        if set(self.weights) != set(PREDICTED) or not 0 <= self.pictured <= 1:
            raise ValueError("a glance has a weight for each format, and a share of the page")

    @property
    def fields(self) -> dict[str, str | int]:
        """The same as short texts and counts; `glance_of` reads them."""
        return {
            "media_type": self.media_type,
            "kind": self.kind,
            "moves": int(self.moves),
            "clear": int(self.clear),
            "pages": self.pages,
            "letters": self.letters,
            "pictured": round(self.pictured * _WHOLE),
            "first": self.first,
            **self.weights,
        }


def glance_of(text: Callable[[str], str], count: Callable[[str], int]) -> Glance:
    """The glance with those fields; ValueError when it can not be one."""
    return Glance(
        text("media_type"),
        text("kind"),
        {form: count(form) for form in PREDICTED},
        moves=bool(count("moves")),
        clear=bool(count("clear")),
        pages=count("pages"),
        letters=count("letters"),
        pictured=count("pictured") / _WHOLE,
        first=count("first"),
    )
