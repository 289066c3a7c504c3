"""The tables of the storage routes: what is multiplied, what is divided, what is held to a goal."""

from __future__ import annotations

from bench import asked, passed, reads, signs
from bench.load import Load
from bench.table import Row


def row(rows: list[Row], what: str) -> Row:
    (found,) = [row for row in rows if row.what == what]
    return found


def load(rate: float = 10, p50: float = 1, cpu: float = 0) -> Load:
    return Load(7, rate, p50, 9, cpu)


def test_signed_urls_are_calls_times_paths() -> None:
    found = {signs.Case(1, 1): load(3_000), signs.Case(100, 2): load(150, cpu=900)}
    rows = signs.rows(found)
    told = row(rows, "100 in a call, 2 workers")
    assert (told.figure, told.n, told.verdict) == ("15,000 URLs/s", 700, "MISS")
    assert row(rows, "1 in a call, 1 worker").verdict == ""
    assert "9.0 µs CPU a URL" in row(rows, "100 in a call, 2 workers: a call").figure


def test_the_real_servers_figure_is_quoted_as_one_of_another_run() -> None:
    (told,) = signs.rows({})
    assert (told.figure, told.n, told.goal) == ("10,700 URLs/s", 0, "")
    assert "2026-11-22" in told.what


def test_what_comes_on_top_of_upstream_is_told_round_by_round() -> None:
    found = {
        asked.STRAIGHT: [load(p50=10), load(p50=20), load(p50=10)],
        asked.KNOWN: [load(p50=11), load(p50=22), load(p50=99)],
        asked.NEW: [load(p50=13), load(p50=26), load(p50=10)],
    }
    rows = asked.rows({1: found})
    known = row(rows, f"over 1 connection: {asked.KNOWN}, p50 to upstream's")
    new = row(rows, f"over 1 connection: {asked.NEW}, p50 to upstream's")
    assert (known.figure, known.verdict) == ("1.1x", "pass")
    assert (new.figure, new.verdict) == ("1.3x", "MISS")


def test_the_storage_routes_are_told_beside_our_own() -> None:
    found = {
        reads.OWN: [load(4_000)],
        reads.SIGNED: [load(3_000)],
        reads.AUTHENTICATED: [load(2_000)],
    }
    rows = reads.rows(found)
    assert row(rows, f"{reads.SIGNED}, to /d/").figure == "0.75x"
    assert row(rows, f"{reads.AUTHENTICATED}, to /d/").figure == "0.5x"


def test_a_list_is_compared_by_its_latency() -> None:
    found = {passed.STRAIGHT: [load(p50=3)], passed.THROUGH: [load(p50=6)]}
    assert row(passed.listed(found), "list: p50 to upstream's").figure == "2x"


def test_an_upload_is_compared_by_its_time_and_tells_its_memory() -> None:
    seconds = {passed.STRAIGHT: [0.1, 0.2, 0.2], passed.THROUGH: [0.2, 0.3, 0.9]}
    rows = passed.uploaded(passed.Uploads(seconds, 100, 130))
    assert row(rows, "upload: through ostiary").figure == "300 ms"
    assert row(rows, "upload: time to upstream's").figure == "2x"
    assert row(rows, "upload: ostiary's memory at most").figure == "130 MB"
