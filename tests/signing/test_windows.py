"""Expiry windows: how long a link lives, who shares its text, and when windows end."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.errors import Unsignable
from signing.windows import QUANTA, expiry, holds, life, quantum

NOW = 1_800_000_000
times = st.integers(1_000_000_000, 9_000_000_000)
lives = st.none() | st.integers(1, 10**6)
zones = st.tuples(st.integers(1, 10**6), st.integers(0, 10**6)).map(lambda z: (z[0], sum(z)))
texts = st.text(max_size=20)


@given(times, lives, zones, texts)
def test_a_link_lives_no_longer_than_asked_and_never_under_half(
    now: int, asked: int | None, zone: tuple[int, int], text: str
) -> None:
    window, longest = zone
    longest_life = life(asked, window, longest)
    step = quantum(longest_life, window)
    left = expiry(now, asked, window, longest, text) - now
    assert longest_life - step < left <= longest_life
    assert 2 * left >= longest_life


@given(times, lives, zones, texts)
def test_everyone_who_asks_within_a_window_gets_the_same_expiry(
    now: int, asked: int | None, zone: tuple[int, int], text: str
) -> None:
    window, longest = zone
    longest_life = life(asked, window, longest)
    step = quantum(longest_life, window)
    expires_at = expiry(now, asked, window, longest, text)
    opened = expires_at - longest_life
    asked_in_it = {expiry(at, asked, window, longest, text) for at in (opened, opened + step - 1)}
    assert opened <= now < opened + step
    assert asked_in_it == {expires_at}
    assert expiry(opened + step, asked, window, longest, text) == expires_at + step


def test_documents_do_not_expire_all_at_once() -> None:
    phases = [expiry(NOW, None, 900, 86_400, f"/d/clinic/b/-/{n}") % 900 for n in range(2000)]
    quarters = [sum(low <= phase < low + 225 for phase in phases) for low in (0, 225, 450, 675)]
    assert min(quarters) > 400
    assert len(set(phases)) > 700


def test_the_phase_is_the_first_32_bits_of_the_hash_of_the_text() -> None:
    text = "/d/clinic/documents/-/a.pdf"
    head = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)
    assert expiry(NOW, None, 900, 86_400, text) % 900 == head % 900


@pytest.mark.parametrize(
    ("asked", "window", "longest", "expected"),
    [(None, 900, 86_400, 1800), (None, 900, 1000, 1000), (60, 900, 86_400, 60), (10**9, 1, 5, 5)],
)
def test_the_life_is_as_asked_or_two_windows_within_the_zones_longest(
    asked: int | None, window: int, longest: int, expected: int
) -> None:
    assert life(asked, window, longest) == expected


@pytest.mark.parametrize("asked", [0, -1])
def test_a_life_of_no_second_is_refused(asked: int) -> None:
    with pytest.raises(Unsignable, match="life"):
        life(asked, 900, 86_400)


def test_the_window_is_the_largest_step_within_the_zones_and_half_the_life() -> None:
    assert [quantum(2 * step, 10**6) for step in QUANTA] == list(QUANTA)
    assert [quantum(10**6, step) for step in QUANTA] == list(QUANTA)
    assert quantum(2 * 900 - 1, 900) == 300
    assert quantum(10**6, 899) == 300
    assert quantum(29, 900) == quantum(10**6, 14) == quantum(1, 1) == 1


@given(times, lives, zones, texts, st.integers(-(10**6), 10**6))
def test_an_expiry_holds_exactly_as_long_as_it_would_be_given_again(
    now: int, asked: int | None, zone: tuple[int, int], text: str, later: int
) -> None:
    window, longest = zone
    longest_life = life(asked, window, longest)
    expires_at = expiry(now, asked, window, longest, text)
    again = expiry(now + later, asked, window, longest, text) == expires_at
    assert holds(expires_at, now + later, longest_life, quantum(longest_life, window)) is again
