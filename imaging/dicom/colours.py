"""Colours: planes of a frame to sRGB by its photometric interpretation (PS3.3 C.7.6.3.1.2)."""

from __future__ import annotations

from PIL import Image

from imaging.dicom.files import PALETTE, DicomFile
from imaging.dicom.frames import Frame
from imaging.dicom.tones import Table, table
from imaging.errors import BrokenSource

_ICC_PROFILE = 0x00282000
_PALETTES = ((0x00281101, 0x00281201), (0x00281102, 0x00281202), (0x00281103, 0x00281203))


def coloured(file: DicomFile, frame: Frame) -> Image.Image:
    """The frame in RGB; the file's profile, if any, goes with it in `info`."""
    if file.photometric == PALETTE:
        bands = [_looked_up(frame, _palette(file, *tags)) for tags in _PALETTES]
        image = Image.merge("RGB", bands)
    else:
        plain = frame.rgb or not file.photometric.startswith("YBR_FULL")
        planes = [_eight_bits(plane, file.stored) for plane in frame.planes]
        image = Image.merge("RGB" if plain else "YCbCr", planes).convert("RGB")
    image.info["icc_profile"] = file.header.values.get(_ICC_PROFILE, b"")
    return image


def _palette(file: DicomFile, described: int, data: int) -> Table:
    found = table(file.header, described, data, signed=file.signed)
    if found is None:  # one in segments, mostly
        raise BrokenSource("unsupported")
    return found


def _looked_up(frame: Frame, palette: Table) -> Image.Image:
    plane = frame.planes[0]
    most = 255 if max(palette.entries) < 256 else palette.most
    codes = range(256 if plane.mode == "L" else 1 << 16)
    return plane.point([palette(frame.value(code)) * 255 // most for code in codes], "L")


def _eight_bits(plane: Image.Image, stored: int) -> Image.Image:
    if plane.mode == "L":
        return plane
    return plane.point([min(code >> (stored - 8), 255) for code in range(1 << 16)], "L")
