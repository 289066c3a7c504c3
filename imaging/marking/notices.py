"""Notices: a line of text burned into the lower edge of a picture."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

NOT_DIAGNOSTIC = "Not for diagnostic use"
NARROWEST = 160
"""Below this many pixels across no line of text could be read."""

_SHARE = 0.6
_SMALLEST, _LARGEST = 11, 24


def noticed(image: Image.Image, text: str) -> Image.Image:
    """The picture with the text on a dark band: legible on black, on white and on both.

    Across three fifths of the picture, within sizes that can be read and do not shout. Pictures
    too small for it are given back as they are.
    """
    if image.width < NARROWEST:
        return image
    font = ImageFont.load_default(_LARGEST)
    wide = font.getlength(text)
    font = ImageFont.load_default(
        max(_SMALLEST, min(_LARGEST, int(_LARGEST * _SHARE * image.width / wide)))
    )
    left, top, right, bottom = font.getbbox(text)
    margin = max(2, round((bottom - top) / 4))
    band = round(bottom - top) + 2 * margin
    if band * 3 > image.height:
        return image
    marked = image.copy()
    draw = ImageDraw.Draw(marked)
    corner = marked.height - band
    black, white = (0, 255) if image.mode == "L" else ("black", "white")
    draw.rectangle((0, corner, right - left + 2 * margin, marked.height), fill=black)
    draw.text((margin - left, corner + margin - top), text, fill=white, font=font)
    return marked
