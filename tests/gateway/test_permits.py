"""Who may keep what Supabase allowed: one viewer's is nobody else's, and a public object's is."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdn.fields import NONE, render
from cdn.modes import Mode
from cdn.policy import Private, Revalidate, Shared
from cdn.tags import Tags
from gateway.permits import OWN, Permit
from signing.grants import Grant
from signing.links import LIVE

TAGS = Tags.of("clinic", "pub", "a.png", "v1", ())
MODES: tuple[Mode, ...] = get_args(Mode)
TTL = 300


def permit(max_age: int = OWN) -> Permit:
    grant = Grant("inline", "original")
    return Permit("clinic", "pub", "a.png", "original", grant, 0, 2_000_000_000, max_age)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("negotiated", [False, True])
def test_what_is_one_viewers_is_asked_for_each_time(mode: Mode, negotiated: bool) -> None:
    assert permit().policy(mode, TTL, TAGS, negotiated=negotiated) == Private(0)


@pytest.mark.parametrize(
    ("mode", "negotiated", "max_age", "policy"),
    [
        ("windowed", False, 3600, Shared(TAGS, 3600, TTL)),
        ("windowed", False, 60, Shared(TAGS, 60, 60)),
        ("windowed", False, 0, Shared(TAGS, 0, 0)),
        ("windowed", True, 3600, Private(3600)),
        ("revalidate", False, 3600, Revalidate(TAGS)),
        ("revalidate", True, 3600, Private(0)),
        ("private", False, 3600, Private(60)),
        ("private", True, 5, Private(5)),
    ],
)
def test_a_public_object_is_kept_as_supabase_and_its_zone_allow(
    mode: Mode, negotiated: bool, max_age: int, policy: object
) -> None:
    assert permit(max_age).policy(mode, TTL, TAGS, negotiated=negotiated) == policy


@pytest.mark.parametrize(
    ("negotiated", "max_age", "policy"),
    [
        (False, 10**6, Shared(TAGS, 3_600, 3_600)),
        (False, 60, Shared(TAGS, 60, 60)),
        (True, 10**6, Private(3_600)),
    ],
)
def test_what_will_be_improved_is_kept_for_an_hour_at_most(
    negotiated: bool, max_age: int, policy: object
) -> None:
    given = permit(max_age).policy(
        "windowed", 86_400, TAGS, negotiated=negotiated, provisional=True
    )
    assert given == policy


@given(st.sampled_from(MODES), st.integers(-1, 10**9), st.integers(0, 86_400), st.booleans())
def test_nobody_keeps_anything_for_longer_than_supabase_says(
    mode: Mode, max_age: int, ttl: int, negotiated: bool
) -> None:
    policy = permit(max_age).policy(mode, ttl, TAGS, negotiated=negotiated)
    match policy:
        case Shared():
            assert max_age >= 0
            assert not negotiated, "a shared cache does not tell by Accept"
            assert (policy.cdn_ttl, policy.browser_ttl) == (min(ttl, max_age), max_age)
        case Private():
            assert policy.browser_ttl <= max(0, max_age)
        case _:
            assert mode == "revalidate"
            assert max_age >= 0


def test_one_viewers_answer_says_so_and_names_no_tag() -> None:
    fields = dict(render(permit().policy("windowed", TTL, TAGS, negotiated=False), [NONE]))
    assert b"private" in fields[b"cache-control"]
    assert b"cache-tag" not in fields
    assert b"cdn-cache-control" not in fields or b"no-store" in fields[b"cdn-cache-control"]


def test_a_permit_leaves_no_link_in_a_log_and_follows_the_document() -> None:
    made = permit()
    assert (made.id, made.version) == ("", LIVE)
