"""Elements: walks a DICOM data set (PS3.5 §7) and keeps the few values that a picture takes.

The walk is bounded whatever the file says: one budget for all elements at every depth, lengths
held against what is there, recursion for three levels of the sequences known here.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from imaging.errors import SourceTooLarge

MOST_ELEMENTS = 200_000
LONGEST_VALUE = 4 << 20
DEEPEST = 3
"""Levels of sequences that are read; what lies deeper is passed over."""

PIXELS = 0x7FE00010
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF
PER_FRAME = 0x52009230
SEQUENCES = frozenset(
    {0x52009229, PER_FRAME, 0x00289110, 0x00289132, 0x00289145, 0x00283000, 0x00283010}
)
_LONG = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
# (0028,xxxx) describes the image, (0018,1164) its spacing on the detector.
_IMAGE_GROUP = 0x0028
_SPACING = 0x00181164


class _Form(NamedTuple):
    """How an element's head is written in one order of octets."""

    tag: struct.Struct
    long: struct.Struct
    short: struct.Struct


_LITTLE = _Form(struct.Struct("<HH"), struct.Struct("<I"), struct.Struct("<H"))
_BIG = _Form(struct.Struct(">HH"), struct.Struct(">I"), struct.Struct(">H"))


class Element(NamedTuple):
    """One element's head: its tag, VR ("" where implicit), and where its value stands."""

    tag: int
    vr: bytes
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class DataSet:
    """Values by tag, as octets; the items of the sequences known here."""

    little: bool
    values: Mapping[int, bytes]
    items: Mapping[int, tuple[DataSet, ...]]

    def text(self, tag: int) -> str:
        """A text, without the blanks around it; empty when there is none."""
        return self.values.get(tag, b"").decode("latin-1").strip(" \0")

    def decimals(self, tag: int) -> tuple[float, ...]:
        """The numbers of a text of numbers (DS, IS); none when one of them is no number."""
        try:
            return tuple(float(part) for part in self.text(tag).split("\\") if part.strip())
        except ValueError:
            return ()

    def words(self, tag: int, *, signed: bool = False) -> tuple[int, ...]:
        """Numbers of sixteen bits (US, SS, OW)."""
        octets = self.values.get(tag, b"")
        count = len(octets) // 2
        order, kind = "<" if self.little else ">", "h" if signed else "H"
        return struct.unpack(f"{order}{count}{kind}", octets[: 2 * count])

    def word(self, tag: int, default: int = 0) -> int:
        """The first of the numbers."""
        return next(iter(self.words(tag)), default)


@dataclass(slots=True)
class Walk:
    """One walk over one file's octets; `page` is the item wanted of the per-frame groups."""

    octets: memoryview
    explicit: bool
    little: bool
    page: int = 0
    left: int = field(default=MOST_ELEMENTS, init=False)
    depth: int = field(default=0, init=False)
    pixels: Element | None = field(default=None, init=False)

    def read(self, at: int) -> DataSet:
        """The data set that begins there; it ends before the pixels, which are noted."""
        return self._data_set(at, len(self.octets), self.explicit)[0]

    def head(self, at: int, explicit: bool) -> Element:
        """The element at that place, of which eight octets must be there; none are behind a cut."""
        self.left -= 1
        if self.left < 0:
            raise SourceTooLarge("elements")
        form = _LITTLE if self.little else _BIG
        group, number = form.tag.unpack_from(self.octets, at)
        tag, vr = group << 16 | number, bytes(self.octets[at + 4 : at + 6])
        # Some writers forget the VRs that they announced.
        if not explicit or group == 0xFFFE or not (vr.isalpha() and vr.isupper()):
            return Element(tag, b"", at + 8, form.long.unpack_from(self.octets, at + 4)[0])
        if vr in _LONG and at + 12 > len(self.octets):
            return Element(tag, vr, len(self.octets), 0)
        if vr in _LONG:
            return Element(tag, vr, at + 12, form.long.unpack_from(self.octets, at + 8)[0])
        return Element(tag, vr, at + 8, form.short.unpack_from(self.octets, at + 6)[0])

    def _data_set(self, at: int, end: int, explicit: bool) -> tuple[DataSet, int]:
        values: dict[int, bytes] = {}
        items: dict[int, tuple[DataSet, ...]] = {}
        while at + 8 <= end:
            element = self.head(at, explicit)
            if element.tag == PIXELS and not self.depth:
                self.pixels = element
                break
            if element.tag in (ITEM_END, SEQUENCE_END):
                at = element.start
                break
            if element.tag in SEQUENCES and self.depth < DEEPEST:
                self.depth += 1
                items[element.tag], at = self._items(element, end, explicit)
                self.depth -= 1
                continue
            if _wanted(element):
                values[element.tag] = bytes(self.octets[element.start :][: element.length])
            at = self._past(element, explicit)
        return DataSet(self.little, values, items), at

    def _items(
        self, sequence: Element, end: int, explicit: bool
    ) -> tuple[tuple[DataSet, ...], int]:
        """The items of a known sequence, of the per-frame groups only the one of the page."""
        found: list[DataSet] = []
        explicit = explicit and sequence.vr != b"UN"
        at, count = sequence.start, 0
        if sequence.length != UNDEFINED:
            end = min(end, at + sequence.length)
        while at + 8 <= end:
            item = self.head(at, explicit)
            if item.tag != ITEM:
                return tuple(found), item.start
            if sequence.tag != PER_FRAME or count == self.page:
                stop = end if item.length == UNDEFINED else min(end, item.start + item.length)
                data_set, at = self._data_set(item.start, stop, explicit)
                found.append(data_set)
            if sequence.tag == PER_FRAME or item.length != UNDEFINED:
                at = self._past(item, explicit)
            count += 1
        return tuple(found), at

    def _past(self, element: Element, explicit: bool) -> int:
        """Where the next element begins; what has no length is walked, however deep it nests."""
        at = element.start
        if element.length != UNDEFINED:
            return at + element.length
        # A sequence that came as UN is written without VRs (PS3.5 §6.2.2).
        levels = [explicit and element.vr != b"UN"]
        while levels and at + 8 <= len(self.octets):
            inner = self.head(at, levels[-1])
            at = inner.start
            if inner.tag in (ITEM_END, SEQUENCE_END):
                levels.pop()
            elif inner.length == UNDEFINED:
                levels.append(levels[-1] and inner.vr != b"UN")
            else:
                at += inner.length
        return at


def _wanted(element: Element) -> bool:
    image = element.tag >> 16 == _IMAGE_GROUP or element.tag == _SPACING
    return image and element.length <= LONGEST_VALUE
