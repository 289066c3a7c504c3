"""Modes: under which keys the answers to visits are kept, and for how long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from math import inf
from typing import Final, NamedTuple, Protocol

from gateway.simulation.lifetimes import Life, Window, life_within
from gateway.simulation.visits import Visits

UNKEPT: Final = 0
# Of the links in mode `edge`; it only sets what browsers are told.
_EDGE_LIFE = 1_800


class Urls(NamedTuple):
    """The URL of each visit: its cache key, `UNKEPT` if nobody asks for it again, and its end."""

    keys: Iterable[int]
    ends: Iterable[float]


class Mode(Protocol):
    """How the URLs of documents are made."""

    @property
    def name(self) -> str: ...

    def urls(self, visits: Visits) -> Urls:
        """The URLs that the visits' documents are read by."""
        ...

    def life(self, left: float) -> Life:
        """How long an answer is kept whose URL has so many seconds left."""
        ...


@dataclass(frozen=True, slots=True)
class Logged:
    """As it is: the URLs of the log, in a cache that keeps them as long as their tokens last."""

    ttl: int
    name: str = "as logged"

    def urls(self, visits: Visits) -> Urls:
        told = zip(visits.document, visits.access, visits.token, visits.viewer, strict=True)
        keys = [
            document
            if access == "public"
            else hash((document, viewer))
            if access == "user"
            else hash((document, token))
            if token
            else UNKEPT
            for document, access, token, viewer in told
        ]
        return Urls(keys, visits.expires_at)

    def life(self, left: float) -> Life:
        return Life(min(self.ttl, left), 0)


@dataclass(frozen=True, slots=True)
class PerView:
    """A new token for each view, so no URL is asked for twice."""

    ttl: int
    name: str = "a URL per view"

    def urls(self, visits: Visits) -> Urls:
        told = zip(visits.document, visits.access, strict=True)
        keys = [document if access == "public" else UNKEPT for document, access in told]
        return Urls(keys, repeat(inf, len(keys)))

    def life(self, left: float) -> Life:
        return Life(self.ttl, 0)


@dataclass(frozen=True, slots=True)
class Windowed:
    """The token in the key; all who ask within a window share one, or with `each` nobody does."""

    name: str
    window: Window
    ttl: int
    each: bool = False

    def urls(self, visits: Visits) -> Urls:
        ends: list[float] = [*self.window.ends(visits)]
        viewers = visits.viewer if self.each else repeat(0, len(ends))
        keys = [hash(url) for url in zip(visits.document, ends, viewers, strict=True)]
        if "public" in visits.access:
            for place, access in enumerate(visits.access):
                if access == "public":
                    keys[place], ends[place] = visits.document[place], inf
        return Urls(keys, ends)

    def life(self, left: float) -> Life:
        return Life(self.ttl, self.ttl) if left == inf else life_within(int(left), self.ttl)


@dataclass(frozen=True, slots=True)
class Edge:
    """The edge verifies links and keys without the token."""

    ttl: int
    name: str = "edge"

    def urls(self, visits: Visits) -> Urls:
        return Urls(visits.document, repeat(inf, len(visits)))

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
