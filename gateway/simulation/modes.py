"""Modes: under which key a visit's answer is kept, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final, Protocol, TypeAlias

from gateway.simulation.lifetimes import Life, Window, life_within
from gateway.simulation.visits import Visit

UNKEPT: Final = 0
# Of the links in mode `edge`; it only sets what browsers are told.
_EDGE_LIFE = 1_800


# The URL of a visit: its cache key, `UNKEPT` if nobody asks for it again, and its end. A plain
# tuple, since each visit makes one in each mode.
Url: TypeAlias = tuple[int, float]


class Mode(Protocol):
    """How the URLs of documents are made."""

    @property
    def name(self) -> str: ...

    def url(self, visit: Visit) -> Url:
        """The URL that the visit's document is read by."""
        ...

    def life(self, left: float) -> Life:
        """How long an answer is kept whose URL has so many seconds left."""
        ...


@dataclass(frozen=True, slots=True)
class Logged:
    """As it is: the URLs of the log, in a cache that keeps them as long as their tokens last."""

    ttl: int
    name: str = "as logged"

    def url(self, visit: Visit) -> Url:
        if visit.access == "public":
            return visit.document, inf
        if visit.access == "user":
            return hash((visit.document, visit.viewer)), inf
        key = hash((visit.document, visit.token)) if visit.token else UNKEPT
        return key, visit.expires_at

    def life(self, left: float) -> Life:
        return Life(min(self.ttl, left), 0)


@dataclass(frozen=True, slots=True)
class PerView:
    """A new token for each view, so no URL is asked for twice."""

    ttl: int
    name: str = "a URL per view"

    def url(self, visit: Visit) -> Url:
        return visit.document if visit.access == "public" else UNKEPT, inf

    def life(self, left: float) -> Life:
        return Life(self.ttl, 0)


@dataclass(frozen=True, slots=True)
class Windowed:
    """The token in the key; all who ask within a window share one, or with `each` nobody does."""

    name: str
    window: Window
    ttl: int
    each: bool = False

    def url(self, visit: Visit) -> Url:
        if visit.access == "public":
            return visit.document, inf
        end = self.window.end(visit)
        viewer = visit.viewer if self.each else 0
        return hash((visit.document, end, viewer)), end

    def life(self, left: float) -> Life:
        return Life(self.ttl, self.ttl) if left == inf else life_within(int(left), self.ttl)


@dataclass(frozen=True, slots=True)
class Edge:
    """The edge verifies links and keys without the token."""

    ttl: int
    name: str = "edge"

    def url(self, visit: Visit) -> Url:
        return visit.document, inf

    def life(self, left: float) -> Life:
        """Browsers are told by the edge what they are told in `windowed`."""
        return Life(self.ttl, life_within(_EDGE_LIFE, self.ttl).browser)


def modes(ttl: int) -> tuple[Mode, ...]:
    """What is compared, from what there is to what there could be."""
    hour = Window(3_600)
    return (
        Logged(ttl),
        PerView(ttl),
        Windowed("a URL per user and hour", hour, ttl, each=True),
        Windowed("windowed, 5 min", Window(300), ttl),
        Windowed("windowed, 1 h", hour, ttl),
        Edge(ttl),
    )
