"""Page one of a PDF: whether it is text or the picture of a page, told by its objects alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from imaging.limits import Limits
from imaging.pdf.pages import opened

if TYPE_CHECKING:
    from pypdfium2 import PdfObject, PdfPage, PdfTextPage

Bounds = tuple[float, float, float, float]

# Cells across and down by which the area of pictures is told: scans come in strips, too.
_CELLS = 16
_MOST_OBJECTS = 20_000
_DEEPEST = 4
# FPDF_TEXTRENDERMODE_INVISIBLE and _CLIP, fpdf_edit.h: what a reader of scans has recognised.
_UNSEEN = frozenset({3, 7})


class FirstPage(NamedTuple):
    """`letters` are those that can be seen; `pictured` is the share of the page under pictures.

    `pages` are those of the document.
    """

    letters: int
    pictured: float
    pages: int


def first_page(source: bytes | memoryview, limits: Limits) -> FirstPage:
    """What page one is made of. Raises what `opened` does."""
    with opened(source, limits) as document:
        return FirstPage(*_counted(document[0]), len(document))


def _counted(page: PdfPage) -> tuple[int, float]:
    """Letters by where they stand: a picture drawn later hides them, and is what one sees."""
    from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE, FPDF_PAGEOBJ_TEXT, FPDFPageObj_GetType

    letters = [0] * (_CELLS * _CELLS)
    pictured = [False] * (_CELLS * _CELLS)
    text, box = page.get_textpage(), page.get_bbox()
    for item in islice(page.get_objects(max_depth=_DEEPEST), _MOST_OBJECTS):
        kind = FPDFPageObj_GetType(item)
        if kind == FPDF_PAGEOBJ_TEXT:
            for cell in _cells(_middle(_bounds(item)), box):
                letters[cell] += _letters(item, text)
        elif kind == FPDF_PAGEOBJ_IMAGE:
            for cell in _cells(_bounds(item), box):
                letters[cell], pictured[cell] = 0, True
    return sum(letters), sum(pictured) / len(pictured)


def _letters(item: PdfObject, text: PdfTextPage) -> int:
    from pypdfium2.raw import FPDFTextObj_GetText, FPDFTextObj_GetTextRenderMode

    if FPDFTextObj_GetTextRenderMode(item) in _UNSEEN:
        return 0
    octets: int = FPDFTextObj_GetText(item, text, None, 0)
    return max(0, octets // 2 - 1)  # UTF-16 with a zero at its end


def _bounds(item: PdfObject) -> Bounds:
    """Where an object lies on its page; one inside a form says where it lies in that."""
    left, bottom, right, top = item.get_bounds()
    corners = [(left, bottom), (left, top), (right, bottom), (right, top)]
    within = item.container
    while within is not None:
        matrix = within.get_matrix()
        corners = [matrix.on_point(x, y) for x, y in corners]
        within = within.container
    across, down = zip(*corners, strict=True)
    return min(across), min(down), max(across), max(down)


def _middle(bounds: Bounds) -> Bounds:
    left, bottom, right, top = bounds
    across, down = (left + right) / 2, (bottom + top) / 2
    return across, down, across, down


def _cells(bounds: Bounds, box: Bounds) -> Iterator[int]:
    """The cells of the page whose middle lies in the bounds; for a point the one it lies in."""
    columns = _steps(bounds[0], bounds[2], box[0], box[2])
    rows = _steps(bounds[1], bounds[3], box[1], box[3])
    return (row * _CELLS + column for row in rows for column in columns)


def _steps(first: float, last: float, start: float, end: float) -> range:
    size = (end - start) / _CELLS
    if first == last:
        step = int((first - start) // size)
        return range(max(0, step), min(_CELLS, step + 1))
    return range(max(0, round((first - start) / size)), min(_CELLS, round((last - start) / size)))
