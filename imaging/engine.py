"""Makes renditions: one pure function from bytes to bytes, to be run in a worker process."""

from __future__ import annotations

from imaging.encoders import encode
from imaging.limits import Limits
from imaging.negotiate import origin_format
from imaging.pdf import describe_pdf, draw_page
from imaging.pictures import scale_picture, upright_size
from imaging.rendered import ENGINE_VERSION, Description, Rendered
from imaging.renditions import ORIGIN, Rendition
from imaging.sources import PDF, admit, count_pages, guarded, open_picture

__all__ = ["ENGINE_VERSION", "describe", "render"]

_DEFAULT = Limits()
_SCANNED = frozenset({"1", "L", "I;16", "I;16B", "I"})


def render(source: bytes | memoryview, rendition: Rendition, limits: Limits = _DEFAULT) -> Rendered:
    """The rendition of the source; an automatic format becomes WebP for pages, else JPEG.

    Raises BrokenSource, SourceTooLarge or PageMissing, and nothing else.
    """
    with guarded():
        media_type = admit(source, limits)
        if rendition.format == ORIGIN:
            rendition = rendition.with_format(origin_format(media_type))
        if media_type == PDF:
            page = draw_page(source, rendition, limits)
            return encode(page, rendition.format or "webp", rendition.quality, document=True)
        image = open_picture(source, media_type, rendition.page, limits)
        paged = media_type == "image/tiff" or rendition.page > 0
        document = paged or image.mode in _SCANNED
        picture = scale_picture(image, rendition, document=document)
        format = rendition.format or ("webp" if paged else "jpeg")
        return encode(picture, format, rendition.quality, document=document)


def describe(source: bytes | memoryview, limits: Limits = _DEFAULT) -> Description:
    """Media type, upright size and pages, read from the header: no pixel is decoded."""
    with guarded():
        media_type = admit(source, limits)
        if media_type == PDF:
            return Description(media_type, *describe_pdf(source, limits))
        image = open_picture(source, media_type, 0, limits)
        width, height = upright_size(image)
        return Description(media_type, width, height, count_pages(image, media_type, limits))
