"""Networks: the caches between viewers and the origin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.simulation.caches import Cache
from gateway.simulation.modes import UNKEPT, Mode
from gateway.simulation.outcomes import Counts, Source
from gateway.simulation.visits import Visits

# Nobody's browser is ever full here: what it keeps ends within minutes.
_BROWSER = 1 << 60


@dataclass(frozen=True, slots=True)
class Layout:
    """How many edges there are, 0 for those that the log names, and what each of them holds.

    With `browsers` each viewer has a cache too; a log that was written behind browsers already
    lacks what they answered themselves.
    """

    edges: int = 0
    capacity: int = 10 * 10**9
    browsers: bool = False

    def edges_of(self, visits: Visits) -> Sequence[str]:
        """The edge that each visit comes to; one for a viewer when the log does not say."""
        if not self.edges:
            return visits.edge
        return [str(viewer % self.edges) for viewer in visits.viewer]


@dataclass(frozen=True, slots=True)
class Reads:
    """Visits in order of time, the edge that each comes to, and what is sent for it."""

    visits: Visits
    edges: Sequence[str]
    delivered: Sequence[int]
    wholes: Sequence[int]


class Network:
    """Edges, and a shield between all of them and the origin.

    Without the shield, what it answers would have gone to the origin, and the edges would hold
    the same: they count a copy's time from their own fetch.
    """

    def __init__(self, layout: Layout, mode: Mode) -> None:
        self.counts = Counts()
        self._mode = mode
        self._edges: defaultdict[str, Cache] = defaultdict(lambda: Cache(layout.capacity))
        self._shield = Cache(layout.capacity)
        self._browsers = Cache(_BROWSER)
        self._browse = layout.browsers

    def serve(self, reads: Reads) -> None:
        """Answer all reads; each cache on the way of an answer keeps it."""
        keys, ends = self._mode.urls(reads.visits)
        visits, octets = (reads.visits.at, reads.visits.viewer), (reads.delivered, reads.wholes)
        hits = sent = full = 0
        for key, until, edge, at, viewer, delivered, whole in zip(
            keys, ends, reads.edges, *visits, *octets, strict=True
        ):
            if key == UNKEPT:
                self.counts.add("origin", delivered, whole)
            elif self._browse and self._browsed(viewer, key, at, until):
                self.counts.add("browser", delivered, whole)
            elif (near := self._edges[edge]).has(key, at):
                hits += 1
                sent += delivered
                full += whole
            else:
                self.counts.add(self._fetched(near, key, at, until, whole), delivered, whole)
        self.counts.add("edge", sent, full, hits)

    def _fetched(self, near: Cache, key: int, at: float, until: float, octets: int) -> Source:
        """Where an edge gets an answer that it had not."""
        end = at + self._mode.life(until - at).shared
        near.keep(key, at, end, octets)
        if self._shield.has(key, at):
            return "shield"
        self._shield.keep(key, at, end, octets)
        return "origin"

    def _browsed(self, viewer: int, key: int, at: float, until: float) -> bool:
        """Whether the viewer's browser answers by itself; else it keeps what it gets."""
        own = hash((viewer, key))
        if self._browsers.has(own, at):
            return True
        self._browsers.keep(own, at, at + self._mode.life(until - at).browser, 0)
        return False
