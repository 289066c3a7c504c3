"""How a comparison of cache modes is told: a table for people, an object for scripts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from gateway.simulation.confidence import Evidence
from gateway.simulation.networks import Layout
from gateway.simulation.outcomes import GB, Outcome, Prices
from gateway.simulation.trials import Comparison, Traffic, Trial

_ALWAYS = (
    "a link is asked for at the moment of the read, in a zone whose window is that of the row",
    "a document never changes and nothing is purged",
    "requests for one missing copy are one fetch, and a fetch brings the whole document",
    "a viewer is a client address",
)


@dataclass(frozen=True, slots=True)
class Told:
    """A comparison with all that it rests on; none of it names a document, a viewer or a token."""

    format: str
    comparison: Comparison
    evidence: Evidence
    layout: Layout
    prices: Prices
    ttl: int

    def lines(self) -> Iterator[str]:
        yield from self._traffic()
        yield ""
        yield from self._table()
        yield "\nAssumed"
        yield from (f"  - {line}" for line in self._assumed())
        yield f"\nConfidence: {self.evidence.level()}"
        yield from (f"  - {doubt.reason}" for doubt in self.evidence.doubts())

    def _traffic(self) -> Iterator[str]:
        tally, traffic = self.evidence.tally, self.comparison.traffic
        yield f"{tally.lines:,} lines ({self.format}), {_moment(traffic.first)} {_span(traffic)}"
        octets = f"{traffic.octets / GB:,.2f} GB"
        yield f"  {traffic.reads:,} reads of {traffic.documents:,} documents, {octets}"
        yield f"  left out: {tally.elsewhere:,} no documents, {tally.failed:,} refused or failed"
        at = f", the first in line {tally.first_broken:,}" if tally.broken else ""
        yield f"  {tally.broken:,} lines can not be read{at}"

    def _table(self) -> Iterator[str]:
        head = f"{'hits':>7} {'to origin':>10} {'GB':>9} {'cost':>9}"
        yield f"{'':<24} {'without a shield':>38}   {'with a shield':>38}"
        yield f"{'mode':<24} {head}   {head}"
        for trial in self.comparison.trials:
            cells = [
                self._cells(trial.counts.outcome(shielded=with_it)) for with_it in (False, True)
            ]
            yield f"{trial.mode.name:<24} {'   '.join(cells)}"
        yield "hits: of the requests, those the origin hears nothing of; GB: what the origin sends"

    def _cells(self, outcome: Outcome) -> str:
        octets = f"{outcome.origin_octets / GB:,.2f}"
        cost = f"${outcome.cost(self.prices):,.2f}"
        return f"{outcome.hit_ratio:>7.1%} {outcome.origin_requests:>10,} {octets:>9} {cost:>9}"

    def _assumed(self) -> Iterator[str]:
        layout, prices = self.layout, self.prices
        seen = len(self.comparison.traffic.edges)
        where = "given" if layout.edges else "as the log names them"
        size = f"{layout.capacity / GB:g} GB"
        yield f"{layout.edges or seen} edges, {where}; {size} each, and as much for the shield"
        yield f"copies are kept {self.ttl:,} s at most, and no longer than the URL lives"
        yield f"${prices.cached:g} a GB from caches, ${prices.uncached:g} a GB from the origin"
        yield from _ALWAYS
        if layout.browsers:
            yield "browsers keep what they are told to; their reads are in no figure but this:"
            for trial in self.comparison.trials:
                yield f"  {trial.mode.name}: {trial.counts['browser'].visits:,} reads"
        else:
            yield "browsers keep no more than they did when the log was written"

    def figures(self) -> dict[str, object]:
        """The same for scripts; ratios are between 0 and 1, times in Unix seconds."""
        traffic, evidence = self.comparison.traffic, self.evidence
        counted = {
            name: value for name, value in asdict(traffic).items() if name not in ("edges", "hits")
        }
        return {
            "format": self.format,
            "lines": asdict(evidence.tally),
            "traffic": {**counted, "edges": len(traffic.edges), "late": evidence.late},
            "logged_hit_ratio": traffic.logged_ratio if traffic.judged else None,
            "modes": [self._trial(trial) for trial in self.comparison.trials],
            "assumed": list(self._assumed()),
            "confidence": evidence.level(),
            "doubts": [doubt.reason for doubt in evidence.doubts()],
        }

    def _trial(self, trial: Trial) -> dict[str, object]:
        return {
            "mode": trial.mode.name,
            "kept_by_browsers": trial.counts["browser"].visits,
            "plain": self._outcome(trial.counts.outcome(shielded=False)),
            "shielded": self._outcome(trial.counts.outcome(shielded=True)),
        }

    def _outcome(self, outcome: Outcome) -> dict[str, float]:
        figures = {"hit_ratio": outcome.hit_ratio, "origin_requests": outcome.origin_requests}
        return {**asdict(outcome), **figures, "cost": outcome.cost(self.prices)}


def _moment(at: float) -> str:
    return f"from {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def _span(traffic: Traffic) -> str:
    return f"{traffic.seconds / 3_600:,.1f} h long"
