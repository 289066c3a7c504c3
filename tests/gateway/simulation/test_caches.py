"""The cache of the simulation: ends, room, and who leaves first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.simulation.caches import Cache


def test_a_copy_is_there_until_its_end() -> None:
    cache = Cache(100)
    cache.keep(1, 0, 10, 50)
    assert cache.has(1, 9.9)
    assert not cache.has(1, 10)
    assert not cache.has(2, 0)


def test_the_least_recently_used_leaves_first() -> None:
    cache = Cache(100)
    for key in (1, 2):
        cache.keep(key, 0, 10, 50)
    assert cache.has(1, 1)
    cache.keep(3, 2, 10, 50)
    assert [cache.has(key, 3) for key in (1, 2, 3)] == [True, False, True]


def test_what_does_not_fit_or_has_ended_is_not_kept() -> None:
    cache = Cache(100)
    cache.keep(1, 0, 10, 100)
    cache.keep(2, 0, 10, 101)
    cache.keep(3, 5, 5, 1)
    assert cache.has(1, 0)
    assert len(cache) == 1


def test_a_copy_takes_the_place_and_the_room_of_the_one_before() -> None:
    cache = Cache(100)
    for octets in (60, 70, 80):
        cache.keep(1, 0, 10, octets)
    cache.keep(2, 0, 10, 20)
    assert cache.has(1, 0)
    assert cache.has(2, 0)


def test_what_has_ended_is_let_go_of_itself() -> None:
    cache = Cache(1 << 40)
    for key in range(50_000):
        cache.keep(key, key, key + 10, 1)
    assert len(cache) < 5_000
    assert cache.has(49_999, 50_000)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 20), st.integers(0, 60)), max_size=60),
)
def test_it_never_holds_more_than_it_has_room_for(asked: list[tuple[int, int, int]]) -> None:
    cache, sizes = Cache(100), dict[int, int]()
    for at, (key, life, octets) in enumerate(asked):
        if not cache.has(key, at):
            cache.keep(key, at, at + life, octets)
            sizes[key] = octets
        assert sum(sizes[one] for one in range(10) if cache.has(one, at)) <= 100
