"""Order in time: logs are written when answers end, and collected from many machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappushpop

from gateway.simulation.visits import Visit

DEPTH = 50_000


class InOrder:
    """Visits by their time, as far as `depth` of them at once can show it.

    `late` counts those that came later than that; they are given the time of the one before.
    """

    def __init__(self, depth: int = DEPTH) -> None:
        self.late = 0
        self._depth = depth
        self._last = 0.0

    def sorted(self, visits: Iterable[Visit]) -> Iterator[Visit]:
        waiting: list[tuple[float, int, Visit]] = []
        for number, visit in enumerate(visits):
            one = visit.at, number, visit
            if number < self._depth:
                waiting.append(one)
                continue
            if number == self._depth:
                heapify(waiting)
            yield self._next(heappushpop(waiting, one)[2])
        heapify(waiting)
        while waiting:
            yield self._next(heappop(waiting)[2])

    def _next(self, visit: Visit) -> Visit:
        if visit.at < self._last:
            self.late += 1
            return visit._replace(at=self._last)
        self._last = visit.at
        return visit
