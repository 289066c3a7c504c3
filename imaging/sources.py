"""Opens a source by its header alone, behind a format allow-list and the limits."""

from __future__ import annotations

import re
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from itertools import islice

from PIL import Image, ImageFile, UnidentifiedImageError

from imaging.directories import count_directories
from imaging.errors import BrokenSource, ImagingError, PageMissing, SourceTooLarge
from imaging.heif import open_heif
from imaging.limits import Limits
from imaging.media import DICOM, HEIF, sniff

PDF = "application/pdf"
_PILLOW = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/gif": "GIF",
    "image/tiff": "TIFF",
    "image/bmp": "BMP",
    "image/jp2": "JPEG2000",
}
_OPENED = frozenset({PDF, DICOM, *_PILLOW, *HEIF})
_SOS = re.compile(rb"\xff\xda")
_EXIF_ORIENTATION = 0x0112


@contextmanager
def guarded() -> Generator[None]:
    """Turns whatever a decoder raises over hostile bytes into one of our errors.

    Decoders raise nearly everything (IndexError, struct.error, ZeroDivisionError, …) over bytes
    they did not expect, so this is the one place that catches all of it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Up to twice its limit Pillow only warns of a bomb.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            yield
        except ImagingError:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise SourceTooLarge("pixels") from None
        except MemoryError:
            raise SourceTooLarge("memory") from None
        except UnidentifiedImageError:
            raise BrokenSource("damaged") from None
        except Exception as error:
            raise BrokenSource("truncated" if "truncated" in str(error) else "damaged") from None


def admit(source: bytes | memoryview, limits: Limits) -> str:
    """The source's media type, when the engine may look at it at all."""
    if not len(source):
        raise BrokenSource("empty")
    if len(source) > limits.octets:
        raise SourceTooLarge("octets")
    media_type = sniff(bytes(source[:4096]))
    if media_type not in _OPENED:
        raise BrokenSource("unsupported")
    if media_type == "image/jpeg":
        scans = sum(1 for _ in islice(_SOS.finditer(source), limits.scans + 1))
        if scans > limits.scans:
            raise SourceTooLarge("scans")
    if media_type == "image/tiff" and count_directories(source, limits.pages) > limits.pages:
        raise SourceTooLarge("pages")
    return media_type


def open_picture(
    source: bytes | memoryview, media_type: str, page: int, limits: Limits
) -> ImageFile.ImageFile:
    """The picture at that page (0 and 1 are the first), header read, no pixel decoded."""
    if media_type in HEIF:
        image = open_heif(source)
    else:
        image = Image.open(BytesIO(source), formats=(_PILLOW[media_type],))
    if page > 1:
        _turn_to(image, media_type, page, limits)
    if image.width * image.height > limits.pixels:
        raise SourceTooLarge("pixels")
    return image


def count_pages(image: ImageFile.ImageFile, media_type: str, limits: Limits) -> int:
    """Pages of a TIFF, 1 for all else: frames of an animation are no pages."""
    if media_type != "image/tiff":
        return 1
    # n_frames would walk a chain of any length; this one stops at the limit.
    for index in range(1, limits.pages + 1):
        try:
            image.seek(index)
        except EOFError:
            return index
    raise SourceTooLarge("pages")


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation still to be applied, 1…8; TIFF's and HEIF's are applied in loading."""
    if image.format in ("TIFF", "HEIF"):
        return 1
    value = image.getexif().get(_EXIF_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _turn_to(image: ImageFile.ImageFile, media_type: str, page: int, limits: Limits) -> None:
    if media_type != "image/tiff":
        raise PageMissing(1)
    if page > limits.pages:
        raise SourceTooLarge("pages")
    try:
        image.seek(page - 1)
    except EOFError:
        raise PageMissing(count_pages(image, media_type, limits)) from None
