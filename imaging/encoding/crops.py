"""Crops: the parts of a picture that tell how the whole of it was encoded."""

from __future__ import annotations

from itertools import product

from PIL import Image, ImageChops, ImageStat

SIDE = 256
"""The longest side of a crop, in pixels."""

Box = tuple[int, int, int, int]


def telling_crops(image: Image.Image) -> tuple[Box, ...]:
    """The crop with the median of detail and the one with most, one alone where they are the same.

    The time to compare crops does not grow with the picture, and the score is nearly the whole's.
    """
    ranked = sorted(_grid(image.size), key=_details(image))
    return tuple(dict.fromkeys((ranked[(len(ranked) - 1) // 2], ranked[-1])))


def _grid(size: tuple[int, int]) -> list[Box]:
    """Boxes that cover nearly all of the picture, none over another."""
    across, down = (_starts(side) for side in size)
    width, height = (min(side, SIDE) for side in size)
    return [(left, top, left + width, top + height) for top, left in product(down, across)]


def _starts(side: int) -> list[int]:
    count = max(1, side // SIDE)
    slack = max(0, side - count * SIDE)
    return [n * SIDE + slack * (2 * n + 1) // (2 * count) for n in range(count)]


class _details:
    """Orders boxes by how much neighbours differ in them."""

    def __init__(self, image: Image.Image) -> None:
        grey = image.convert("L")
        beside = ImageChops.difference(grey, ImageChops.offset(grey, 1, 0))
        below = ImageChops.difference(grey, ImageChops.offset(grey, 0, 1))
        self._steps = ImageChops.add(beside, below)

    def __call__(self, box: Box) -> float:
        return ImageStat.Stat(self._steps.crop(box)).mean[0]
