"""Samples: about how many octets a picture will take, told by encoding parts of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from PIL import Image

from imaging.encoding.encoders import encode
from imaging.pixels.scaled import Scaled

# Squares across and down, and their side: margins and text have to be met in their proportion.
_PARTS, _SIDE = 8, 80


def predicted(scaled: Scaled, formats: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The octets of the picture in each format; a small picture is encoded whole."""
    picture = scaled.image
    sheet = _sheet(picture)
    share = sheet.width * sheet.height / (picture.width * picture.height)
    for form in formats:
        yield form, round(len(encode(sheet, form, 0, scaled.kind).body) / share)


def _sheet(picture: Image.Image) -> Image.Image:
    """Squares from the middles of equal parts of the picture, side by side and not scaled."""
    side = _PARTS * _SIDE
    if picture.width * picture.height <= side * side:
        return picture
    across, down = (_starts(length) for length in picture.size)
    width, height = (min(_SIDE, length // _PARTS) for length in picture.size)
    sheet = Image.new(picture.mode, (len(across) * width, len(down) * height))
    for row, top in enumerate(down):
        for column, left in enumerate(across):
            part = picture.crop((left, top, left + width, top + height))
            sheet.paste(part, (column * width, row * height))
    return sheet


def _starts(length: int) -> list[int]:
    side = min(_SIDE, length // _PARTS)
    return [(2 * part + 1) * length // (2 * _PARTS) - side // 2 for part in range(_PARTS)]
