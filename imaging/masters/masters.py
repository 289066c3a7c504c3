"""Masters: a page's picture of at most 2048 pixels across, from which smaller ones are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imaging.limits import LONGEST_SIDE

WIDTH = 2048
"""Pixels across of a master, unless its source has fewer."""

LARGEST = 16 << 20
"""Octets of a master at most."""

NARROWEST, WIDEST = 1e-3, 1e9
"""Between which the sides of a page are that leaves a master, in pixels or points."""


@dataclass(frozen=True, slots=True)
class Master:
    """A JPEG of one page in grey or sRGB, upright, with nothing hidden or written over it.

    `width` and `height` are its own; `size` is that of the page, in pixels or a PDF's points.
    One without a body is none.
    """

    body: bytes = b""
    width: int = 0
    height: int = 0
    size: tuple[float, float] = (0, 0)

    def __post_init__(self) -> None:
        if len(self.body) > LARGEST or (self.body and not self.body.startswith(b"\xff\xd8\xff")):
            raise ValueError("a master is a JPEG of bounded size")
        if self.body and not (0 < self.width <= WIDTH and 0 < self.height <= LONGEST_SIDE):
            raise ValueError("a master has a size")
        if self.body and not all(NARROWEST <= side < WIDEST for side in self.size):
            raise ValueError("a master's page has a size")

    def __bool__(self) -> bool:
        return bool(self.body)

    def told(self) -> dict[str, object]:
        """All but its body, as JSON can tell it."""
        size = list(self.size)
        return {"width": self.width, "height": self.height, "size": size, "octets": len(self.body)}


NO_MASTER = Master()


def master_of(told: Mapping[str, object], body: bytes) -> Master:
    """The master that was told so, its octets the last ones of `body`. ValueError for another."""
    match told:
        case {
            "width": int(width),
            "height": int(height),
            "size": [int() | float() as across, int() | float() as down],
            "octets": int(octets),
        } if 0 < octets <= len(body):
            return Master(body[-octets:], width, height, (across, down))
        case _:
            raise ValueError("a master has a width, a height, its page's size, and octets")
