"""The tally: exact among processes, bounded, and forgetting those who hardly asked first."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import parse
from limits.strategies import FixedWindowRateLimiter

from gateway.fronts.rates.tally import Tally

ROOT = Path(__file__).parents[4]


class Clock:
    """A clock that stands until it is set."""

    now = 1_000_000.5

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_tally(tmp_path: Path, clock: Clock) -> Iterator[Callable[[], Tally]]:
    opened: list[Tally] = []

    def start() -> Tally:
        opened.append(Tally(tmp_path / "tally", clock))
        return opened[-1]

    yield start
    for tally in opened:
        tally.close()


@pytest.fixture
def tally(open_tally: Callable[[], Tally]) -> Tally:
    return open_tally()


def test_a_window_begins_with_the_first_and_ends_for_all(tally: Tally, clock: Clock) -> None:
    assert [tally.incr("a", 60) for _ in range(3)] == [1, 2, 3]
    clock.now += 59.9
    assert (tally.incr("a", 60), tally.get("a")) == (4, 4)
    assert tally.get_expiry("a") == 1_000_060.5
    clock.now += 0.1
    assert tally.get("a") == 0
    assert tally.get_expiry("a") == clock.now
    assert tally.incr("a", 60) == 1
    assert tally.get_expiry("a") == 1_000_120.5


def test_names_are_counted_apart(tally: Tally) -> None:
    for number in range(2000):
        tally.incr(f"client/{number}", 60)
    assert {tally.get(f"client/{number}") for number in range(2000)} == {1}
    tally.clear("client/7")
    tally.clear("nobody")
    assert (tally.get("client/7"), tally.get("client/8")) == (0, 1)
    tally.reset()
    assert tally.get("client/8") == 0
    assert tally.check()


def test_what_was_counted_is_there_when_it_is_opened_again(
    open_tally: Callable[[], Tally],
) -> None:
    first = open_tally()
    assert first.incr("a", 60) == 1
    assert open_tally().incr("a", 60) == 2
    assert first.get("a") == 2


def test_a_clock_that_was_set_back_makes_no_window_longer(tally: Tally, clock: Clock) -> None:
    tally.incr("a", 60, 5)
    clock.now -= 10_000
    assert tally.incr("a", 60) == 1
    assert tally.get_expiry("a") == clock.now + 60


def test_a_flood_of_names_costs_no_memory_and_no_counter_that_counts(
    tally: Tally, tmp_path: Path
) -> None:
    size = (tmp_path / "tally").stat().st_size
    for _ in range(10):
        tally.incr("busy", 60)
    for number in range(100_000):
        tally.incr(f"flood/{number}", 60)
    assert tally.get("busy") == 10
    assert tally.incr("busy", 60) == 11
    assert (tmp_path / "tally").stat().st_size == size < 2 << 20


def test_a_name_is_not_at_rest_in_the_file(tally: Tally, tmp_path: Path) -> None:
    tally.incr("203.0.113.77", 60)
    assert b"203.0.113.77" not in (tmp_path / "tally").read_bytes()
    assert (tmp_path / "tally").stat().st_mode & 0o777 == 0o600


def test_a_torn_file_is_made_anew(open_tally: Callable[[], Tally], tmp_path: Path) -> None:
    (tmp_path / "tally").write_bytes(b"torn")
    assert open_tally().incr("a", 60) == 1


def test_a_file_of_another_layout_is_left_to_those_who_use_it(
    open_tally: Callable[[], Tally], tmp_path: Path
) -> None:
    """To cut it under their eyes would kill them."""
    former = tmp_path / "tally"
    former.write_bytes(bytes(5_000_000))
    with former.open("rb") as used:
        assert open_tally().incr("a", 60) == 1
        assert open_tally().incr("a", 60) == 2
        assert len(used.read()) == 5_000_000
    assert former.stat().st_size < 5_000_000


def test_a_count_ends_at_what_it_can_hold(tally: Tally) -> None:
    assert tally.incr("a", 60, 2**32 - 2) == 2**32 - 2
    assert [tally.incr("a", 60) for _ in range(3)] == [2**32 - 1] * 3


COUNT = """
import sys
from pathlib import Path
from gateway.fronts.rates.tally import Tally
tally = Tally(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(3000):
    tally.incr("shared", 3600)
"""


def test_no_count_is_lost_among_processes(tmp_path: Path) -> None:
    path = tmp_path / "tally"
    counting = [
        subprocess.Popen(
            [sys.executable, "-c", COUNT, str(path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for process in counting:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    for process in counting:
        process.communicate(b"go\n", timeout=60)
    tally = Tally(path)
    assert tally.get("shared") == 9000
    tally.close()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 40)), max_size=60))
def test_it_counts_as_a_dictionary_would(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, float]]
) -> None:
    clock = Clock()
    clock.now = 0.0
    tally = Tally(tmp_path_factory.mktemp("tally") / "file", clock)
    limiter, item = FixedWindowRateLimiter(tally), parse("4 per 30 seconds")
    windows: dict[str, tuple[float, int]] = {}
    for name, pause in steps:
        clock.now += pause
        end, count = windows.get(name, (0.0, 0))
        if end <= clock.now:
            end, count = clock.now + 30, 0
        windows[name] = (end, count + 1)
        assert limiter.hit(item, name) == (count + 1 <= 4)
        assert limiter.get_window_stats(item, name).reset_time == end
    tally.close()
