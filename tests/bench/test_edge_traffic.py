"""Traffic: which visits share a URL, as each way of making URLs says."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from bench.edge import traffic
from bench.edge.traffic import BEGAN, EDGE, HOUR, HOURS, VIEWERS, WAYS, Visit, zipf
from gateway.simulation.modes import modes


def urls(way: str, visits: list[Visit]) -> int:
    """How many URLs differ."""
    return len({(visit.document, WAYS[way](visit)) for visit in visits})


def visit(at: int, viewer: int = 1, number: int = 0) -> Visit:
    return Visit(number, BEGAN + at, 3, viewer)


def test_the_same_visits_come_every_time_and_in_order() -> None:
    visits = list(zipf(1_000, 50))
    assert visits == list(zipf(1_000, 50))
    assert all(one.at <= other.at for one, other in pairwise(visits))
    assert visits[0].at == BEGAN
    assert visits[-1].at < BEGAN + HOURS * HOUR
    assert {one.viewer for one in visits} <= set(range(VIEWERS))


def test_a_document_of_half_the_rank_is_read_twice_as_often() -> None:
    reads = Counter(one.document for one in zipf(20_000, 100))
    assert reads[0] / reads[1] == pytest.approx(2, rel=0.15)
    assert reads[1] / reads[3] == pytest.approx(2, rel=0.15)


def test_no_two_views_have_a_url_where_each_has_its_own() -> None:
    visits = list(zipf(500, 20))
    assert urls("a URL per view", visits) == 500


def test_a_user_keeps_a_url_for_an_hour() -> None:
    period = WAYS["a URL per user and hour"]
    hour = (-BEGAN) % HOUR
    assert period(visit(hour)) == period(visit(hour + 3_599))
    assert period(visit(hour)) != period(visit(hour + 3_600))
    assert period(visit(hour)) != period(visit(hour, viewer=2))
    everybody = {period(visit(at * HOUR, viewer)) for at in range(6) for viewer in range(VIEWERS)}
    assert len(everybody) == 6 * VIEWERS
    assert min(everybody) >= 0


@pytest.mark.parametrize("window", [300, HOUR])
def test_everybody_has_the_url_of_a_window(window: int) -> None:
    period = traffic.windowed(window)
    numbers = [period(visit(at, viewer=at)) for at in range(4 * window)]
    assert numbers == sorted(numbers)
    assert max(Counter(numbers).values()) == window
    assert len(set(numbers)) in (4, 5)


def test_windows_of_documents_end_at_odd_times() -> None:
    period = traffic.windowed(HOUR)
    ends = {
        next(at for at in range(HOUR) if period(one(document, at)) != period(one(document, at + 1)))
        for document in range(20)
    }
    assert len(ends) > 10


def one(document: int, at: int) -> Visit:
    return Visit(0, BEGAN + at, document, 0)


def test_the_ways_are_those_of_the_simulation() -> None:
    assert set(WAYS) == {mode.name for mode in modes(86_400)} - {"as logged"}
    assert list(WAYS)[-1] == EDGE


def test_documents_differ_in_size_and_none_is_empty() -> None:
    sizes = traffic.sizes(500)
    assert len(sizes) == 500
    assert min(sizes) > 500
    assert sorted(sizes)[250] == pytest.approx(20_000, rel=0.2)
