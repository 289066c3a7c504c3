"""Logs: what becomes of each line, and the order of visits."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from gateway.simulation.addresses import Addresses
from gateway.simulation.formats import FORMATS
from gateway.simulation.logs import LONGEST, OVERLONG, Log, Tally, lines_of
from gateway.simulation.ordering import InOrder
from gateway.simulation.visits import Visit

TARGET = "/storage/v1/object/sign/documents/a.pdf?token=" + "x" * 40


def line(
    target: str = TARGET, status: int = 200, method: str = "GET", octets: str = "9", second: int = 0
) -> str:
    time = f"23/Nov/2026:07:37:{second:02} +0000"
    return f'203.0.113.7 - - [{time}] "{method} {target} HTTP/2.0" {status} {octets} "-" "x"'


def read(*lines: str) -> tuple[list[Visit], Tally]:
    log = Log(FORMATS["nginx"](), Addresses())
    return list(log.visits(lines)), log.tally


def test_every_line_is_counted_as_one_thing() -> None:
    visits, tally = read(
        line(), "garbage", line("/index.html"), line(status=404), line(method="POST"), OVERLONG
    )
    assert len(visits) == 1
    assert tally == Tally(lines=6, reads=1, elsewhere=2, failed=1, broken=2, first_broken=2)


def test_headings_are_no_requests() -> None:
    log = Log(FORMATS["cloudfront"](), Addresses())
    assert list(log.visits(["#Version: 1.0", "#Fields: date"])) == []
    assert log.tally == Tally(lines=2, headings=2)


def test_a_time_that_can_not_be_is_broken() -> None:
    _, tally = read(line().replace("2026", "1960"), line().replace("/Nov/", "/Foo/"))
    assert tally.broken == 2


def test_the_body_is_whole_or_part_or_none() -> None:
    visits, _ = read(
        line(),
        line(status=206),
        line(status=304, octets="0"),
        line(method="HEAD"),
        line(octets="-"),
    )
    assert [(visit.body, visit.octets) for visit in visits] == [
        ("whole", 9),
        ("part", 9),
        ("none", 0),
        ("none", 0),
        ("whole", -1),
    ]


def test_equal_tokens_and_viewers_are_equal_numbers_and_no_text() -> None:
    (first, second, other), _ = read(line(), line(), line(TARGET + "y"))
    assert first == second
    assert first.document == other.document
    assert first.token != other.token
    assert "x" * 40 not in repr(first)
    assert "203.0.113.7" not in repr(first)


def test_lines_are_cut_where_they_end_and_long_ones_left_out() -> None:
    text = b"one\n\n" + b"y" * (3 * LONGEST) + b"\n" + b"z" * (LONGEST - 1) + b"\ntwo\xff"
    one, long, just, two = lines_of(io.BytesIO(text))
    assert (one, long, two) == ("one\n", OVERLONG, "two�")
    assert just == "z" * (LONGEST - 1) + "\n"
    assert list(lines_of(io.BytesIO(b"y" * (LONGEST + 1)))) == [OVERLONG]


@given(st.lists(st.integers(0, 59), max_size=40), st.integers(1, 8))
def test_visits_are_in_order_as_far_as_they_are_looked_ahead(
    seconds: list[int], depth: int
) -> None:
    visits, _ = read(*(line(second=second) for second in seconds))
    order = InOrder(depth)
    times = [visit.at for visit in order.sorted(visits)]
    assert times == sorted(times)
    assert len(times) == len(seconds)
    if len(seconds) <= depth + 1 or seconds == sorted(seconds):
        assert order.late == 0
        assert times == sorted(visit.at for visit in visits)


def test_a_visit_that_is_too_late_is_counted() -> None:
    visits, _ = read(*(line(second=second) for second in (10, 20, 30, 5)))
    order = InOrder(1)
    assert [visit.at % 60 for visit in order.sorted(visits)] == [10, 20, 20, 30]
    assert order.late == 1


def test_a_viewer_is_the_same_number_in_every_run() -> None:
    [visit], _ = read(line())
    assert visit.viewer == 0x5CB67576
