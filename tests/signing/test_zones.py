"""Zones: a name and times that can stand in a link."""

from __future__ import annotations

import pytest

from signing.errors import BadZone
from signing.zones import SignedZone


@pytest.mark.parametrize("name", ["", "-a", "A", "a_b", "a.b", "a/b", "z" * 33, "a\n", "é"])
def test_a_name_that_breaks_the_grammar_is_refused(name: str) -> None:
    with pytest.raises(BadZone, match="name"):
        SignedZone(name)


@pytest.mark.parametrize(("window", "longest_life"), [(0, 10), (-1, 10), (11, 10), (1, 0)])
def test_times_that_contradict_each_other_are_refused(window: int, longest_life: int) -> None:
    with pytest.raises(BadZone, match="window"):
        SignedZone("clinic", window, longest_life)


def test_a_window_may_be_one_second_and_the_whole_life() -> None:
    assert SignedZone("z" * 32, 1, 1).longest_life == 1
