"""Kinds of picture, told by what is seen: each is smallest and sharpest in another encoding."""

from __future__ import annotations

from enum import Enum

from PIL import Image, ImageChops

from imaging.pixels.colours import greyed, on_white

_TILES, _SIDE = 4, 80
# Machines draw paper of one colour; sensors never do.
_DRAWN = 0.5
# Of what is no plain ground, text is nearly all edge; shading steps by one to three.
_SHADED = 0.45
_SHADES = slice(1, 4)
# Scanned paper is light, and most of a page is paper.
_LIGHT, _NEAR, _PAPER = 192, 20, 0.6


class Kind(Enum):
    """What a picture shows.

    A photo is everything that is nothing else; a scan is paper as a sensor saw it; a page is text
    and lines drawn in greys by a machine, without noise or shading; a screenshot is the same with
    colours; a bilevel picture has pixels of two colours alone.
    """

    PHOTO = "photo"
    SCAN = "scan"
    PAGE = "page"
    SCREENSHOT = "screenshot"
    BILEVEL = "bilevel"

    @property
    def document(self) -> bool:
        """Whether small text is to be expected."""
        return self is not Kind.PHOTO


def kind_of(picture: Image.Image, *, document: bool) -> Kind:
    """The kind of a finished picture (L, LA, RGB or RGBA), by tiles of its own pixels.

    `document` says that its source is one, whatever it looks like: never a photo. The same pixels
    always are of the same kind; the time is that of a hundred thousand pixels, however many
    there are. A bilevel picture is not told from a page.
    """
    tiles = on_white(_tiles(picture))
    grey = tiles.convert("L")
    steps = ImageChops.difference(grey, ImageChops.offset(grey, 1, 0)).histogram()
    count = sum(steps)
    shaded = sum(steps[_SHADES]) > _SHADED * (count - steps[0])
    if steps[0] >= _DRAWN * count and not shaded:
        return Kind.PAGE if greyed(tiles).mode == "L" else Kind.SCREENSHOT
    return Kind.SCAN if document or _paper(grey.histogram()) > _PAPER else Kind.PHOTO


def _tiles(picture: Image.Image) -> Image.Image:
    """Parts from all over the picture side by side, not scaled: that would hide its noise."""
    width, height = (max(1, min(_SIDE, side // _TILES)) for side in picture.size)
    sheet = Image.new(picture.mode, (_TILES * width, _TILES * height))
    for row in range(_TILES):
        top = (picture.height - height) * row // (_TILES - 1)
        for column in range(_TILES):
            left = (picture.width - width) * column // (_TILES - 1)
            part = picture.crop((left, top, left + width, top + height))
            sheet.paste(part, (column * width, row * height))
    return sheet


def _paper(histogram: list[int]) -> float:
    """The share of pixels near the most frequent of the light greys."""
    peak = max(range(_LIGHT, 256), key=lambda value: histogram[value])
    return sum(histogram[peak - _NEAR : peak + _NEAR + 1]) / sum(histogram)
