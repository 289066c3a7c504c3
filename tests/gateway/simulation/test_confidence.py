"""Confidence: good evidence is good, and every flaw is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.simulation.confidence import Evidence
from gateway.simulation.logs import Tally
from gateway.simulation.trials import Traffic

LONG = Traffic(
    reads=100_000, documents=1_000, first=1.0, last=200_000.0, edges={"FRA", "LHR"}, judged=100_000
)
GOOD = Evidence(Tally(lines=100_000, reads=100_000), LONG, late=0, edges=0, simulated=0.02)


def test_much_of_everything_is_good() -> None:
    assert GOOD.level() == "good"
    assert all(doubt.weight == 0 for doubt in GOOD.doubts())


@pytest.mark.parametrize(
    ("flaw", "level", "told"),
    [
        ({"reads": 9_000, "judged": 9_000}, "fair", "only 9,000 reads"),
        ({"reads": 900, "judged": 900, "documents": 10}, "poor", "only 900 reads"),
        ({"last": 40_000.0}, "fair", "spans 11.1 h"),
        ({"last": 4_000.0}, "poor", "spans 1.1 h"),
        ({"guessed": 100}, "good", "0.1% of the reads is a guess"),
        ({"guessed": 10_000}, "fair", "10.0% of the reads is a guess"),
        ({"masked": 1}, "fair", "show no token"),
        ({"edges": {""}}, "fair", "names no edges"),
        ({"hits": 9_000}, "fair", "7.0 points"),
        ({"hits": 50_000}, "poor", "48.0 points"),
        ({"judged": 0}, "good", "the first of their document"),
    ],
)
def test_a_flaw_of_the_traffic_is_told(flaw: dict[str, object], level: str, told: str) -> None:
    evidence = replace(GOOD, traffic=replace(LONG, **flaw))  # type: ignore[arg-type]
    assert evidence.level() == level
    assert any(told in doubt.reason for doubt in evidence.doubts())


@pytest.mark.parametrize(("broken", "level"), [(1, "good"), (1_000, "fair"), (6_000, "poor")])
def test_broken_lines_weigh_by_their_share(broken: int, level: str) -> None:
    assert replace(GOOD, tally=Tally(lines=100_000, broken=broken)).level() == level


@pytest.mark.parametrize(("late", "level"), [(1, "good"), (2_000, "fair")])
def test_disorder_weighs_by_its_share(late: int, level: str) -> None:
    evidence = replace(GOOD, late=late)
    assert evidence.level() == level
    assert any("out of order" in doubt.reason for doubt in evidence.doubts())


def test_the_gravest_reason_comes_first() -> None:
    evidence = replace(GOOD, traffic=replace(LONG, edges={""}, hits=50_000))
    assert [doubt.weight for doubt in evidence.doubts()] == [2, 1, 0]


def test_edges_that_were_given_need_no_names() -> None:
    assert replace(GOOD, edges=20, traffic=replace(LONG, edges={"1"})).level() == "good"
