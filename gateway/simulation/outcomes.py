"""Outcomes: what the same traffic came to in one mode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gateway.simulation.networks import Source

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


def _none() -> dict[Source, int]:
    return {"browser": 0, "edge": 0, "shield": 0, "origin": 0}


@dataclass(frozen=True, slots=True)
class Counts:
    """Visits by where they were answered: how many, octets sent, octets of whole documents."""

    visits: dict[Source, int] = field(default_factory=_none)
    delivered: dict[Source, int] = field(default_factory=_none)
    whole: dict[Source, int] = field(default_factory=_none)

    def add(self, source: Source, delivered: int, whole: int) -> None:
        self.visits[source] += 1
        self.delivered[source] += delivered
        self.whole[source] += whole

    def outcome(self, *, shielded: bool) -> Outcome:
        """A cache sends what was asked for, the origin the whole document."""
        visits, delivered, whole = self.visits, self.delivered, self.whole
        requests = visits["edge"] + visits["shield"] + visits["origin"]
        if shielded:
            hits, octets = (
                visits["edge"] + visits["shield"],
                delivered["edge"] + delivered["shield"],
            )
            return Outcome(requests, hits, octets, whole["origin"])
        sent = whole["origin"] + whole["shield"]
        return Outcome(requests, visits["edge"], delivered["edge"], sent)
