"""Audiences: a link is bound to one viewer, and tells nobody to whom."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.errors import BadKey, BadZone, Unsignable
from signing.grants import Grant
from signing.keys import Key, KeyRing
from signing.links import Link, LinkRequest, SignedZone, Signer

NOW = 1_800_000_000
ANNA, BEN = "7c9e6679-7425-40de-944b-e07fc1f90ae7", "auth0|ben"
REQUEST = LinkRequest("clinic", "documents", "a.pdf", Grant("inline", "all"), audience=ANNA)
NOBODY = ["", " anna", "anna ", "a\tb", "änna", "a\0", "a" * 256, "\ud800"]

ids = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=255)


def verify(signer: Signer, target: str) -> Link:
    raw_path, _, query = target.encode().partition(b"?")
    return signer.verify(raw_path, query, NOW)


@given(audience=ids, other=ids, zone=st.sampled_from(["clinic", "lab", "vault"]))
def test_a_bound_link_is_for_its_viewer_and_nobody_else(
    signer: Signer, audience: str, other: str, zone: str
) -> None:
    link = verify(signer, signer.issue(replace(REQUEST, zone=zone, audience=audience), NOW).target)
    assert signer.binds(link, audience)
    assert signer.binds(link, other) is (other == audience)
    assert link.audience == signer.audience_of(zone, "k2", audience)


@given(audience=ids, zone=st.sampled_from(["clinic", "lab"]), kid=st.sampled_from(["k1", "k2"]))
def test_an_audience_is_what_the_plain_implementation_makes(
    signer: Signer, plain: ModuleType, audience: str, zone: str, kid: str
) -> None:
    secret = {"k1": bytes(range(32)), "k2": bytes(range(32, 64))}[kid]
    assert signer.audience_of(zone, kid, audience) == plain.audience(secret, zone, audience)


@given(audience=ids, zone=st.sampled_from(["clinic", "lab"]), returns=st.integers(1, 10**6))
def test_who_was_let_back_in_has_another_audience(
    signer: Signer, plain: ModuleType, audience: str, zone: str, returns: int
) -> None:
    request = replace(REQUEST, zone=zone, audience=audience)
    before = signer.issue(request, NOW)
    after = verify(signer, signer.issue(replace(request, returns=returns), NOW).target)
    assert signer.binds(after, audience, returns)
    assert not signer.binds(after, audience)
    assert not signer.binds(after, audience, returns + 1)
    assert not signer.binds(before, audience, returns)
    secret = bytes(range(32, 64))
    assert after.audience == plain.audience(secret, zone, f"{audience}\n{returns}")
    assert after.audience == signer.audience_of(zone, "k2", audience, returns)


def test_nobody_was_let_back_in_less_than_never(signer: Signer) -> None:
    with pytest.raises(Unsignable, match="returns"):
        replace(REQUEST, returns=-1)
    assert not signer.binds(signer.issue(REQUEST, NOW), ANNA, -1)


def test_each_key_and_zone_has_its_own_name_for_a_viewer(signer: Signer) -> None:
    names = {
        signer.audience_of(zone, kid, ANNA) for zone in ("clinic", "lab") for kid in ("k1", "k2")
    }
    assert len(names) == 4


def test_a_link_of_a_retired_key_stays_with_its_viewer() -> None:
    old, new = Key("k1", bytes(32)), Key("k2", bytes(range(32)))
    zones = [SignedZone("clinic")]
    link = Signer(KeyRing([old], "k1"), zones).issue(REQUEST, NOW)
    later = Signer(KeyRing([old, new], "k2"), zones)
    assert later.binds(verify(later, link.target), ANNA)
    assert not later.binds(verify(later, link.target), BEN)


def test_a_link_without_an_audience_is_nobody_s(signer: Signer) -> None:
    link = signer.issue(replace(REQUEST, audience=""), NOW)
    assert link.audience == "-"
    assert not signer.binds(link, ANNA)
    assert not signer.binds(link, "")


def test_equal_requests_for_one_viewer_give_one_link_and_others_another(signer: Signer) -> None:
    link = signer.issue(REQUEST, NOW)
    assert signer.issue(REQUEST, NOW) == link
    assert signer.issue(replace(REQUEST, audience=BEN), NOW).target != link.target


def test_an_audience_can_not_be_put_into_another_link(signer: Signer) -> None:
    mine = signer.issue(REQUEST, NOW)
    theirs = signer.issue(replace(REQUEST, audience=BEN), NOW)
    assert mine.audience != theirs.audience
    with pytest.raises(Exception, match="signature"):
        verify(signer, theirs.target.replace(theirs.audience, mine.audience))


@pytest.mark.parametrize("audience", NOBODY[1:])
def test_nothing_is_issued_for_what_names_no_viewer(audience: str) -> None:
    with pytest.raises(Unsignable, match="audience"):
        replace(REQUEST, audience=audience)


@pytest.mark.parametrize("audience", NOBODY)
def test_what_names_no_viewer_proves_nothing(signer: Signer, audience: str) -> None:
    assert not signer.binds(signer.issue(REQUEST, NOW), audience)
    with pytest.raises(Unsignable, match="audience"):
        signer.audience_of("clinic", "k2", audience)


def test_only_known_keys_and_zones_have_audiences(signer: Signer) -> None:
    with pytest.raises(BadZone):
        signer.audience_of("nowhere", "k2", ANNA)
    with pytest.raises(BadKey):
        signer.audience_of("clinic", "k9", ANNA)


def test_the_storage_routes_bind_nothing(signer: Signer) -> None:
    with pytest.raises(Unsignable, match="audience"):
        signer.issue_storage(replace(REQUEST, grant=Grant.parse("io")), NOW)


def test_a_request_does_not_print_whom_it_is_for() -> None:
    assert ANNA not in repr(REQUEST)
