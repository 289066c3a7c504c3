"""Byte ranges: which parts of a document a request asks for, and how they are framed.

RFC 9110 §14 and §15.3.7 as pure functions. A server may ignore any Range field (§14.2), so
whatever is malformed or out of proportion selects the whole document.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

# Enough for any viewer. More than this in one field is an attack or a mistake (§17.15).
MAX_RANGES = 64

# Far beyond any size, far below where turning digits into a number takes time (§14.1.2).
_SPEC = re.compile(rb"[ \t]*([0-9]{0,40})-([0-9]{0,40})[ \t]*")


@dataclass(frozen=True, slots=True, order=True)
class ByteRange:
    """Octets `first` to `last`, both included, counted from 0."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last:
            raise ValueError("not a byte range")

    @property
    def length(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Whole:
    """Range has no effect: 200 with the whole document."""


@dataclass(frozen=True, slots=True)
class Single:
    """206 with one range."""

    range: ByteRange


@dataclass(frozen=True, slots=True)
class Several:
    """206 with `multipart/byteranges`: two or more disjoint ranges in the order asked for."""

    ranges: tuple[ByteRange, ...]


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """416: a valid field, none of whose ranges touches the document."""


Selection = Whole | Single | Several | Unsatisfiable


def select(field: bytes, size: int, *, max_ranges: int = MAX_RANGES) -> Selection:
    """Choose the octets that a Range field asks for, out of a document of `size` octets.

    Ranges that overlap or touch become one (§15.3.7.2), so an answer is never much longer than
    the document. Empty list members count towards `max_ranges` too.
    """
    unit, _, members = field.strip(b" \t").partition(b"=")
    if unit.lower() != b"bytes" or members.count(b",") >= max_ranges:
        return Whole()
    specs = [_SPEC.fullmatch(member) for member in members.split(b",") if member.strip(b" \t")]
    asked: list[tuple[int, int]] = []
    for spec in specs:
        if spec is None or (bounds := _bounds(spec[1], spec[2], size)) is None:
            return Whole()
        asked.append(bounds)
    if not asked:
        return Whole()
    return _selection(asked, size)


def content_range(part: ByteRange, size: int) -> bytes:
    """Content-Range of a part (§14.4)."""
    return b"bytes %d-%d/%d" % (part.first, part.last, size)


def unsatisfied_range(size: int) -> bytes:
    """Content-Range of a 416 (§14.4)."""
    return b"bytes */%d" % size


@dataclass(frozen=True, slots=True)
class Multipart:
    """The frame of a `multipart/byteranges` body around octets that are read elsewhere (§14.6).

    The boundary comes from the entity tag, so equal requests get equal bytes from every process.
    """

    ranges: tuple[ByteRange, ...]
    size: int
    media_type: bytes
    etag: bytes

    @property
    def boundary(self) -> bytes:
        return b"ostiary-" + hashlib.sha256(self.etag).hexdigest()[:32].encode()

    @property
    def content_type(self) -> bytes:
        return b"multipart/byteranges; boundary=" + self.boundary

    @property
    def length(self) -> int:
        """The exact Content-Length: every preamble, every part and the closing."""
        return sum(len(preamble) + part.length for preamble, part in self.parts) + len(self.closing)

    @property
    def parts(self) -> tuple[tuple[bytes, ByteRange], ...]:
        """Each part's preamble, and the octets that follow it."""
        opening = b"\r\n--%b\r\nContent-Type: %b\r\nContent-Range: " % (
            self.boundary,
            self.media_type,
        )
        preambles = [opening + content_range(part, self.size) + b"\r\n\r\n" for part in self.ranges]
        preambles[0] = preambles[0].removeprefix(b"\r\n")
        return tuple(zip(preambles, self.ranges, strict=True))

    @property
    def closing(self) -> bytes:
        """What follows the last part."""
        return b"\r\n--" + self.boundary + b"--\r\n"


def _bounds(first: bytes, last: bytes, size: int) -> tuple[int, int] | None:
    """What one range-spec asks for, None when it is invalid; past the end when unsatisfiable."""
    if first:
        start = int(first)
        end = int(last) if last else max(start, size - 1)
        return (start, end) if start <= end else None
    if not last:
        return None
    suffix = int(last)
    return (max(size - suffix, 0), size - 1) if suffix else (size, size)


def _selection(asked: list[tuple[int, int]], size: int) -> Selection:
    found = [ByteRange(first, min(last, size - 1)) for first, last in asked if first < size]
    if not found:
        # §14.1.2: the suffix of an empty document is satisfiable, and has nothing to send.
        return Whole() if (0, -1) in asked else Unsatisfiable()
    ranges = _joined(found) if len(found) > 1 else found
    return Single(ranges[0]) if len(ranges) == 1 else Several(tuple(ranges))


def _joined(ranges: list[ByteRange]) -> list[ByteRange]:
    """Join what overlaps or touches; a joined range stands where its first member stood."""
    joined: list[tuple[int, ByteRange]] = []
    for part, place in sorted(zip(ranges, range(len(ranges)), strict=True)):
        if joined and part.first <= joined[-1][1].last + 1:
            earlier, before = joined.pop()
            part = ByteRange(before.first, max(before.last, part.last))
            place = min(earlier, place)
        joined.append((place, part))
    return [part for _, part in sorted(joined)]
