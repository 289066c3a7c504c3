"""Pages of a PDF through PDFium, when the extra `pdf` is installed."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING

from PIL import Image

from imaging.conversions import PDF
from imaging.errors import BrokenSource, PageMissing, SourceTooLarge
from imaging.limits import Limits
from imaging.masters.masters import WIDTH
from imaging.masters.negatives import Negative, fitted
from imaging.masters.prints import plain
from imaging.names.areas import ENTIRE, WHOLE
from imaging.names.gravity import CENTRE
from imaging.names.redactions import UNREDACTED
from imaging.names.renditions import Rendition
from imaging.pdf.insets import insets_of, spread_around
from imaging.pixels.geometry import Placement, Size, full_scale, place, scale_for, scaled
from imaging.pixels.painting import Patch, Spread, painted, patches
from imaging.pixels.pictures import aimed
from imaging.rendered import LARGEST_SIZE, SIZES, Description

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage
    from pypdfium2.raw import FPDF_SYSFONTINFO

_ERR_PASSWORD = 4  # FPDF_ERR_PASSWORD, fpdfview.h
# How far PDFium smooths edges and pictures, in pixels.
_SMOOTHED = Spread(beyond=2)
# A page whose pictures have so many pixels is drawn as wide as a master, unless it is to be nearly
# that wide. Pictures come first on scanned pages, their text behind them.
_MANY_PIXELS, _OF_WIDTH, _LOOKED_AT = 1_000_000, 0.95, 256
_PIXELS_PER_POINT = 2.0  # of a page whose size nobody asks for: small print can be read


def describe_pdf(source: bytes | memoryview, limits: Limits) -> Description:
    """Page one's width and height in whole points, the number of pages, and their sizes."""
    with opened(source, limits) as document:
        width, height = _page_size(document[0])
        points = max(1, round(width)), max(1, round(height))
        sizes = tuple(_told_size(document, at) for at in range(min(len(document), SIZES)))
        return Description(PDF, *points, len(document), sizes)


def draw_page(
    source: bytes | memoryview, rendition: Rendition, limits: Limits
) -> tuple[Image.Image, Negative | None]:
    """One page on white at the rendition's size, and what it was scaled from if that is kept.

    The scale always comes from the pixels asked for: a page may claim to be kilometres wide.
    """
    with opened(source, limits) as document:
        if rendition.page > len(document):
            raise PageMissing(len(document))
        index = max(rendition.page - 1, 0)
        page = _flattened(document, index) if rendition.redacts else document[index]
        whole, part = _page_size(page), _part(page, rendition)
        size = scaled(*part, _factor(part, rendition))
        # Whether it shows a picture may tell of what is hidden.
        scan = (rendition.redacts or _photographed(page)) and size[0] < _OF_WIDTH * WIDTH
        large = replace(rendition, width=WIDTH, height=0, fit="", gravity=CENTRE)
        image = _drawn(page, large if scan else rendition, limits, entire=scan)
    # The part that was asked for is all that is there, and what is hidden is painted over.
    shown = aimed(image, replace(rendition, crop=ENTIRE, redaction=UNREDACTED))
    negative = Negative(image, whole) if scan and plain(rendition) else None
    seen = size if scan else image.size
    return _fitted(image, place(seen, shown), seen), negative


def _flattened(document: PdfDocument, index: int) -> PdfPage:
    """The page with its annotations made part of it: so the pictures in them are found."""
    from pypdfium2.raw import FLAT_NORMALDISPLAY, FLATTEN_FAIL, FPDFPage_Flatten

    page = document[index]
    if FPDFPage_Flatten(page, FLAT_NORMALDISPLAY) == FLATTEN_FAIL:
        raise BrokenSource("damaged")
    page.close()
    return document[index]


def _fitted(image: Image.Image, placement: Placement, size: Size) -> Image.Image:
    """What is to be seen of a page that was drawn at least as large as it is to be."""
    asked = (placement.width, placement.height)
    if asked == image.size:
        return image
    across, down = image.width / size[0], image.height / size[1]
    left, top, right, bottom = placement.box
    return fitted(image, asked, (left * across, top * down, right * across, bottom * down))


def _photographed(page: PdfPage) -> bool:
    """Whether the page shows pictures of many pixels, as scans do.

    PDFium shrinks them by leaving pixels out: such pages are drawn large, and then scaled.
    """
    from pypdfium2 import PdfImage, PdfiumError

    pixels = 0
    with suppress(PdfiumError):  # what can not be counted may be drawn all the same
        for one in islice(page.get_objects(max_depth=2), _LOOKED_AT):
            if isinstance(one, PdfImage):
                width, height = one.get_px_size()
                pixels += width * height
    return pixels >= _MANY_PIXELS


def _part(page: PdfPage, rendition: Rendition) -> tuple[float, float]:
    """The size in points of the part that was asked for."""
    width, height = _page_size(page)
    crop = rendition.crop
    return width * (crop.right - crop.left) / WHOLE, height * (crop.bottom - crop.top) / WHOLE


def _drawn(
    page: PdfPage, rendition: Rendition, limits: Limits, *, entire: bool = False
) -> Image.Image:
    """The part asked for, drawn alone: its pixels are all that it costs, however large it is.

    PDFium fits a page to whole pixels, which may be one more than there should be: `entire` keeps
    all of them, so that what is scaled is the page and no less.
    """
    width, height = _page_size(page)
    crop, part = rendition.crop, _part(page, rendition)
    across, down = scaled(*part, _factor(part, rendition))
    if across * down > limits.pixels:
        raise SourceTooLarge("pixels")
    # PDFium's binding rounds up; a hair less gives exactly the width that was asked for.
    scale = max(across - 0.01, 0.5) / part[0]
    whole = ceil(width * scale), ceil(height * scale)
    left, top = (
        min(round(start * side / WHOLE), max(side - length, 0))
        for start, side, length in zip((crop.left, crop.top), whole, (across, down), strict=True)
    )
    if entire and crop == ENTIRE:
        across, down = whole
    right, bottom = min(left + across, whole[0]), min(top + down, whole[1])
    margins = left, whole[1] - bottom, whole[0] - right, top
    # It rounds up again: half a pixel less gives that pixel.
    cut = tuple((margin - 0.5) / scale for margin in margins)
    bitmap = page.render(scale=scale, crop=cut, force_halftone=True)  # pyright: ignore[reportArgumentType]
    image: Image.Image = bitmap.to_pil().convert("RGB")
    laid = _hidden(page, rendition, whole)
    return painted(image, [patch.moved(left, top) for patch in laid])


def _hidden(page: PdfPage, rendition: Rendition, size: Size) -> Iterator[Patch]:
    """What a redaction hides of a page that has so many pixels as a whole."""
    insets = insets_of(page) if rendition.redacts else ()
    for box in rendition.redaction.on(rendition.page):
        across, down = spread_around(box.area, insets)
        for patch in patches([box], size, _SMOOTHED):
            yield patch.grown(ceil(across * size[0]), ceil(down * size[1]))


def _factor(size: tuple[float, float], rendition: Rendition) -> float:
    if rendition.full:
        return min(_PIXELS_PER_POINT, full_scale(size))
    return scale_for(size, rendition)


@contextmanager
def opened(source: bytes | memoryview, limits: Limits) -> Generator[PdfDocument]:
    """The document, open inside the block; BrokenSource when it is locked or no whole PDF."""
    try:
        import pypdfium2
    except ImportError:
        raise BrokenSource("pdf-engine-missing") from None
    _own_fonts()
    try:
        document = pypdfium2.PdfDocument(bytes(source))
    except pypdfium2.PdfiumError as error:
        encrypted = error.err_code == _ERR_PASSWORD
        raise BrokenSource("encrypted" if encrypted else "damaged") from None
    try:
        if len(document) > limits.pages:
            raise SourceTooLarge("pages")
        document.init_forms()
        yield document
    finally:
        document.close()


@cache
def _own_fonts() -> FPDF_SYSFONTINFO:
    """Has PDFium draw what a file embeds, else what it brings itself: no font of this machine.

    A page looks the same wherever it is rendered, and no job opens a file. PDFium keeps hold of
    what is returned.
    """
    from pypdfium2.raw import FPDF_SYSFONTINFO, FPDF_SetSystemFontInfo

    nothing = FPDF_SYSFONTINFO(version=1)
    FPDF_SetSystemFontInfo(nothing)
    return nothing


def _told_size(document: PdfDocument, index: int) -> tuple[float, float]:
    """A page's size without reading its content; 0 for one that has none a page can have."""
    import pypdfium2

    try:
        width, height = document.get_page_size(index)
    except pypdfium2.PdfiumError:
        return 0.0, 0.0
    possible = 0 < width < LARGEST_SIZE and 0 < height < LARGEST_SIZE
    return (round(width, 2), round(height, 2)) if possible else (0.0, 0.0)


def _page_size(page: PdfPage) -> tuple[float, float]:
    width, height = page.get_size()
    if not (0 < width < LARGEST_SIZE and 0 < height < LARGEST_SIZE):
        raise BrokenSource("damaged")
    return width, height
