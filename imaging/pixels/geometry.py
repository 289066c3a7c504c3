"""Where a source lands in a rendition: pure arithmetic on sizes, all upright."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

from imaging.limits import LONGEST_SIDE
from imaging.names.renditions import LARGEST, Rendition

Size = tuple[int, int]
Box = tuple[float, float, float, float]

SIDEWAYS = range(5, 9)
"""The EXIF orientations of a source that is stored lying on its side."""

_MIRRORED_ACROSS = frozenset({2, 3, 6, 7})
_MIRRORED_DOWN = frozenset({3, 4, 7, 8})


@dataclass(frozen=True, slots=True)
class Placement:
    """The rendition's size, and the part of the source (left, top, right, bottom) it shows."""

    width: int
    height: int
    box: Box

    def turned(self, orientation: int, source: Size) -> Placement:
        """The same in the axes in which a source of that EXIF orientation, 1…8, is stored.

        `source` is its upright size. Turning a picture upright is a swap of the axes, for those on
        their side, then mirrors; this is the way back.
        """
        box = turned(self.box, orientation, source)
        if orientation in SIDEWAYS:
            return Placement(self.height, self.width, box)
        return replace(self, box=box)


def turned(box: Box, orientation: int, source: Size) -> Box:
    """A part of an upright source in the axes in which it is stored (`Placement.turned`)."""
    left, top, right, bottom = box
    if orientation in _MIRRORED_ACROSS:
        left, right = source[0] - right, source[0] - left
    if orientation in _MIRRORED_DOWN:
        top, bottom = source[1] - bottom, source[1] - top
    return (top, left, bottom, right) if orientation in SIDEWAYS else (left, top, right, bottom)


def place(source: Size, rendition: Rendition) -> Placement:
    """Fits a source into what was asked for; nothing is ever made larger than it is.

    Where only a part of the source is asked for, that part is what is fitted. Smart gravity counts
    as the middle here: only the pixels tell more. The size is the same.
    """
    x, y, right, bottom = rendition.crop.nearest(source)
    part = right - x, bottom - y
    whole = (0.0, 0.0, float(part[0]), float(part[1]))
    box = _covering(part, rendition) if rendition.fit == "cover" else whole
    width, height = box[2] - box[0], box[3] - box[1]
    if rendition.fit == "fill":
        sides = min(rendition.width, part[0]), min(rendition.height, part[1])
    else:
        sides = scaled(width, height, min(1.0, scale_for((width, height), rendition)))
    shown = (box[0] + x, box[1] + y, box[2] + x, box[3] + y)
    return Placement(min(sides[0], LONGEST_SIDE), min(sides[1], LONGEST_SIDE), shown)


def scale_for(size: tuple[float, float], rendition: Rendition) -> float:
    """How much a source of that size shrinks or grows to be what was asked for.

    Cover and fill ask for the larger factor, the rest for the smaller. The longest side is
    bounded, so that a strip of a page does not become a picture no format can hold.
    """
    width, height = size
    if rendition.full:
        return min(1.0, full_scale(size))
    factors = [
        asked / side
        for asked, side in ((rendition.width, width), (rendition.height, height))
        if asked
    ]
    factor = max(factors) if rendition.fit in ("cover", "fill") else min(factors)
    return min(factor, LONGEST_SIDE / max(width, height))


def full_scale(size: tuple[float, float]) -> float:
    """The largest factor at which that size may be made when no other is asked for.

    The pixels are those of the largest square that a name can ask for: what takes no more time.
    """
    width, height = size
    return min(LARGEST / sqrt(width * height), LONGEST_SIDE / max(width, height))


def scaled(width: float, height: float, factor: float) -> Size:
    """A size times a factor, never less than one pixel."""
    return max(1, round(width * factor)), max(1, round(height * factor))


def _covering(source: Size, rendition: Rendition) -> Box:
    width, height = source
    shown = min(width, height * rendition.width / rendition.height)
    tall = min(height, width * rendition.height / rendition.width)
    scale = min(1.0, scale_for((shown, tall), rendition))
    left, top = rendition.gravity.start(source, (shown, tall), scale)
    return left, top, min(left + shown, float(width)), min(top + tall, float(height))
