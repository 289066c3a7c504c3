"""Networks: the caches between viewers and the origin."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gateway.simulation.caches import Cache
from gateway.simulation.modes import UNKEPT, Mode
from gateway.simulation.visits import Visit

Source: TypeAlias = Literal["browser", "edge", "shield", "origin"]

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

    def edge_of(self, visit: Visit) -> str:
        """The edge that a visit comes to; one for a viewer when the log does not say."""
        return str(visit.viewer % self.edges) if self.edges else visit.edge


class Network:
    """Edges, and a shield between all of them and the origin.

    Without the shield, what it answers would have gone to the origin, and the edges would hold
    the same: they count a copy's time from their own fetch.
    """

    def __init__(self, layout: Layout, mode: Mode) -> None:
        self._url, self._life = mode.url, mode.life
        self._edges: defaultdict[str, Cache] = defaultdict(lambda: Cache(layout.capacity))
        self._shield = Cache(layout.capacity)
        self._browsers = Cache(_BROWSER)
        self._browse = layout.browsers

    def serve(self, visit: Visit, edge: str, octets: int) -> Source:
        """Where the visit's answer comes from; those on its way keep it."""
        key, expires_at = self._url(visit)
        if key == UNKEPT:
            return "origin"
        at = visit.at
        if self._browse and self._browsed(visit, key, expires_at - at):
            return "browser"
        near = self._edges[edge]
        if near.has(key, at):
            return "edge"
        end = at + self._life(expires_at - at).shared
        near.keep(key, at, end, octets)
        if self._shield.has(key, at):
            return "shield"
        self._shield.keep(key, at, end, octets)
        return "origin"

    def _browsed(self, visit: Visit, key: int, left: float) -> bool:
        """Whether the viewer's browser answers by itself; else it keeps what it gets."""
        own = hash((visit.viewer, key))
        if self._browsers.has(own, visit.at):
            return True
        self._browsers.keep(own, visit.at, visit.at + self._life(left).browser, 0)
        return False
