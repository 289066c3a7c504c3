"""The order of visits: by their time, as far as they are looked ahead."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.simulation.ordering import InOrder
from gateway.simulation.visits import Visits


def in_order(parts: list[list[float]], depth: int) -> tuple[list[float], int]:
    order = InOrder(depth)
    made = (Visits(*[part] * 11) for part in parts)  # type: ignore[arg-type]
    return [at for visits in order.sorted(made) for at in visits.at], order.late


def parted(times: list[float], sizes: list[int]) -> list[list[float]]:
    parts, rest = [], times
    for size in sizes:
        parts.append(rest[:size])
        rest = rest[size:]
    return [*parts, rest]


@given(st.lists(st.integers(0, 59), max_size=60), st.integers(1, 8), st.lists(st.integers(0, 9)))
def test_visits_are_in_order_as_far_as_they_are_looked_ahead(
    seconds: list[int], depth: int, sizes: list[int]
) -> None:
    whole = [float(second) for second in seconds]
    times, late = in_order(parted(whole, sizes), depth)
    assert times == sorted(times)
    assert len(times) == len(whole)
    assert (times, late) == in_order([whole], depth), "however they came"
    if len(whole) <= depth + 1 or whole == sorted(whole):
        assert (late, times) == (0, sorted(whole))


@given(st.permutations(range(40)), st.integers(1, 12))
def test_a_visit_is_late_only_after_more_than_were_looked_at(order: list[int], depth: int) -> None:
    times, late = in_order([[float(one) for one in order]], depth)
    passed = (sum(later > at for later in order[:place]) for place, at in enumerate(order))
    if max(passed) <= depth:
        assert (late, times) == (0, sorted(order))


def test_a_visit_that_is_too_late_is_counted() -> None:
    assert in_order([[10, 20, 30, 5]], 1) == ([10, 20, 20, 30], 1)


def test_all_of_a_visit_moves_with_its_time() -> None:
    [sorted_] = InOrder(4).sorted([Visits(*[[3, 1, 2]] * 11)])  # type: ignore[list-item]
    assert sorted_.columns() == ([1, 2, 3],) * 11
