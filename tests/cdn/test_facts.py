"""The table of facts, beside the vendors' contracts as the stub has them."""

from __future__ import annotations

import pytest

from cdn.facts import FACTS, Limits
from cdn.tags import MOST_TAGS
from tests.stub_cdn.contracts import CONTRACTS, Bucket

TAGGED = [kind for kind, facts in FACTS.items() if "tags" in facts.abilities]
# Whose contract is written down for this plan.
PLAN = {"cloudflare": "enterprise"}


@pytest.mark.parametrize("kind", TAGGED)
def test_every_cdn_keeps_all_the_tags_that_an_answer_may_have(kind: str) -> None:
    rules = FACTS[kind].tags
    longest = 32
    assert rules.most >= MOST_TAGS
    assert rules.longest >= longest
    assert rules.octets >= MOST_TAGS * (longest + 1)
    assert FACTS[kind].profile.tag_field


@pytest.mark.parametrize("kind", sorted(FACTS.keys() - TAGGED))
def test_a_cdn_without_tags_says_so(kind: str) -> None:
    assert FACTS[kind].tags.most == 0
    assert "soft" not in FACTS[kind].abilities


def within(rate: float, burst: float, bucket: Bucket) -> bool:
    return bucket.burst == float("inf") or (rate <= bucket.rate and burst <= bucket.burst)


@pytest.mark.parametrize("kind", sorted(CONTRACTS))
def test_our_limits_are_within_the_contract(kind: str) -> None:
    limits, contract = FACTS[kind].limits_of(PLAN.get(kind, "")), CONTRACTS[kind]
    assert limits.batch <= contract.batch
    assert within(limits.rate, limits.burst, contract.calls)
    assert within(limits.tag_rate, limits.tag_burst, contract.names)


def test_limits_counted_by_the_clock_hold_with_their_burst() -> None:
    google, fastly = (FACTS[kind].limits_of("") for kind in ("google", "fastly"))
    assert google.burst + 60 * google.rate <= 500
    assert fastly.tag_burst + 3_600 * fastly.tag_rate <= 100_000


def test_the_plan_sets_the_limits_and_without_one_the_most_careful() -> None:
    facts = FACTS["cloudflare"]
    assert facts.limits_of("") == facts.limits_of("free") == Limits(100, 5 / 60, 25)
    assert facts.limits_of("enterprise").rate == 50
    assert min(facts.limits.values(), key=lambda limits: limits.rate) == facts.limits_of("")


@pytest.mark.parametrize("kind", sorted(FACTS))
def test_a_batch_never_waits_for_more_tokens_than_there_are(kind: str) -> None:
    for limits in FACTS[kind].limits.values():
        assert 1 <= limits.batch <= limits.tag_burst
        assert limits.rate > 0
        assert limits.burst >= 1


@pytest.mark.parametrize("kind", sorted(CONTRACTS))
def test_who_can_not_be_asked_is_given_at_least_the_vendor_s_own_time(kind: str) -> None:
    settling = FACTS[kind].settling
    assert settling.asked or settling.seconds >= CONTRACTS[kind].delay
    assert not settling.asked or settling.seconds > 0
