"""Outcomes: what the same traffic came to in one mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Source: TypeAlias = Literal["browser", "edge", "shield", "origin"]

GB: Final = 10**9


@dataclass(frozen=True, slots=True)
class Prices:
    """What a gigabyte (10⁹ octets) costs that a cache served, and one that the origin sent."""

    cached: float = 0.03
    uncached: float = 0.09


@dataclass(frozen=True, slots=True)
class Outcome:
    """Requests that reached the edges, and the octets that caches and the origin sent."""

    requests: int
    hits: int
    hit_octets: int
    origin_octets: int

    @property
    def origin_requests(self) -> int:
        return self.requests - self.hits

    @property
    def hit_ratio(self) -> float:
        """The share of requests that the origin heard nothing of."""
        return self.hits / self.requests if self.requests else 0.0

    def cost(self, prices: Prices) -> float:
        return (self.hit_octets * prices.cached + self.origin_octets * prices.uncached) / GB


@dataclass(slots=True)
class Count:
    """How many visits, the octets that they were sent, and those of their whole documents."""

    visits: int = 0
    delivered: int = 0
    whole: int = 0


class Counts:
    """Visits by where they were answered."""

    def __init__(self) -> None:
        sources: tuple[Source, ...] = ("browser", "edge", "shield", "origin")
        self._of = {source: Count() for source in sources}

    def __getitem__(self, source: Source) -> Count:
        return self._of[source]

    def add(self, source: Source, delivered: int, whole: int, visits: int = 1) -> None:
        count = self._of[source]
        count.visits += visits
        count.delivered += delivered
        count.whole += whole

    def outcome(self, *, shielded: bool) -> Outcome:
        """A cache sends what was asked for, the origin the whole document."""
        edge, shield, origin = self["edge"], self["shield"], self["origin"]
        requests = edge.visits + shield.visits + origin.visits
        if shielded:
            octets = edge.delivered + shield.delivered
            return Outcome(requests, edge.visits + shield.visits, octets, origin.whole)
        return Outcome(requests, edge.visits, edge.delivered, shield.whole + origin.whole)
