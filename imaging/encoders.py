"""Writes a finished picture in a web format, with nothing of the source's metadata."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from imaging.colours import on_white
from imaging.rendered import MEDIA_TYPES, Rendered

# On-demand qualities: the lowest at which no picture of the measured set looked worse than
# "high" (SSIMULACRA2 70); small text needs a little more.
_QUALITY = {"jpeg": 72, "webp": 78, "avif": 59, "png": 0}
_DOCUMENT_QUALITY = {**_QUALITY, "webp": 80}
_EFFORT = {"jpeg": "op", "webp": "m4", "avif": "s9", "png": "z6"}


def encode(image: Image.Image, format: str, quality: int, *, document: bool) -> Rendered:
    """The picture as `format`; quality 0 takes the format's own, `document` the one for text."""
    quality = quality or (_DOCUMENT_QUALITY if document else _QUALITY)[format]
    picture = on_white(image) if format == "jpeg" else image
    # Pillow's writers copy comments, profiles and resolution from here.
    picture.info = {}
    out = BytesIO()
    picture.save(out, format.upper(), **_options(format, quality))
    return Rendered(
        out.getvalue(), MEDIA_TYPES[format], picture.width, picture.height, quality, _EFFORT[format]
    )


def _options(format: str, quality: int) -> dict[str, int | bool]:
    if format == "jpeg":
        return {"quality": quality, "optimize": True, "progressive": True}
    if format == "webp":
        return {"quality": quality, "method": 4}
    if format == "avif":
        return {"quality": quality, "speed": 9, "max_threads": 1}
    return {"compress_level": 6}
