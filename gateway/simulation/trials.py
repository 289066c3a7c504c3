"""Trials: the same visits in every mode, with and without a shield."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.simulation.modes import Mode
from gateway.simulation.networks import Layout, Network
from gateway.simulation.outcomes import Counts
from gateway.simulation.sizes import Sizes
from gateway.simulation.visits import Visit


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

    def count(self, visit: Visit, edge: str, delivered: int) -> None:
        self.reads += 1
        self.octets += delivered
        self.first = self.first or visit.at
        self.last = visit.at
        self.edges.add(edge)
        self.masked += visit.access == "link" and not visit.token
        self.judged += visit.cached != ""
        self.hits += visit.cached == "hit"

    @property
    def seconds(self) -> float:
        return self.last - self.first

    @property
    def logged_ratio(self) -> float:
        """The share of hits by the log's own word, of the visits that it has one for."""
        return self.hits / self.judged if self.judged else 0.0


class Trial:
    """One mode: its caches, and what came of them."""

    def __init__(self, mode: Mode, layout: Layout) -> None:
        self.mode = mode
        self.counts = Counts()
        self._network = Network(layout, mode)

    def serve(self, visit: Visit, edge: str, delivered: int, whole: int) -> None:
        self.counts.add(self._network.serve(visit, edge, whole), delivered, whole)


def compare(visits: Iterable[Visit], modes: Sequence[Mode], layout: Layout) -> Comparison:
    """Lead all visits, in order of time, through each mode."""
    trials, traffic, sizes = [Trial(mode, layout) for mode in modes], Traffic(), Sizes()
    for visit in visits:
        delivered, whole = sizes.of(visit)
        edge = layout.edge_of(visit)
        traffic.count(visit, edge, delivered)
        for trial in trials:
            trial.serve(visit, edge, delivered, whole)
    traffic.documents, traffic.guessed = len(sizes), sizes.guessed
    return Comparison(traffic, tuple(trials))


@dataclass(frozen=True, slots=True)
class Comparison:
    """The traffic, and what it came to in each mode."""

    traffic: Traffic
    trials: tuple[Trial, ...]
