"""Painting: boxes laid over decoded pixels, so that nothing of what is under them goes further.

A codec spreads a pixel over its whole block, and over the neighbours that it smooths: so a box
grows to what the codec can have spread. All that comes after, scaling included, sees paint alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from PIL import Image

from imaging.names.redactions import Box
from imaging.pixels.colours import resizable
from imaging.pixels.geometry import Size, turned

Pixels = tuple[int, int, int, int]

_BLOCK = 8  # of a JPEG, in samples
_LOSSLESS = frozenset({"PNG", "GIF", "BMP"})
_LOSSLESS_TIFF = frozenset(
    f"tiff_{name}" for name in ("ccitt", "lzw", "adobe_deflate", "deflate", "raw_16")
) | {"raw", "packbits", "group3", "group4", "lzma", "zstd"}
_PHOTOMETRIC, _YCBCR = 262, 6
# Black and white in every mode that a picture can be scaled in.
_INKS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "L": ((0,), (255,)),
    "LA": ((0, 255), (255, 255)),
    "RGB": ((0, 0, 0), (255, 255, 255)),
    "RGBX": ((0, 0, 0, 255), (255, 255, 255, 255)),
    "RGBA": ((0, 0, 0, 255), (255, 255, 255, 255)),
    "CMYK": ((0, 0, 0, 255), (0, 0, 0, 0)),
    "YCbCr": ((0, 128, 128), (255, 128, 128)),
    "LAB": ((0, 128, 128), (255, 128, 128)),
}


class Spread(NamedTuple):
    """How far a codec spreads one pixel: over its block, and so many pixels beyond."""

    across: int = 1
    down: int = 1
    beyond: int = 0

    @property
    def exact(self) -> bool:
        """Whether each pixel is kept by itself."""
        return self == EXACT


EXACT = Spread()
LOSSY = Spread(16, 16, 16)
"""For codecs whose blocks nobody tells: those of most, and their filters."""


class Patch(NamedTuple):
    """A box among the pixels of a picture as it is stored: left, top, right, bottom."""

    box: Pixels
    white: bool

    def moved(self, left: int, top: int) -> Patch:
        """The same in a part of the picture that begins there."""
        first, upper, last, lower = self.box
        return Patch((first - left, upper - top, last - left, lower - top), self.white)

    def grown(self, across: int, down: int) -> Patch:
        """The same with so many pixels more on each side."""
        left, top, right, bottom = self.box
        return Patch((left - across, top - down, right + across, bottom + down), self.white)

    def scaled(self, scale: tuple[float, float], edge: int) -> Patch:
        """The same in a picture decoded at that scale, with so many of its pixels around it."""
        (across, down), (left, top, right, bottom) = scale, self.box
        box = (
            int(left * across) - edge,
            int(top * down) - edge,
            -int(-right * across // 1) + edge,
            -int(-bottom * down // 1) + edge,
        )
        return Patch(box, self.white)


def spread_of(image: Image.Image) -> Spread:
    """How far the codec of a picture, of which the header is read, spreads its pixels."""
    layers: Sequence[tuple[int, int, int, int]] = getattr(image, "layer", ())
    if layers:
        across, down = (_BLOCK * max(layer[axis] for layer in layers) for axis in (1, 2))
        # Where a progressive file leaves out the last bits, blocks are smoothed by the next two.
        return Spread(across, down, 2 * max(across, down) if "progressive" in image.info else 0)
    plain = image.format in _LOSSLESS or image.info.get("compression") in _LOSSLESS_TIFF
    return EXACT if plain and not _shares_colours(image) else LOSSY


def _shares_colours(image: Image.Image) -> bool:
    """Whether neighbours in a TIFF may have one colour for all, as YCbCr is kept (TIFF 6.0, 21)."""
    told: Mapping[int, object] = getattr(image, "tag_v2", {})
    return told.get(_PHOTOMETRIC) == _YCBCR


def patches(
    boxes: Iterable[Box], size: Size, spread: Spread, orientation: int = 1
) -> tuple[Patch, ...]:
    """Boxes among the pixels of a source of that upright size, grown to what is to be hidden."""
    return tuple(
        Patch(_grown(turned(box.area.covering(size), orientation, size), spread), box.white)
        for box in boxes
    )


def painted(image: Image.Image, laid: Sequence[Patch]) -> Image.Image:
    """The picture in a mode that can be scaled, with the patches on it; it is not copied for that.

    How deep pixels come down to eight bits depends on all of them, so first the hidden ones take
    the value of one that is seen.
    """
    if laid and image.mode[:1] in ("I", "F"):
        image = blanked(image, laid)
    picture = resizable(image)
    for patch in laid:
        picture.paste(_ink(picture.mode, white=patch.white), patch.box)
    return picture


def blanked(plane: Image.Image, laid: Sequence[Patch]) -> Image.Image:
    """The plane, of one band of any depth, with the value of a pixel that is seen under patches."""
    value = _seen(plane, laid)
    for patch in laid:
        left, top, right, bottom = patch.box
        # Pillow fills sixteen bits by their lower octet alone; pictures it lays down whole.
        plane.paste(Image.new(plane.mode, (right - left, bottom - top), value), (left, top))
    return plane


def _seen(plane: Image.Image, laid: Sequence[Patch]) -> float:
    """The first value, row by row, that no patch hides; 0 where they hide everything."""
    bare = Image.new("L", plane.size, 1)
    for patch in laid:
        bare.paste(0, patch.box)
    found = bare.getbbox()
    if found is None:
        return 0
    row = bare.crop((0, found[1], bare.width, found[1] + 1)).getbbox()
    assert row is not None
    value = plane.getpixel((row[0], found[1]))
    assert isinstance(value, int | float)
    return value


def _ink(mode: str, *, white: bool) -> tuple[int, ...]:
    return _INKS[mode][white]


def _grown(box: tuple[float, ...], spread: Spread) -> Pixels:
    left, top, right, bottom = map(int, box)
    across, down, beyond = spread
    return (
        left // across * across - beyond,
        top // down * down - beyond,
        -(-right // across) * across + beyond,
        -(-bottom // down) * down + beyond,
    )
