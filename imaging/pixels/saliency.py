"""Where a picture has most to show, so that a crop may keep that: by the energy of its edges."""

from __future__ import annotations

from itertools import accumulate

from PIL import Image, ImageChops

from imaging.names.gravity import Gravity, focal_point
from imaging.pixels.colours import on_white, web_ready
from imaging.pixels.geometry import Box

_SIDE = 96
"""The longest side that is looked at: texture finer than that counts for little."""


def sketch(picture: Image.Image, part: Box | None = None) -> Image.Image:
    """A small grey copy of a part or of all: what is looked at. What is clear has no edges."""
    part = part or (0.0, 0.0, float(picture.width), float(picture.height))
    width, height = part[2] - part[0], part[3] - part[1]
    scale = min(1.0, _SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = picture.resize(size, Image.Resampling.BOX, box=part, reducing_gap=2.0)
    return on_white(web_ready(small, b"")).convert("L")


def liveliest(grey: Image.Image, shown: tuple[float, float]) -> Gravity:
    """The focal point of the part of a sketch that has the most edges.

    `shown` is that part's share of width and height. Of equal parts the one nearest to the middle
    wins, and where there are no edges, the middle. No chance, no learned model: the same pixels
    always give the same part.
    """
    edges = _edges(grey)
    width, height = edges.size
    energy = edges.tobytes()
    columns = [sum(energy[x::width]) for x in range(width)]
    rows = [sum(energy[y * width : (y + 1) * width]) for y in range(height)]
    return focal_point(_middle(columns, shown[0]), _middle(rows, shown[1]))


def _edges(grey: Image.Image) -> Image.Image:
    """How much each pixel differs from its neighbours to the left and above."""
    left, above = grey.copy(), grey.copy()
    left.paste(grey, (1, 0))
    above.paste(grey, (0, 1))
    return ImageChops.add(ImageChops.difference(grey, left), ImageChops.difference(grey, above))


def _middle(energy: list[int], share: float) -> float:
    """The middle, 0 to 1, of the stretch of about that share which holds the most energy.

    Not the stretch's own middle but that of its energy: what it shows stands free on both sides.
    """
    count = len(energy)
    length = max(1, min(count, round(share * count)))
    sums = [0, *accumulate(energy)]
    if length == count or not sums[-1]:
        return 0.5
    starts = range(count - length + 1)
    best = max(starts, key=lambda at: (sums[at + length] - sums[at], -abs(2 * at + length - count)))
    held = energy[best : best + length]
    return (best + 0.5 + sum(at * much for at, much in enumerate(held)) / sum(held)) / count
