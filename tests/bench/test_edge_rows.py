"""The tables of the edge: what is counted, what is divided, what is held to a goal."""

from __future__ import annotations

import pytest

from bench.edge import crowd, dead, far, purges, replay, verifying
from bench.edge.dead import Asked, Found
from bench.edge.far import Fetched
from bench.edge.replay import Played
from bench.edge.traffic import WAYS
from bench.load import Load
from bench.ostiary import counted
from bench.table import Row


def row(rows: list[Row], what: str) -> Row:
    (found,) = [row for row in rows if row.what == what]
    return found


def load(rate: float = 10, cpu: float = 1) -> Load:
    return Load(7, rate, 1, 9, cpu)


def test_hits_are_what_the_origin_did_not_see() -> None:
    found = {way: Played(100, 1_000, 25, 260) for way in WAYS}
    rows = replay.rows(found, dict.fromkeys(WAYS, 0.755))
    hour = row(rows, "windowed, 1 h: hits")
    assert (hour.figure, hour.verdict) == ("75 %", "pass")
    assert row(rows, "edge: hits").verdict == "MISS"
    told = row(rows, "windowed, 1 h: beside").figure
    assert told == "from the origin 26.0 % of octets; simulated 75.5 %"
    assert row(rows, "a URL per view: hits").figure.startswith("75.0 %; from the origin 26.0 %")
    assert row(rows, "a URL per view: hits").verdict == ""


def test_a_second_fetch_for_a_crowd_is_a_miss() -> None:
    rows = crowd.rows("Varnish", 300, 1, 2)
    assert [one.verdict for one in rows] == ["pass", "MISS"]
    assert rows[0].what == "Varnish, 300 links: fetches from the gateway"
    assert crowd.rows("Varnish", 1, 1, 1)[0].what.startswith("Varnish, 1 link:")


def test_verifying_is_told_by_what_it_takes_from_the_rate_and_adds_to_the_cpu() -> None:
    found = {
        verifying.VARNISH: [load(92, 11), load(91, 12), load(10, 99)],
        verifying.BLIND_VARNISH: [load(100, 10)] * 3,
        verifying.NGINX: [load(70, 15)] * 3,
        verifying.BLIND_NGINX: [load(100, 10)] * 3,
    }
    rows = verifying.rows(found)
    lost = row(rows, f"{verifying.VARNISH}: throughput lost")
    assert (lost.figure, lost.verdict) == ("9 %", "pass")
    assert row(rows, f"{verifying.VARNISH}: CPU time added").figure == "20 %"
    assert row(rows, f"{verifying.NGINX}: throughput lost").verdict == "MISS"


def test_purges_are_held_to_their_slowest_percent() -> None:
    quick, late = [0.010] * 98, [0.060] * 2
    rows = purges.rows(purges.ASKED, [*quick, *late])
    assert row(rows, f"{purges.ASKED} to new bytes, p50").figure == "10.0 ms"
    assert row(rows, f"{purges.ASKED} to new bytes, p99").verdict == "MISS"
    assert purges.rows(purges.TOLD, [*quick, *late])[1].verdict == "pass"
    assert [one.verdict for one in purges.rows(purges.CALL, [*quick, *late])] == [""]


@pytest.mark.parametrize(
    ("found", "verdicts"),
    [
        (Found(Asked(4, 3, 2, 2), Asked(4, 2, 2, 2), 0, 0), ["", "pass", "pass", "pass"]),
        (Found(Asked(4, 3, 2, 2), Asked(4, 2, 2, 1), 1, 1), ["", "MISS", "MISS", "MISS"]),
    ],
)
def test_what_was_kept_is_all_answered_and_no_dead_link_is(
    found: Found, verdicts: list[str]
) -> None:
    rows = dead.rows(dead.VARNISH, found)
    assert [one.verdict for one in rows] == verdicts
    assert rows[0].figure == "fresh 75.0 %, stale 50.0 %"


def test_nginx_is_held_to_no_stale_copies() -> None:
    rows = dead.rows(dead.NGINX, Found(Asked(4, 3, 2, 2), Asked(4, 0, 2, 0), 0, 0))
    assert [one.verdict for one in rows] == ["", "", "pass", "pass"]


def test_a_way_is_shorter_by_its_median() -> None:
    found = {
        far.ORIGIN: [Fetched(2.0, 2_000_000), Fetched(9.0, 2_000_000), Fetched(1.9, 2_000_000)],
        far.MISS: [Fetched(1.5, 2_000_000)],
        far.HIT: [Fetched(0.2, 2_000_000)],
        far.SMALLER: [Fetched(0.15, 50_000)],
    }
    rows = far.rows(found)
    assert row(rows, far.ORIGIN).figure == "2,000 ms, 2.00 MB"
    assert row(rows, f"{far.MISS}: shorter by").figure == "25 %"
    assert row(rows, f"{far.HIT}: shorter by").verdict == "pass"
    assert row(rows, f"{far.SMALLER}: shorter by").verdict == "MISS"


def test_a_figure_is_summed_where_a_label_is_so() -> None:
    figures = 'n_total{route="d",code="200"} 2.0\nn_total{route="d"} 1.0\nn_total{route="v1"} 9.0\n'
    assert counted("n_total", figures, 'route="d"') == 3
    assert counted("n_total", figures) == 12
