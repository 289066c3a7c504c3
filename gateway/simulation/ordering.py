"""Order in time: logs are written when answers end, and collected from many machines."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import replace

from gateway.simulation.visits import Visits

DEPTH = 50_000


class InOrder:
    """Visits by their time, as far as `depth` of them at once can show it.

    `late` counts those that came later than that; they are given the time of the one before.
    """

    def __init__(self, depth: int = DEPTH) -> None:
        self.late = 0
        self._depth = depth
        self._last = 0.0

    def sorted(self, parts: Iterable[Visits]) -> Iterator[Visits]:
        """All visits, `depth` at a time; each has seen as many that come after it."""
        depth, waiting = self._depth, Visits()
        for part in _filled(parts, depth):
            waiting = Visits.joined((waiting, part)).sorted()
            if len(waiting) > depth:
                yield self._next(waiting.cut(0, depth))
                waiting = waiting.cut(depth, len(waiting))
        yield self._next(waiting)

    def _next(self, visits: Visits) -> Visits:
        """The visits, none of them before the last one that went by."""
        late = bisect_left(visits.at, self._last)
        if late:
            self.late += late
            visits = replace(visits, at=[self._last] * late + list(visits.at[late:]))
        if visits.at:
            self._last = visits.at[-1]
        return visits


def _filled(parts: Iterable[Visits], count: int) -> Iterator[Visits]:
    """The same visits, so many in each part but the last, however they came."""
    held, visits = list[Visits](), 0
    for part in parts:
        held.append(part)
        visits += len(part)
        if visits >= count:
            whole, begin = Visits.joined(held), 0
            while visits >= count:
                yield whole.cut(begin, begin + count)
                begin, visits = begin + count, visits - count
            held = [whole.cut(begin, len(whole))]
    yield Visits.joined(held)
