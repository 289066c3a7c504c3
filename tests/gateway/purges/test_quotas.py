from __future__ import annotations

import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cdn.providers.base import Limits
from cdn.providers.null import Null
from gateway.purges.pacing import Pacing
from gateway.purges.quotas import Quotas


class Edge(Null):
    limits = Limits(batch=2, rate=1, burst=3, tag_rate=1, tag_burst=9)

    def __init__(self, name: str, quota: str) -> None:
        super().__init__(name)
        self.quota = quota


A, B, C = Edge("a", "one"), Edge("b", "one"), Edge("c", "two")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "purger.pace"


def quotas(file: Path, now: float = 0.0) -> Quotas:
    made = Quotas(file, [A, B, C], Pacing(), 0.0)
    made.load(now)
    return made


def test_one_customer_s_providers_have_one_pace(file: Path) -> None:
    made = quotas(file)
    assert made.pace(A) is made.pace(B)
    assert made.pace(A) is not made.pace(C)


def test_a_killed_worker_s_calls_are_counted_by_the_next(file: Path) -> None:
    first = quotas(file)
    for edge in (A, B):
        first.pace(edge).called(0.0, 2)
    first.save()
    second = quotas(file)
    assert (second.pace(A).levels.calls, second.pace(A).levels.tags) == (1, 5)
    assert second.pace(C).delay(0.0) == 0
    assert file.stat().st_mode & 0o077 == 0


def test_what_was_saved_before_leaves_nothing_behind(file: Path) -> None:
    file.write_text("x" * 10_000)
    quotas(file).save()
    assert json.loads(file.read_text()).keys() == {"one", "two"}


def test_without_a_file_and_for_a_new_customer_the_buckets_are_full(file: Path) -> None:
    assert quotas(file).pace(A).levels.calls == 3
    file.write_text("")
    assert quotas(file).pace(A).levels.calls == 3
    file.write_text("{}")
    assert quotas(file).pace(A).levels.calls == 3


@pytest.mark.parametrize(
    "text",
    [
        *("x", "[]", '{"one": 7}', '{"one": {}}', '{"one": {"calls": 1}}', "\x00" * 99),
        "[" * 100_000,
    ],
)
def test_of_a_file_that_can_not_be_read_nothing_is_taken_for_granted(text: str, file: Path) -> None:
    file.write_text(text)
    pace = quotas(file).pace(A)
    assert (pace.levels.calls, pace.delay(0.0)) == (0.0, 1.0)


@pytest.mark.parametrize(
    "value", ['"9"', "NaN", "null", "Infinity", "-Infinity", "1e300", "9" * 400]
)
def test_a_level_that_is_no_number_is_none(value: str, file: Path) -> None:
    quotas(file).save()
    text = file.read_text()
    file.write_text(text.replace('"calls": 3.0', f'"calls": {value}'))
    assert quotas(file).pace(A).levels.calls == 0.0


@pytest.mark.parametrize("name", ["calls", "tags", "held_calls", "held_tags", "resume"])
@pytest.mark.parametrize("value", [-1e11, 1e11])
def test_a_number_that_can_not_be_stops_no_purge_for_long(
    name: str, value: float, file: Path
) -> None:
    first = quotas(file)
    first.save()
    told = json.loads(file.read_text())
    told["one"][name] = value
    file.write_text(json.dumps(told))
    assert quotas(file).pace(A).delay(0.0) <= 3_600.0


def test_a_bucket_without_a_bottom_is_kept(file: Path) -> None:
    class Open(Edge):
        limits = Limits(batch=2, rate=1, burst=3)

    first = Quotas(file, [Open("a", "one")], Pacing(), 0.0)
    first.pace(Open("a", "one")).called(0.0, 2)
    first.save()
    second = Quotas(file, [Open("a", "one")], Pacing(), 0.0)
    second.load(0.0)
    assert second.pace(Open("a", "one")).levels.calls == 2


def test_a_file_that_can_be_neither_read_nor_written_stops_no_purge(file: Path) -> None:
    file.mkdir()
    made = quotas(file)
    assert made.pace(A).delay(0.0) == 1.0
    with capture_logs() as lines:
        made.save()
    assert [line["event"] for line in lines] == ["limits are not kept"]
