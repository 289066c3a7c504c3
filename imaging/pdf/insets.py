"""Insets: pictures on a page of a PDF, and how far each spreads what a box hides of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ctypes import c_int
from typing import TYPE_CHECKING, NamedTuple

from imaging.names.areas import WHOLE, Area

if TYPE_CHECKING:
    from pypdfium2 import PdfImage, PdfPage

# Names are short in pictures that stand in the page itself; some writers shorten others too.
_LOSSLESS = frozenset(
    f"{name}Decode"
    for name in ("ASCIIHex", "ASCII85", "LZW", "Flate", "RunLength", "CCITTFax", "JBIG2")
) | {"AHx", "A85", "LZW", "Fl", "RL", "CCF", "Crypt"}
# Samples that one may show in: those of its block, and what drawing smooths.
_BLOCK, _SMOOTHED = 18, 2
# PDFium draws no forms that are nested deeper; how many there are is bounded by the job's time.
_DEPTH = 40
# Shares of a page are told by whole numbers: PDFium's devices have whole pixels.
_FINE = 1_000_000


class Inset(NamedTuple):
    """A picture's place, in shares of the upright page, and its spread across and down."""

    left: float
    top: float
    right: float
    bottom: float
    across: float
    down: float

    def shows_beside(self, area: Area) -> bool:
        """Whether part of it is in the area and part is not: all else can spread nothing out."""
        left, top, right, bottom = (
            side / WHOLE for side in (area.left, area.top, area.right, area.bottom)
        )
        meets = self.left < right and left < self.right and self.top < bottom and top < self.bottom
        inside = left <= self.left and self.right <= right
        return meets and not (inside and top <= self.top and self.bottom <= bottom)


def spread_around(area: Area, insets: Iterable[Inset]) -> tuple[float, float]:
    """How far over its edges a hidden area may show, in shares of the page across and down."""
    beside = [inset for inset in insets if inset.shows_beside(area)]
    across = max((inset.across for inset in beside), default=0.0)
    return across, max((inset.down for inset in beside), default=0.0)


def insets_of(page: PdfPage) -> tuple[Inset, ...]:
    """The pictures of a page, those in its forms too."""
    return tuple(_insets(page))


def _insets(page: PdfPage) -> Iterator[Inset]:
    from pypdfium2 import PdfImage
    from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

    for one in page.get_objects([FPDF_PAGEOBJ_IMAGE], max_depth=_DEPTH):
        if isinstance(one, PdfImage):
            width, height = one.get_px_size()
            if width and height:
                yield _inset(page, one, (width, height))


def _inset(page: PdfPage, image: PdfImage, size: tuple[int, int]) -> Inset:
    corners = [_placed(page, corner) for corner in _corners(image)]
    left, right = min(x for x, _ in corners), max(x for x, _ in corners)
    top, bottom = min(y for _, y in corners), max(y for _, y in corners)
    # It may lie on its side, so the coarser of its two samples counts.
    lossless = _LOSSLESS.issuperset(image.get_filters())
    samples = (_SMOOTHED if lossless else _BLOCK) / min(size)
    return Inset(left, top, right, bottom, samples * (right - left), samples * (bottom - top))


def _corners(image: PdfImage) -> list[tuple[float, float]]:
    """On the page: a form has axes of its own, which its matrix leads out of."""
    left, bottom, right, top = image.get_bounds()
    corners = [(left, bottom), (left, top), (right, bottom), (right, top)]
    form = image.container
    while form is not None:
        matrix = form.get_matrix()
        corners = [matrix.on_point(*corner) for corner in corners]
        form = form.container
    return corners


def _placed(page: PdfPage, corner: tuple[float, float]) -> tuple[float, float]:
    from pypdfium2.raw import FPDF_PageToDevice

    x, y = c_int(), c_int()
    FPDF_PageToDevice(page, 0, 0, _FINE, _FINE, 0, *corner, x, y)
    return x.value / _FINE, y.value / _FINE
