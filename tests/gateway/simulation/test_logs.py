"""Logs: what becomes of each line."""

from __future__ import annotations

from gateway.simulation.addresses import Addresses
from gateway.simulation.formats import FORMATS
from gateway.simulation.logs import Log, Tally
from gateway.simulation.portions import OVERLONG
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


def test_viewers_documents_and_tokens_are_the_same_numbers_in_every_process() -> None:
    [visit], _ = read(line())
    assert visit.viewer == 0x5CB67576
    assert (visit.document, visit.token) == (0x3AFB2CA8F31E19FF, 0x4E9C6415605927A4)


def test_the_lines_of_two_tallies_are_numbered_through() -> None:
    tally = Tally(lines=5, reads=5)
    tally.add(Tally(lines=4, reads=2, broken=2, first_broken=3))
    tally.add(Tally(lines=1, broken=1, first_broken=1))
    assert tally == Tally(lines=10, reads=7, broken=3, first_broken=8)
