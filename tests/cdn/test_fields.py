from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdn.fields import NONE, PROFILES, render
from cdn.policy import CachePolicy, Confidential, NoStore, Private, Revalidate, Shared
from cdn.tags import Tags

TAGS = Tags(("d-1", "z-2"))
SHARED = Shared(TAGS, 300, 570)
BROWSER = "private, max-age=300, no-transform"
SINGLE = "public, max-age=300, s-maxage=570, must-revalidate, stale-if-error=0, no-transform"
UNKEPT = "private, no-store, no-transform"
POLICIES: tuple[CachePolicy, ...] = (
    NoStore(),
    Confidential(),
    Private(60),
    Revalidate(TAGS),
    SHARED,
)


def said(policy: CachePolicy, *names: str) -> dict[str, str]:
    profiles = [PROFILES[name] for name in names]
    found = render(policy, profiles[0] if len(profiles) == 1 else profiles)
    assert len({name for name, _ in found}) == len(found), "a field stands twice"
    return {name.decode(): value.decode() for name, value in found}


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("none", {"cdn-cache-control": "max-age=570, must-revalidate", "cache-tag": "d-1,z-2"}),
        ("varnish", {"surrogate-control": "max-age=570, must-revalidate", "xkey": "d-1 z-2"}),
        (
            "cloudflare",
            {
                "cloudflare-cdn-cache-control": "max-age=570, must-revalidate",
                "cache-tag": "d-1,z-2",
            },
        ),
        (
            "fastly",
            {"surrogate-control": "max-age=570, must-revalidate", "surrogate-key": "d-1 z-2"},
        ),
        (
            "akamai",
            {"cdn-cache-control": "max-age=570, must-revalidate", "edge-cache-tag": "d-1,z-2"},
        ),
        (
            "vercel",
            {
                "vercel-cdn-cache-control": "max-age=570, must-revalidate",
                "vercel-cache-tag": "d-1,z-2",
            },
        ),
        ("nginx", {"x-accel-expires": "570"}),
        ("cloudfront", {"cache-control": SINGLE, "cache-tag": "d-1,z-2"}),
        ("bunny", {"cache-control": SINGLE, "cdn-tag": "d-1,z-2"}),
        ("google", {"cache-control": SINGLE, "cache-tag": "d-1,z-2"}),
    ],
)
def test_each_cdn_is_told_in_its_own_words(profile: str, expected: dict[str, str]) -> None:
    assert said(SHARED, profile) == {"cache-control": BROWSER, **expected}


@pytest.mark.parametrize(
    ("policy", "profile", "expected"),
    [
        (Confidential(), "none", {"cache-control": UNKEPT, "cdn-cache-control": "no-store"}),
        (Confidential(), "varnish", {"cache-control": UNKEPT, "surrogate-control": "no-store"}),
        (Confidential(), "nginx", {"cache-control": UNKEPT, "x-accel-expires": "0"}),
        (Confidential(), "cloudfront", {"cache-control": UNKEPT}),
        (NoStore(), "varnish", {"cache-control": "no-store"}),
        (NoStore(), "cloudfront", {"cache-control": "no-store"}),
        (NoStore(), "fastly", {"cache-control": "private, no-store"}),
        (
            Private(60),
            "varnish",
            {
                "cache-control": "private, max-age=60, no-transform",
                "surrogate-control": "no-store",
            },
        ),
        (Private(60), "cloudfront", {"cache-control": "private, max-age=60, no-transform"}),
        (
            Private(60),
            "nginx",
            {"cache-control": "private, max-age=60, no-transform", "x-accel-expires": "0"},
        ),
        (
            Private(0),
            "none",
            {
                "cache-control": "private, no-cache, no-transform",
                "cdn-cache-control": "no-store",
            },
        ),
        (
            Revalidate(TAGS),
            "varnish",
            {
                "cache-control": "private, no-cache, no-transform",
                "surrogate-control": "no-cache",
                "xkey": "d-1 z-2",
            },
        ),
        (
            Revalidate(TAGS),
            "cloudfront",
            {
                "cache-control": "no-cache, must-revalidate, stale-if-error=0, no-transform",
                "cache-tag": "d-1,z-2",
            },
        ),
        (
            Revalidate(TAGS),
            "nginx",
            {"cache-control": "private, no-cache, no-transform", "x-accel-expires": "0"},
        ),
    ],
)
def test_each_policy_has_its_words(
    policy: CachePolicy, profile: str, expected: dict[str, str]
) -> None:
    assert said(policy, profile) == expected


def test_stale_allowances_are_promised_in_targeted_fields_only() -> None:
    policy = Shared(TAGS, 300, 500, stale_while_revalidate=60)
    words = "max-age=500, stale-while-revalidate=60, stale-if-error=0"
    assert said(policy, "varnish")["surrogate-control"] == words
    assert said(policy, "nginx")["x-accel-expires"] == "500"
    only_error = Shared(TAGS, 300, 500, stale_if_error=9)
    assert said(only_error, "none")["cdn-cache-control"].endswith("stale-if-error=9")
    alone = said(only_error, "cloudfront")["cache-control"]
    assert "stale-if-error=0" in alone
    assert "stale-while-revalidate" not in alone


def test_immutable_is_said_to_browsers() -> None:
    policy = Shared(TAGS, 300, 570, immutable=True)
    assert said(policy, "varnish")["cache-control"] == f"{BROWSER}, immutable"
    assert said(policy, "cloudfront")["cache-control"] == f"{SINGLE}, immutable"
    assert "immutable" not in said(policy, "varnish")["surrogate-control"]


def test_a_shared_answer_that_browsers_must_ask_for_says_so() -> None:
    policy = Shared(TAGS, 0, 30)
    assert said(policy, "varnish")["cache-control"] == "private, no-cache, no-transform"


def test_several_cdns_each_find_their_words() -> None:
    assert said(SHARED, "varnish", "fastly", "cloudflare") == {
        "cache-control": BROWSER,
        "surrogate-control": "max-age=570, must-revalidate",
        "xkey": "d-1 z-2",
        "surrogate-key": "d-1 z-2",
        "cloudflare-cdn-cache-control": "max-age=570, must-revalidate",
        "cache-tag": "d-1,z-2",
    }
    assert said(SHARED, "varnish", "cloudfront")["cache-control"] == SINGLE
    assert said(NoStore(), "varnish", "fastly")["cache-control"] == "private, no-store"


def test_no_cdn_at_all_is_spoken_to_in_the_general_names() -> None:
    assert render(SHARED, ()) == render(SHARED, NONE)


@given(st.sampled_from(POLICIES), st.lists(st.sampled_from(sorted(PROFILES)), min_size=1))
def test_every_answer_is_ready_for_asgi_and_never_transformed(
    policy: CachePolicy, names: list[str]
) -> None:
    found = said(policy, *names)
    assert all(name == name.lower() for name in found)
    assert "no-transform" in found["cache-control"] or policy == NoStore()


@given(st.sampled_from((NoStore(), Private(60))), st.sets(st.sampled_from(sorted(PROFILES))))
def test_what_is_not_shared_shows_no_tag_and_lets_no_shared_cache_store(
    policy: CachePolicy, names: set[str]
) -> None:
    found = said(policy, *names) if names else {}
    tag_fields = {profile.tag_field.lower() for profile in PROFILES.values()}
    assert not tag_fields & found.keys()
    for name, value in found.items():
        assert (
            "no-store" in value or "private" in value or (name, value) == ("x-accel-expires", "0")
        )


def test_single_field_cdns_are_known_as_such() -> None:
    single = {name for name, profile in PROFILES.items() if profile.single_field}
    assert single == {"cloudfront", "bunny", "google"}
