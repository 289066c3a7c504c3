"""Logs: lines in, visits out, and a tally of what became of each line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.simulation.addresses import Addresses
from gateway.simulation.entries import Entry
from gateway.simulation.formats import BROKEN, FORMATS, LogFormat
from gateway.simulation.portions import Portion
from gateway.simulation.visits import METHODS, READ, Visit, Visits, visit_of

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

    def add(self, later: Tally) -> None:
        """Count the lines that follow."""
        if later.first_broken and not self.first_broken:
            self.first_broken = self.lines + later.first_broken
        self.lines += later.lines
        self.headings += later.headings
        self.reads += later.reads
        self.elsewhere += later.elsewhere
        self.failed += later.failed
        self.broken += later.broken


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


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads portions of one log, in any order and any process."""

    format: str
    addresses: Addresses

    def read(self, portion: Portion) -> tuple[Tally, Visits]:
        format = FORMATS[self.format]()
        if portion.heading:
            format.entry(portion.heading)
        log = Log(format, self.addresses)
        return log.tally, Visits.of(log.visits(portion.lines()))
