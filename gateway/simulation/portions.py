"""Portions: whole lines of a log, so many at a time that other processes may read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

LONGEST: Final = 65_536
OVERLONG: Final = "\0"
PORTION: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Portion:
    """Lines as octets, and the heading before them that tells how they are to be read."""

    octets: bytes
    heading: str = ""

    def lines(self) -> Iterator[str]:
        """All but empty ones; `OVERLONG`, which no format can read, for one over `LONGEST`."""
        for line in self.octets.split(b"\n"):
            if len(line) > LONGEST:
                yield OVERLONG
            elif line and not line.isspace():
                yield line.decode("utf-8", "replace")


def pieces(stream: BinaryIO, size: int = PORTION) -> Iterator[bytes]:
    """Whole lines of a stream, about `size` octets at a time; the last one ends as all others.

    Of a line over `LONGEST` it is enough that one can see that, so the rest of it is not kept.
    """
    rest = b""
    while more := stream.read(size):
        whole, newline, last = more.rpartition(b"\n")
        if newline:
            yield rest + whole + newline
            rest = b""
        rest = (rest + last)[: LONGEST + 1]
    if rest:
        yield rest + b"\n"


def gathered(pieces: Iterable[bytes], size: int = PORTION) -> Iterator[bytes]:
    """The same lines with small pieces joined: CDNs write many small files."""
    held, octets = list[bytes](), 0
    for piece in pieces:
        held.append(piece)
        octets += len(piece)
        if octets >= size:
            yield b"".join(held)
            held, octets = [], 0
    if held:
        yield b"".join(held)


def portions(pieces: Iterable[bytes], mark: str) -> Iterator[Portion]:
    """Each piece with the last line before it that begins with `mark`, if a format has such."""
    heading = ""
    for octets in pieces:
        yield Portion(octets, heading)
        heading = (mark and _last(octets, mark)) or heading


def _last(octets: bytes, mark: str) -> str:
    """The last heading among some lines that is short enough to be one."""
    begin = b"\n" + mark.encode()
    for told in reversed((b"\n" + octets).split(begin)[1:]):
        line = mark.encode() + told.partition(b"\n")[0]
        if len(line) <= LONGEST:
            return line.decode("utf-8", "replace")
    return ""
