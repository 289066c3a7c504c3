"""Where a source lands in a rendition: pure arithmetic on sizes, all upright."""

from __future__ import annotations

from dataclasses import dataclass

from imaging.limits import LONGEST_SIDE
from imaging.renditions import Rendition

Size = tuple[int, int]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Placement:
    """The rendition's size, and the part of the source (left, top, right, bottom) it shows."""

    width: int
    height: int
    box: Box

    def turned(self) -> Placement:
        """The same in the axes of a source that lies on its side.

        Every box is centred, so swapping the axes is all a quarter turn or a mirror needs.
        """
        left, top, right, bottom = self.box
        return Placement(self.height, self.width, (top, left, bottom, right))


def place(source: Size, rendition: Rendition) -> Placement:
    """Fits a source into what was asked for; nothing is ever made larger than it is."""
    whole = (0.0, 0.0, float(source[0]), float(source[1]))
    box = _centred(source, rendition) if rendition.fit == "cover" else whole
    width, height = box[2] - box[0], box[3] - box[1]
    if rendition.fit == "fill":
        sides = min(rendition.width, source[0]), min(rendition.height, source[1])
    else:
        sides = scaled(width, height, min(1.0, scale_for((width, height), rendition)))
    return Placement(min(sides[0], LONGEST_SIDE), min(sides[1], LONGEST_SIDE), box)


def scale_for(size: tuple[float, float], rendition: Rendition) -> float:
    """How much a source of that size shrinks or grows to be what was asked for.

    Cover and fill ask for the larger factor, the rest for the smaller. The longest side is
    bounded, so that a strip of a page does not become a picture no format can hold.
    """
    width, height = size
    factors = [
        asked / side
        for asked, side in ((rendition.width, width), (rendition.height, height))
        if asked
    ]
    factor = max(factors) if rendition.fit in ("cover", "fill") else min(factors)
    return min(factor, LONGEST_SIDE / max(width, height))


def scaled(width: float, height: float, factor: float) -> Size:
    """A size times a factor, never less than one pixel."""
    return max(1, round(width * factor)), max(1, round(height * factor))


def _centred(source: Size, rendition: Rendition) -> Box:
    width, height = source
    shown = min(width, height * rendition.width / rendition.height)
    tall = min(height, width * rendition.height / rendition.width)
    left, top = (width - shown) / 2, (height - tall) / 2
    return left, top, left + shown, top + tall
