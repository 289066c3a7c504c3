"""The documents under measure: real ones from a folder, or else made by code; by their kinds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from PIL import ExifTags, Image, ImageOps

from bench.load import LoadFailed
from gateway.samples.papers import discharge_letter, intake_form, report
from gateway.samples.photo import hills
from imaging.conversions import Conversion
from imaging.engine import convert, describe, render
from imaging.errors import ImagingError
from imaging.media import DICOM, HEIF, PAGED
from imaging.names.renditions import parse_spec
from imaging.pixels.kinds import Kind, kind_of
from imaging.rendered import Description

FOLDER = "BENCH_PICTURES"
PHOTO, SCANNED = "photo", "PDF, page one a picture"
_LARGE, _MOST = 8_000_000, 4
_SIDE = 1_280
_PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class Picture:
    """A document, what kind of thing it shows, and its size in pixels; never its name."""

    kind: str
    body: bytes
    media_type: str
    width: int
    height: int

    @property
    def page(self) -> str:
        """What stands in front of a rendition's name, so that page one is meant."""
        return "p1-" if self.media_type in PAGED else ""

    @property
    def megapixels(self) -> int:
        return round(self.width * self.height / 1e6)


def photos() -> list[Picture]:
    """JPEG photographs of a camera's size, stored upright, for not everybody turns them."""
    large = [one for one in pictures() if photographed(one, _LARGE) and _upright(one)]
    if not large:
        raise LoadFailed("no photograph of more than eight megapixels")
    return large[:_MOST]


def photographed(picture: Picture, least: int) -> bool:
    """Whether it is a JPEG photograph of at least so many pixels."""
    large = picture.width * picture.height >= least
    return picture.kind == PHOTO and picture.media_type == "image/jpeg" and large


@lru_cache(maxsize=1)
def pictures() -> Sequence[Picture]:
    """Every document that the engine takes, those of one kind side by side."""
    found = (told(body) for body in _bodies())
    return sorted((one for one in found if one), key=lambda one: one.kind)


def told(body: bytes) -> Picture | None:
    """What a document is; None for one that has no picture."""
    try:
        header = describe(body)
        kind = _kind(body, header)
    except (ImagingError, OSError):
        return None
    return Picture(kind, body, header.media_type, header.width, header.height)


def _bodies() -> Iterator[bytes]:
    folder = os.environ.get(FOLDER, "")
    if not folder:
        yield from (hills(), discharge_letter(), report(), intake_form(), _screenshot())
        return
    for path in sorted(Path(folder).iterdir()):
        if path.is_file():
            yield path.read_bytes()


def _upright(picture: Picture) -> bool:
    with Image.open(BytesIO(picture.body)) as opened:
        return bool(opened.getexif().get(ExifTags.Base.Orientation, 1) == 1)


def _kind(body: bytes, header: Description) -> str:
    if header.media_type == _PDF:
        return "PDF, text" if convert(body, Conversion(page=1)).body.strip() else SCANNED
    if header.media_type == DICOM:
        return "DICOM"
    if header.media_type in HEIF:
        return "HEIC"
    with Image.open(BytesIO(body)) as picture:
        return _seen(picture)


def _seen(picture: Image.Image) -> str:
    if getattr(picture, "n_frames", 1) > 1 and picture.format != "TIFF":
        return "animation"
    if picture.mode == "1":
        return "page of two colours"
    if picture.mode in ("LA", "RGBA"):
        return "with alpha"
    grey = picture.mode == "L"
    picture.draft(None, (_SIDE, _SIDE))
    picture.thumbnail((_SIDE, _SIDE))
    kind = kind_of(picture if grey else picture.convert("RGB"), document=grey)
    if kind is Kind.SCAN:
        return "scan, grey" if grey else "scan, colour"
    return PHOTO if kind is Kind.PHOTO else "page or screen, drawn"


def _screenshot() -> bytes:
    """Page one of the report as a screen shows it, in two colours and what is between."""
    drawn = render(report(), parse_spec(f"p1-w{_SIDE}-png")).body
    out = BytesIO()
    with Image.open(BytesIO(drawn)) as page:
        ImageOps.colorize(page.convert("L"), "#1d2b53", "#f4f6ff").save(out, "PNG")
    return out.getvalue()
