"""Trials: the same visits in every mode, with and without a shield."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.simulation.modes import Mode
from gateway.simulation.networks import Layout, Network, Reads
from gateway.simulation.outcomes import Counts
from gateway.simulation.sizes import Sizes
from gateway.simulation.visits import Visits


@dataclass(slots=True)
class Traffic:
    """What the visits have in common, whatever the mode."""

    reads: int = 0
    octets: int = 0
    documents: int = 0
    first: float = 0.0
    last: float = 0.0
    edges: set[str] = field(default_factory=set[str])
    masked: int = 0
    guessed: int = 0
    judged: int = 0
    hits: int = 0

    def count(self, reads: Reads) -> None:
        """Add reads that are later than those before."""
        visits = reads.visits
        if not self.reads:
            self.first = visits.at[0]
        self.last = visits.at[-1]
        self.reads += len(visits)
        self.octets += sum(reads.delivered)
        self.edges.update(reads.edges)
        shown = zip(visits.access, visits.token, strict=True)
        self.masked += sum(access == "link" and not token for access, token in shown)
        self.judged += len(visits) - visits.cached.count("")
        self.hits += visits.cached.count("hit")

    @property
    def seconds(self) -> float:
        return self.last - self.first

    @property
    def logged_ratio(self) -> float:
        """The share of hits by the log's own word, of the visits that it has one for."""
        return self.hits / self.judged if self.judged else 0.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One mode, and what came of it."""

    mode: Mode
    counts: Counts


def compare(parts: Iterable[Visits], modes: Sequence[Mode], layout: Layout) -> Comparison:
    """Lead all visits, in order of time, through each mode."""
    networks, traffic, sizes = [Network(layout, mode) for mode in modes], Traffic(), Sizes()
    for visits in filter(len, parts):
        reads = Reads(visits, layout.edges_of(visits), *sizes.of(visits))
        traffic.count(reads)
        for network in networks:
            network.serve(reads)
    traffic.documents, traffic.guessed = len(sizes), sizes.guessed
    trials = (Trial(mode, network.counts) for mode, network in zip(modes, networks, strict=True))
    return Comparison(traffic, tuple(trials))


@dataclass(frozen=True, slots=True)
class Comparison:
    """The traffic, and what it came to in each mode."""

    traffic: Traffic
    trials: tuple[Trial, ...]
