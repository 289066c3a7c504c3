"""Confidence: how far the figures of a simulation can be relied on, and why not further."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gateway.simulation.logs import Tally
from gateway.simulation.trials import Traffic

Level: TypeAlias = Literal["good", "fair", "poor"]

_LEVELS: tuple[Level, ...] = ("good", "fair", "poor")
_HOUR, _DAY = 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reason for less confidence; `weight` 1 makes it fair, 2 poor, 0 only says something."""

    weight: int
    reason: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a comparison was made from.

    `late` counts visits out of order; `edges` were given, 0 when the log was to name them;
    `simulated` is the hit ratio of the URLs as they were logged.
    """

    tally: Tally
    traffic: Traffic
    late: int
    edges: int
    simulated: float

    def doubts(self) -> list[Doubt]:
        """Every reason, the gravest first."""
        found = [*self._of_amount(), *self._of_lines(), *self._of_caches()]
        return sorted(found, key=lambda doubt: -doubt.weight)

    def level(self) -> Level:
        return _LEVELS[max((doubt.weight for doubt in self.doubts()), default=0)]

    def _of_amount(self) -> Iterator[Doubt]:
        traffic = self.traffic
        if traffic.reads < 10_000:
            yield Doubt(1 + (traffic.reads < 1_000), f"only {traffic.reads:,} reads of documents")
        if traffic.seconds < _DAY:
            hours = f"{traffic.seconds / _HOUR:.1f} h"
            what = "caches began empty, so long-lived copies do better than shown"
            yield Doubt(1 + (traffic.seconds < 2 * _HOUR), f"the log spans {hours}: {what}")
        first = traffic.documents / max(traffic.reads, 1)
        yield Doubt(0, f"{first:.1%} of the reads are the first of their document")

    def _of_lines(self) -> Iterator[Doubt]:
        tally, traffic = self.tally, self.traffic
        reads = max(traffic.reads, 1)
        if broken := tally.broken / max(tally.lines, 1):
            weight = (broken > 0.005) + (broken > 0.05)
            yield Doubt(weight, f"{broken:.2%} of the lines can not be read")
        if self.late:
            weight = int(self.late > reads / 100)
            yield Doubt(weight, f"{self.late / reads:.2%} of the reads are far out of order")
        if traffic.guessed:
            weight = int(traffic.guessed > reads / 20)
            yield Doubt(
                weight, f"the size of {traffic.guessed / reads:.1%} of the reads is a guess"
            )
        if traffic.masked:
            what = "`as logged` takes each for a URL of its own"
            yield Doubt(1, f"{traffic.masked / reads:.1%} of the reads show no token: {what}")

    def _of_caches(self) -> Iterator[Doubt]:
        traffic = self.traffic
        if not self.edges and traffic.edges == {""}:
            yield Doubt(1, "the log names no edges: one is assumed, and more would hit less often")
        if traffic.judged:
            apart = abs(traffic.logged_ratio - self.simulated) * 100
            told = f"the log itself tells of {traffic.logged_ratio:.1%} hits"
            weight = (apart > 5) + (apart > 10)
            yield Doubt(weight, f"{told}, {apart:.1f} points from `as logged` here")
