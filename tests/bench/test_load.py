"""Load: wrk's report read right, and nothing made of a report that tells of failures."""

from __future__ import annotations

import pytest

from bench.load import Load, LoadFailed, cheaper, middle, parse, times

REPORT = """Running 2s test @ http://127.0.0.1:1/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   658.42us  247.40us   1.18s    88.89%
    Req/Sec     1.11k     0.60k    2.00k    66.67%
  Latency Distribution
     50%  564.00us
     75%  740.82us
     90%    1.10ms
     99%    1.18s@
  4000 requests in 2.00s, 13.66MB read
Requests/sec:   2000.00
""".replace("@", " ")  # wrk pads its shorter units


def test_a_report_is_read_in_milliseconds_and_requests_per_second() -> None:
    assert parse(REPORT) == Load(4_000, 2_000.0, pytest.approx(0.564), 1_180.0)


@pytest.mark.parametrize(
    "broken",
    [
        REPORT + "  Non-2xx or 3xx responses: 3\n",
        REPORT + "  Socket errors: connect 0, read 0, write 0, timeout 1\n",
        REPORT.replace("4000 requests", "0 requests"),
        REPORT.replace("99%", "98%"),
        "",
    ],
)
def test_failed_requests_are_no_figures(broken: str) -> None:
    with pytest.raises(LoadFailed):
        parse(broken)


def test_the_middle_of_rounds_is_taken_figure_by_figure() -> None:
    rounds = [Load(10, 1, 9, 30, 5), Load(20, 3, 7, 10, 6), Load(30, 2, 8, 20, 1)]
    assert middle(rounds) == Load(60, 2, 8, 20, 5)


def test_ratios_are_taken_round_by_round() -> None:
    ours = [Load(1, 10, 1, 1, 4), Load(1, 90, 1, 1, 8), Load(1, 20, 1, 1, 2)]
    theirs = [Load(1, 100, 1, 1, 1), Load(1, 100, 1, 1, 1), Load(1, 100, 1, 1, 1)]
    assert times(ours, theirs) == pytest.approx(0.2)
    assert cheaper(ours, theirs) == pytest.approx(0.25)
