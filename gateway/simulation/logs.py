"""Logs: lines in, visits out, and a tally of what became of each line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from gateway.simulation.addresses import Addresses
from gateway.simulation.entries import Entry
from gateway.simulation.formats import BROKEN, LogFormat
from gateway.simulation.visits import METHODS, READ, Visit, visit_of

LONGEST: Final = 65_536
OVERLONG: Final = "\0"
_LATEST = 1e10


@dataclass(slots=True)
class Tally:
    """How many lines were what; `first_broken` is the number of a line, 0 when none was."""

    lines: int = 0
    headings: int = 0
    reads: int = 0
    elsewhere: int = 0
    failed: int = 0
    broken: int = 0
    first_broken: int = 0


class Log:
    """An access log in one format; `tally` is whole when its lines were all read."""

    def __init__(self, format: LogFormat, addresses: Addresses) -> None:
        self.tally = Tally()
        self._format = format
        self._addresses = addresses

    def visits(self, lines: Iterable[str]) -> Iterator[Visit]:
        """The reads of documents among the lines; all else is counted and left out."""
        tally = self.tally
        for line in lines:
            tally.lines += 1
            try:
                entry = self._format.entry(line)
                if entry is not None and not 0 < entry.at < _LATEST:
                    raise ValueError("no time")
            except BROKEN:
                tally.broken += 1
                tally.first_broken = tally.first_broken or tally.lines
                continue
            if entry is None:
                tally.headings += 1
            elif visit := self._visit(entry):
                yield visit

    def _visit(self, entry: Entry) -> Visit | None:
        address = self._addresses.address(entry.target) if entry.method in METHODS else None
        if address is None:
            self.tally.elsewhere += 1
            return None
        if entry.status not in READ:
            self.tally.failed += 1
            return None
        self.tally.reads += 1
        return visit_of(entry, address)


def lines_of(stream: BinaryIO) -> Iterator[str]:
    """The lines of a stream, none of them empty or longer than `LONGEST` octets.

    A longer one is given as `OVERLONG`, which no format can read.
    """
    while line := stream.readline(LONGEST):
        if len(line) == LONGEST and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = stream.readline(LONGEST)
            yield OVERLONG
        elif line.strip():
            yield line.decode("utf-8", "replace")
