"""Makes renditions of a master: the pure function beside `render`, for a worker process."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from imaging.conversions import PDF
from imaging.errors import BrokenSource
from imaging.limits import Limits
from imaging.marking.notices import NOT_DIAGNOSTIC, noticed
from imaging.masters.masters import Master
from imaging.masters.negatives import printed
from imaging.masters.prints import printable
from imaging.media import DICOM, HEIF
from imaging.names.renditions import Rendition
from imaging.pixels.kinds import Kind, kind_of
from imaging.pixels.placeholders import placeholder
from imaging.pixels.scaled import Scaled
from imaging.rendered import Rendered
from imaging.sources import admit, guarded, open_picture

EFFORT = "master"
"""What the effort of each print tells beside that of its encoding."""

_JPEG = "image/jpeg"


def reprint(
    master: Master,
    rendition: Rendition,
    origin: tuple[str, int],
    limits: Limits,
    finish: Callable[[Scaled, Rendition, int], Rendered] = Scaled.encoded,
) -> Rendered:
    """The rendition, made of a master; `origin` is its source's media type, and its octets.

    Raises BrokenSource for what is no such master, or a rendition that is not made of one.
    """
    media_type, octets = origin
    with guarded():
        if not printable(rendition, media_type) or admit(master.body, limits) != _JPEG:
            raise BrokenSource("unsupported")
        image = open_picture(master.body, _JPEG, 0, limits)
        if image.size != (master.width, master.height):
            raise BrokenSource("damaged")
        picture = printed(image, master, rendition, media_type)
        return finish(_scaled(picture, rendition, master, media_type), rendition, octets)


def _scaled(picture: Image.Image, rendition: Rendition, master: Master, media_type: str) -> Scaled:
    """The print as `render` would see it: of the same kind, with the same notice."""
    document = media_type not in HEIF or rendition.page > 0 or picture.mode == "L"
    paged = media_type not in HEIF or rendition.page > 0
    size = (0, 0) if media_type == PDF else (round(master.size[0]), round(master.size[1]))
    dicom = media_type == DICOM
    return Scaled(
        noticed(picture, NOT_DIAGNOSTIC) if dicom else picture,
        Kind.SCAN if dicom else kind_of(picture, document=document),
        "webp" if paged else "jpeg",
        placeholder=placeholder(picture, rendition),
        source=size,
        effort=EFFORT,
    )
