"""Files: what a DICOM file says of its picture, read from its header and checked once."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from imaging.dicom.elements import PER_FRAME, DataSet, Element, Walk
from imaging.errors import BrokenSource, SourceTooLarge
from imaging.limits import Limits

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"
JPEG = frozenset(f"1.2.840.10008.1.2.4.{process}" for process in (50, 51, 57, 70))
"""Baseline, extended and lossless; Pillow decodes their eight bits, not twelve or sixteen."""

JPEG_2000 = frozenset({"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"})
SYNTAXES = JPEG | JPEG_2000 | {IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN, RLE}
"""The transfer syntaxes that become pictures (PS3.5 annex A)."""

COLOURS = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"})
GREYS = frozenset({"MONOCHROME1", "MONOCHROME2"})
PALETTE = "PALETTE COLOR"
_SYNTAX = 0x00020010
_PREAMBLE = 132
# Spacings that differ by more come from a mistake or from malice.
_LONGEST_PIXEL = 8.0


@dataclass(frozen=True, slots=True)
class DicomFile:
    """A picture's shape and how its values are stored (PS3.3 C.7.6.3); checked when it is made.

    `header` holds what is shown with, `octets` the data set that `pixels` points into.
    """

    syntax: str
    header: DataSet
    octets: memoryview
    pixels: Element | None
    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    allocated: int
    stored: int
    signed: bool

    def __post_init__(self) -> None:
        depths = {1: (1, 8, 16, 32), 3: (8, 16)}.get(self.samples, ())
        if self.allocated not in depths or not 1 <= self.stored <= self.allocated:
            raise BrokenSource("unsupported")
        known = COLOURS if self.samples == 3 else GREYS | {PALETTE}
        if self.photometric not in known:
            raise BrokenSource("unsupported")

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows as they are stored."""
        return self.columns, self.rows

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height once every pixel is a square."""
        shape = self._pixel_shape()
        if shape >= 1:
            return self.columns, max(1, round(self.rows * shape))
        return max(1, round(self.columns / shape)), self.rows

    @property
    def native(self) -> bool:
        """Whether the pixels stand there as they are, in one piece (PS3.5 §8.1)."""
        return self.syntax in (IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN)

    @property
    def exact(self) -> bool:
        """Whether each pixel is kept by itself, colour and all."""
        return (self.native or self.syntax == RLE) and self.photometric != "YBR_FULL_422"

    @property
    def halved(self) -> bool:
        """Whether two pixels of a row share their colour: YBR_FULL_422 that is not compressed."""
        return self.photometric == "YBR_FULL_422" and self.native

    def groups(self) -> tuple[DataSet, ...]:
        """Where a frame's values may stand: its own functional groups, shared ones, the header."""
        own = (*self.header.items.get(PER_FRAME, ()), *self.header.items.get(0x52009229, ()))
        kinds = (0x00289110, 0x00289132, 0x00289145)
        macros = [one for group in own for kind in kinds for one in group.items.get(kind, ())]
        return (*macros, self.header)

    def _pixel_shape(self) -> float:
        """A pixel's height by its width: its aspect ratio, or its spacing."""
        for tag in (0x00280034, 0x00280030, 0x00181164):
            for group in self.groups():
                down, across, *_ = (*group.decimals(tag), 0.0, 0.0)
                if (
                    down > 0
                    and across > 0
                    and 1 / _LONGEST_PIXEL <= down / across <= _LONGEST_PIXEL
                ):
                    return down / across
        return 1.0


def read_file(source: bytes | memoryview, limits: Limits, page: int = 0) -> DicomFile:
    """The picture's description, of which `page` (from 0) is the frame whose groups are wanted.

    Raises BrokenSource "transfer-syntax" for a compression not known here, "no-picture" for a
    file that holds none, SourceTooLarge.
    """
    octets = memoryview(source)
    meta = Walk(octets, explicit=True, little=True)
    syntax, at = _syntax(meta)
    if syntax not in SYNTAXES:
        raise BrokenSource("transfer-syntax")
    if syntax == DEFLATED:
        octets, at = memoryview(_inflated(octets[at:], limits)), 0
    walk = Walk(octets, explicit=syntax != IMPLICIT, little=syntax != BIG_ENDIAN, page=page)
    header = walk.read(at)
    file = _described(syntax, header, octets, walk.pixels)
    width, height = file.upright
    if width * height > limits.pixels:
        raise SourceTooLarge("pixels")
    if file.frames > limits.pages:
        raise SourceTooLarge("pages")
    return file


def _syntax(meta: Walk) -> tuple[str, int]:
    """The transfer syntax, and where the data set begins: past the elements of group 2."""
    at, syntax = _PREAMBLE, ""
    while at + 8 <= len(meta.octets):
        element = meta.head(at, explicit=True)
        if element.tag >> 16 != 2:
            break
        at = element.start + element.length
        if element.tag == _SYNTAX:
            syntax = bytes(meta.octets[element.start : at]).decode("latin-1").strip(" \0")
    return syntax, at


def _inflated(octets: memoryview, limits: Limits) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(octets, limits.octets)
    if inflater.unconsumed_tail:
        raise SourceTooLarge("octets")
    return inflated


def _described(
    syntax: str, header: DataSet, octets: memoryview, pixels: Element | None
) -> DicomFile:
    rows, columns = header.word(0x00280010), header.word(0x00280011)
    if not (rows and columns):
        raise BrokenSource("no-picture")
    allocated = header.word(0x00280100)
    frames = next(iter(header.decimals(0x00280008)), 1.0)
    return DicomFile(
        syntax=syntax,
        header=header,
        octets=octets,
        pixels=pixels,
        rows=rows,
        columns=columns,
        frames=max(1, int(min(frames, 1e9))),
        samples=header.word(0x00280002, 1),
        photometric=header.text(0x00280004),
        allocated=allocated,
        stored=header.word(0x00280101, allocated),
        signed=header.word(0x00280103) == 1,
    )
