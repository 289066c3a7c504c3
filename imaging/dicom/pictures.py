"""Pictures inside of DICOM: JPEG and JPEG 2000 code streams, opened by Pillow."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageFile

from imaging.errors import BrokenSource, SourceTooLarge
from imaging.limits import Limits

# A frame's header: its length, then the bits of a sample (ISO/IEC 10918-1 §B.2.2).
_FRAME = re.compile(rb"\xff[\xc0-\xc3]..(.)", re.DOTALL)
_SIZ = b"\xff\x4f\xff\x51"
# Of the SIZ segment: its precision stands behind sizes and offsets (ISO/IEC 15444-1 §A.5.1).
_PRECISION = 42


def open_jpeg(
    data: bytes, size: tuple[int, int], limits: Limits, *, plain: bool
) -> tuple[Image.Image, bool]:
    """The picture, and whether it is RGB by now; else its planes are what the file says.

    `plain` says that the file calls them RGB: then nothing may be converted unless the stream
    itself says otherwise, by Adobe's marker or as JFIF, which is always YCbCr.
    """
    if data.count(b"\xff\xda") > limits.scans:
        raise SourceTooLarge("scans")
    precision = _FRAME.search(data)
    if precision is not None and precision[1] != b"\x08":
        raise BrokenSource("transfer-syntax")
    image = _opened(data, "JPEG", size)
    if image.mode != "RGB":
        image.load()
        return image, False
    if plain and not image.info.keys() & {"adobe_transform", "jfif"}:
        image.draft("YCbCr", size)  # as libjpeg takes it for granted, this converts nothing
        image.load()
    return image, True


def open_jpeg_2000(
    data: bytes, size: tuple[int, int], *, signed: bool
) -> tuple[Image.Image, Callable[[int], int]]:
    """The picture, and which value a code of it stands for; its colours are RGB by now.

    Pillow stretches values to eight or sixteen bits and moves signed ones up by half the range.
    `signed` says that the file means signed values, also where the stream does not know it.
    """
    at = data.find(_SIZ)
    if at < 0 or len(data) < at + _PRECISION + 1:
        raise BrokenSource("damaged")
    octet = data[at + _PRECISION]
    bits, coded_signed = (octet & 0x7F) + 1, octet > 0x7F
    image = _opened(data, "JPEG2000", size)
    image.load()
    held = 16 if image.mode.startswith("I") else 8
    down, half = max(0, held - bits), 1 << (min(bits, held) - 1)
    if coded_signed:
        return image, lambda code: (code >> down) - half
    if signed:
        return image, lambda code: ((code >> down) ^ half) - half
    return image, lambda code: code >> down


def _opened(data: bytes, format: str, size: tuple[int, int]) -> ImageFile.ImageFile:
    """Opened, when it is as large as the file around it says."""
    image = Image.open(BytesIO(data), formats=(format,))
    if image.size != size:
        raise BrokenSource("damaged")
    return image
