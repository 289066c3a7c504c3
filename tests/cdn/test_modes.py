from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdn.modes import MARGIN, YEAR, Mode, absent_policy, browser_longest, policy_for
from cdn.policy import CachePolicy, NoStore, Private, Revalidate, Shared
from cdn.tags import Tags

NOW = 1_800_000_000
TAGS = Tags(("d-1",))
MODES: tuple[Mode, ...] = ("private", "windowed", "edge", "revalidate")
SECONDS = st.integers(0, 100_000)
LEFT = st.integers(-100, 1_000) | st.integers(-100_000, 100_000)


def policy(mode: Mode, left: int, **said: Any) -> CachePolicy:
    asked = {"ttl": 86_400, "stale_while_revalidate": 0, "stale_if_error": 0, **said}
    return policy_for(mode, now=NOW, expires_at=NOW + left, tags=TAGS, **asked)


@given(
    st.sampled_from(MODES),
    LEFT,
    SECONDS,
    SECONDS,
    SECONDS,
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_nothing_outlives_the_link_that_let_it_in(
    mode: Mode,
    left: int,
    ttl: int,
    swr: int,
    sie: int,
    negotiated: bool,
    pinned: bool,
    provisional: bool,
) -> None:
    found = policy(
        mode,
        left,
        ttl=ttl,
        stale_while_revalidate=swr,
        stale_if_error=sie,
        negotiated=negotiated,
        pinned=pinned,
        provisional=provisional,
    )
    if isinstance(found, Shared):
        stale = max(found.stale_while_revalidate, found.stale_if_error)
        assert NOW + found.cdn_ttl + stale <= NOW + left - 30
        assert found.cdn_ttl <= ttl
        assert found.stale_while_revalidate <= swr
        assert found.stale_if_error <= sie
        if stale < max(swr, sie):
            assert found.cdn_ttl + stale == left - 30, "an allowance was cut without need"
        if found.cdn_ttl < ttl and not provisional:
            assert stale == 0, "fresh time was cut before the stale allowances"
    if isinstance(found, Shared | Private):
        assert found.browser_ttl <= max(left, 0)
    if left <= 0:
        assert found == NoStore()


@given(st.sampled_from(MODES), LEFT)
def test_a_404_obeys_the_same_law_and_no_browser_keeps_it(mode: Mode, left: int) -> None:
    found = absent_policy(mode, now=NOW, expires_at=NOW + left, tags=TAGS)
    if isinstance(found, Shared):
        assert mode in ("windowed", "edge")
        assert found == Shared(TAGS, browser_ttl=0, cdn_ttl=min(30, left - 30))
        assert found.cdn_ttl > 0
    else:
        assert found == NoStore()
        assert mode in ("private", "revalidate") or left <= 30


@pytest.mark.parametrize(
    ("mode", "left", "expected"),
    [
        ("private", 3_600, Private(60)),
        ("private", 59, Private(59)),
        ("private", 0, NoStore()),
        ("windowed", 3_600, Shared(TAGS, 300, 3_570)),
        ("windowed", 100_000, Shared(TAGS, 300, 86_400)),
        ("windowed", 200, Shared(TAGS, 200, 170)),
        ("windowed", MARGIN + 1, Shared(TAGS, 31, 1)),
        ("windowed", MARGIN, Private(30)),
        ("windowed", 1, Private(1)),
        ("windowed", 0, NoStore()),
        ("edge", 3_600, Shared(TAGS, 300, 3_570)),
        ("revalidate", 3_600, Revalidate(TAGS)),
        ("revalidate", 1, Revalidate(TAGS)),
        ("revalidate", -5, NoStore()),
    ],
)
def test_each_mode_has_its_row_of_the_table(mode: Mode, left: int, expected: CachePolicy) -> None:
    assert policy(mode, left) == expected


def test_the_stale_allowances_are_cut_first() -> None:
    said = {"ttl": 100, "stale_while_revalidate": 50, "stale_if_error": 500}
    assert policy("windowed", 1_000, **said) == Shared(TAGS, 300, 100, 50, 500)
    assert policy("windowed", 330, **said) == Shared(TAGS, 300, 100, 50, 200)
    assert policy("windowed", 150, **said) == Shared(TAGS, 150, 100, 20, 20)
    assert policy("windowed", 120, **said) == Shared(TAGS, 120, 90, 0, 0)


def test_only_a_proven_edge_gets_times_beyond_the_link() -> None:
    said = {"stale_while_revalidate": 60, "stale_if_error": 600}
    assert policy("edge", 90, proven=True, **said) == Shared(TAGS, 0, 86_400, 60, 600)
    assert policy("edge", 90, proven=True, pinned=True, **said) == Shared(TAGS, 0, YEAR, 60, 600)
    assert policy("windowed", 90, proven=True) == Shared(TAGS, 90, 60)
    assert policy("edge", 0, proven=True) == NoStore()


def test_what_was_negotiated_by_accept_is_private_to_shared_caches() -> None:
    assert policy("windowed", 3_600, negotiated=True) == Private(300)
    assert policy("edge", 100, negotiated=True, proven=True) == Private(100)
    assert policy("private", 3_600, negotiated=True) == Private(60)
    assert policy("revalidate", 3_600, negotiated=True) == Private(0)


def test_immutable_is_for_pinned_urls_of_final_bytes() -> None:
    pinned = policy("windowed", 90_000, pinned=True)
    assert pinned == Shared(TAGS, 300, 86_400, immutable=True)
    assert policy("windowed", 90_000) == Shared(TAGS, 300, 86_400)


def test_a_provisional_rendition_is_fresh_for_an_hour_at_most() -> None:
    found = policy("windowed", 90_000, pinned=True, provisional=True)
    assert found == Shared(TAGS, 300, 3_600)
    assert policy("windowed", 90_000, provisional=True, ttl=60) == Shared(TAGS, 300, 60)
    edge = policy("edge", 90, pinned=True, provisional=True, proven=True)
    assert edge == Shared(TAGS, 0, 3_600)


def test_times_inside_the_room_stay_as_they_are() -> None:
    times = {"ttl": 10, "stale_while_revalidate": 5, "stale_if_error": 20}
    assert policy("windowed", MARGIN + 30, **times) == Shared(TAGS, 60, 10, 5, 20)
    assert policy("windowed", MARGIN + 29, **times) == Shared(TAGS, 59, 10, 5, 19)


@pytest.mark.parametrize(
    ("mode", "seconds"), [("private", 60), ("windowed", 300), ("edge", 300), ("revalidate", 0)]
)
def test_no_browser_may_use_a_copy_for_longer_than_is_told(mode: Mode, seconds: int) -> None:
    assert browser_longest(mode) == seconds
