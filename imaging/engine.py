"""Makes renditions: one pure function from bytes to bytes, to be run in a worker process."""

from __future__ import annotations

from PIL.ImageFile import ImageFile

from imaging.conversions import Conversion, Converted
from imaging.dicom.drawing import describe_dicom, draw_frame
from imaging.encoders import encode
from imaging.errors import BrokenSource
from imaging.limits import Limits
from imaging.linear import linearise
from imaging.media import DICOM
from imaging.negotiate import origin_format
from imaging.notices import NOT_DIAGNOSTIC, noticed
from imaging.pdf import describe_pdf, draw_page
from imaging.pictures import scale_picture, upright_size
from imaging.rendered import ENGINE_VERSION, SIZES, Description, Rendered
from imaging.renditions import ORIGIN, Rendition
from imaging.sources import PDF, admit, count_pages, guarded, open_picture
from imaging.text import page_text
from imaging.windows import AS_STORED

__all__ = ["ENGINE_VERSION", "convert", "describe", "render"]

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
        if rendition.window != AS_STORED and media_type != DICOM:
            raise BrokenSource("no-window")
        if media_type == PDF:
            page = draw_page(source, rendition, limits)
            return encode(page, rendition.format or "webp", rendition.quality, document=True)
        if media_type == DICOM:
            frame = scale_picture(draw_frame(source, rendition, limits), rendition, document=True)
            marked = noticed(frame, NOT_DIAGNOSTIC)
            return encode(marked, rendition.format or "webp", rendition.quality, document=True)
        image = open_picture(source, media_type, rendition.page, limits)
        paged = media_type == "image/tiff" or rendition.page > 0
        document = paged or image.mode in _SCANNED
        picture = scale_picture(image, rendition, document=document)
        format = rendition.format or ("webp" if paged else "jpeg")
        return encode(picture, format, rendition.quality, document=document)


def convert(source: bytes, conversion: Conversion, limits: Limits = _DEFAULT) -> Converted:
    """What is made of a document and is no picture. Raises as `render` does.

    A source that is no PDF has no conversion: the reason is "no-text" or "unsupported".
    """
    with guarded():
        if admit(source, limits) != PDF:
            raise BrokenSource(conversion.refusal)
        if conversion.page:
            return page_text(source, conversion.page, limits)
        return linearise(source, limits)


def describe(source: bytes | memoryview, limits: Limits = _DEFAULT) -> Description:
    """Media type, upright size and pages, read from the header: no pixel is decoded."""
    with guarded():
        media_type = admit(source, limits)
        if media_type == PDF:
            return describe_pdf(source, limits)
        if media_type == DICOM:
            return describe_dicom(source, limits)
        image = open_picture(source, media_type, 0, limits)
        width, height = upright_size(image)
        pages = count_pages(image, media_type, limits)
        sizes = _page_sizes(image, pages) if media_type == "image/tiff" else ()
        return Description(media_type, width, height, pages, sizes)


def _page_sizes(image: ImageFile, pages: int) -> tuple[tuple[float, float], ...]:
    sizes: list[tuple[float, float]] = []
    for index in range(min(pages, SIZES)):
        image.seek(index)
        sizes.append(upright_size(image))
    return tuple(sizes)
