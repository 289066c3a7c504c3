"""HEIC and HEIF pictures through libheif, when the extra `heic` is installed; decoding only."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from io import BytesIO
from types import ModuleType

from PIL import Image, ImageFile

from imaging.errors import BrokenSource

# The same binding twice: the first only decodes, and is free of the encoder and its GPL.
_BINDINGS = ("pi_heif", "pillow_heif")


def prepare() -> None:
    """Registers the decoder with Pillow; BrokenSource when the extra is missing.

    Thumbnails, depth maps and other guests of the container stay where they are: a thumbnail need
    not show what the picture shows. One job has one core, so it has one thread.
    """
    found = binding()
    if found is None:
        raise BrokenSource("heif-engine-missing")
    register = found.register_heif_opener
    register(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


def open_heif(source: bytes | memoryview) -> ImageFile.ImageFile:
    """The primary picture, header read, no pixel decoded; depths beyond eight bits end here.

    libheif turns it upright by the container's own `irot` and `imir` (ISO/IEC 23008-12 §6.5);
    the EXIF orientation that cameras repeat must not turn it again.
    """
    prepare()
    return Image.open(BytesIO(source), formats=("HEIF",))


@cache
def binding() -> ModuleType | None:
    """What speaks to libheif here, looked for once: a job may not look into folders."""
    for name in _BINDINGS:
        try:
            return import_module(name)
        except ImportError:
            continue
    return None
