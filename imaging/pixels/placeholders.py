"""Placeholders: a picture in some twenty octets, to be shown until the picture itself is there.

They are ThumbHashes (evanw.github.io/thumbhash): the mean colour and the lowest waves of light,
of yellow against blue, of red against green and, if anything shows through, of opacity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from math import cos, floor, pi
from operator import mul
from typing import NamedTuple

from PIL import Image

from imaging.names.likeness import shows_all
from imaging.names.renditions import Rendition

# No wave is shorter than a seventh of a side, and the format's limit of 100 shows no more.
_SIDE = 24
_OPAQUE_WAVES, _CLEAR_WAVES, _COLOUR_WAVES = 7, 5, 3

Floats = Sequence[float]


def placeholder(picture: Image.Image, rendition: Rendition) -> bytes:
    """The picture's ThumbHash if it stands for the whole document as it is, else nothing."""
    return thumbhash(picture) if shows_all(rendition) else b""


def thumbhash(picture: Image.Image) -> bytes:
    """The ThumbHash of a picture in L, LA, RGB or RGBA: 12 to 28 octets."""
    small = _small(picture)
    red, green, blue, alpha = _bands(small)
    most = _CLEAR_WAVES if min(alpha) < 1 else _OPAQUE_WAVES
    across, down = (max(1, _round(most * side / max(picture.size))) for side in picture.size)
    light = [(r + g + b) / 3 for r, g, b in zip(red, green, blue, strict=True)]
    warm = [(r + g) / 2 - b for r, g, b in zip(red, green, blue, strict=True)]
    rosy = [r - g for r, g in zip(red, green, strict=True)]
    waves = [_waves(light, small.width, max(3, across), max(3, down))]
    waves += [_waves(band, small.width, _COLOUR_WAVES, _COLOUR_WAVES) for band in (warm, rosy)]
    landscape = picture.width > picture.height
    shorter = down if landscape else across
    if most == _OPAQUE_WAVES:
        return _packed(_head(waves, shorter, landscape, clear=False), waves)
    opacity = _waves(alpha, small.width, _CLEAR_WAVES, _CLEAR_WAVES)
    head = _head(waves, shorter, landscape, clear=True)
    head += [(_round(15 * opacity.mean), 4), (_round(15 * opacity.most), 4)]
    return _packed(head, [*waves, opacity])


class _Waves(NamedTuple):
    """A band's mean, its lowest waves as parts of the strongest, -1 to 1, and the strongest."""

    mean: float
    parts: Floats
    most: float


def _small(picture: Image.Image) -> Image.Image:
    factor = min(1.0, _SIDE / max(picture.size))
    size = tuple(max(1, round(side * factor)) for side in picture.size)
    small = picture.resize((size[0], size[1]), Image.Resampling.BOX, reducing_gap=2.0)
    return small.convert("RGBA")


def _bands(small: Image.Image) -> tuple[Floats, Floats, Floats, Floats]:
    """Red, green, blue and opacity, 0 to 1; what shows through is laid on the mean colour."""
    *colours, alpha = ([value / 255 for value in band.tobytes()] for band in small.split())
    if min(alpha) < 1:
        colours = [_laid(band, alpha) for band in colours]
    red, green, blue = colours
    return red, green, blue, alpha


def _laid(band: Floats, alpha: Floats) -> list[float]:
    mean = _dot(band, alpha) / (sum(alpha) or 1)
    return [mean + (value - mean) * seen for value, seen in zip(band, alpha, strict=True)]


def _waves(band: Floats, width: int, across: int, down: int) -> _Waves:
    """The cosine transform's corner above the diagonal from `down` to `across`."""
    height = len(band) // width
    rows = [band[at : at + width] for at in range(0, len(band), width)]
    columns = [[_dot(row, wave) for row in rows] for wave in _cosines(width, across)]
    mean, *rest = (
        _dot(columns[x], wave) / (width * height)
        for y, wave in enumerate(_cosines(height, down))
        for x in range(across)
        if x * down < across * (down - y)
    )
    most = max(map(abs, rest))
    return _Waves(mean, [part / most if most else -1.0 for part in rest], most)


@cache
def _cosines(length: int, count: int) -> list[list[float]]:
    return [[cos(pi / length * k * (at + 0.5)) for at in range(length)] for k in range(count)]


def _dot(one: Floats, other: Floats) -> float:
    products: Iterator[float] = map(mul, one, other)
    return sum(products)


def _head(
    waves: Sequence[_Waves], shorter: int, landscape: bool, *, clear: bool
) -> list[tuple[int, int]]:
    light, warm, rosy = waves
    return [
        (_round(63 * light.mean), 6),
        (_round(31.5 + 31.5 * warm.mean), 6),
        (_round(31.5 + 31.5 * rosy.mean), 6),
        (_round(31 * light.most), 5),
        (clear, 1),
        (shorter, 3),
        (_round(63 * warm.most), 6),
        (_round(63 * rosy.most), 6),
        (landscape, 1),
    ]


def _packed(head: Sequence[tuple[int, int]], waves: Sequence[_Waves]) -> bytes:
    """Fields of so many bits, the lowest first, and four for each wave."""
    total = at = 0
    for value, bits in (*head, *_nibbles(waves)):
        total |= value << at
        at += bits
    return total.to_bytes((at + 7) // 8, "little")


def _nibbles(waves: Sequence[_Waves]) -> Iterator[tuple[int, int]]:
    for band in waves:
        yield from ((_round(7.5 + 7.5 * part), 4) for part in band.parts)


def _round(value: float) -> int:
    """To the nearest, halves up; a half is one whatever the sums before it left of it."""
    return floor(value + 0.5 + 1e-9)
