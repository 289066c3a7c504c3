"""The memory cache keeps the most recently used, within its bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.caches.memory import OVERHEAD, MemoryCache

THREE = 3 * (OVERHEAD + 100)


def test_a_value_is_found_until_it_is_dropped() -> None:
    cache = MemoryCache[str](10_000)
    assert cache.put("k", "value", 5)
    assert cache.get("k") == "value"
    assert cache.drop("k")
    assert cache.get("k") is None
    assert not cache.drop("k")
    assert (len(cache), cache.bytes) == (0, 0)


def test_the_least_recently_used_goes_first() -> None:
    cache = MemoryCache[int](THREE)
    for key in "abc":
        cache.put(key, ord(key), 100)
    cache.get("a")
    cache.put("d", 0, 100)
    assert [key for key in "abcd" if cache.get(key) is not None] == ["a", "c", "d"]


def test_a_large_value_pushes_out_as_many_as_it_needs() -> None:
    cache = MemoryCache[int](THREE)
    for key in "abc":
        cache.put(key, 1, 100)
    assert cache.put("large", 1, 100 + OVERHEAD + 1)
    assert [key for key in ("a", "b", "c", "large") if cache.get(key)] == ["c", "large"]
    assert cache.bytes <= THREE


def test_a_value_above_the_entry_limit_is_not_kept_and_neither_is_its_forerunner() -> None:
    cache = MemoryCache[str](10_000, entry_limit=10)
    cache.put("k", "old", 10)
    assert not cache.put("k", "new", 11)
    assert cache.get("k") is None
    assert cache.bytes == 0


def test_a_value_above_the_whole_limit_is_not_kept() -> None:
    cache = MemoryCache[str](1_000)
    cache.put("small", "s", 1)
    assert not cache.put("k", "v", 1_000)
    assert cache.get("small") == "s"


def test_a_cache_without_room_keeps_nothing() -> None:
    cache = MemoryCache[str](0)
    assert not cache.put("k", "v", 0)
    assert len(cache) == 0


def test_clear_forgets_everything() -> None:
    cache = MemoryCache[str](10_000)
    cache.put("k", "v", 1)
    cache.clear()
    assert (cache.get("k"), cache.bytes) == (None, 0)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 2_000), st.booleans())))
def test_the_bytes_are_the_sum_of_what_is_kept_and_within_the_limit(
    steps: list[tuple[str, int, bool]],
) -> None:
    cache = MemoryCache[int](4_000, entry_limit=1_500)
    for key, size, dropped in steps:
        if dropped:
            cache.drop(key)
        else:
            assert cache.put(key, size, size) == (size <= 1_500)
        kept = [value for key in "abcdefgh" if (value := cache.get(key)) is not None]
        assert cache.bytes == sum(kept) + OVERHEAD * len(kept) <= 4_000
        assert len(cache) == len(kept)


def test_a_value_may_be_kept_for_a_time_only() -> None:
    now = [100.0]
    cache = MemoryCache[str](10_000, clock=lambda: now[0])
    cache.put("short", "value", 5, life=10.0)
    cache.put("long", "value", 5)
    now[0] = 109.9
    assert (cache.get("short"), cache.get("long")) == ("value", "value")
    now[0] = 110.0
    assert (cache.get("short"), cache.get("long")) == (None, "value")
    assert (len(cache), cache.bytes) == (1, 5 + OVERHEAD), "it is gone for good"
    cache.put("long", "value", 5, life=1.0)
    cache.put("long", "value", 5)
    now[0] = 1e9
    assert cache.get("long") == "value"
