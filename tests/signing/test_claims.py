"""Tickets: they prove that a one-time link was used, for that link alone and one minute."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import pytest

from signing.claims import LASTS
from signing.errors import GrantRefused, LinkRefused, Unsignable
from signing.grants import Grant
from signing.links import LinkRequest, Signer, check_grant

NOW = 1_800_000_000
ONCE = "Zm9vYmFyYmF6cXV4"
REQUEST = LinkRequest("clinic", "documents", "a.pdf", Grant.parse("io"), one_time=ONCE)


def test_a_link_good_once_is_verified_and_says_so(signer: Signer) -> None:
    link = signer.issue(REQUEST, NOW)
    path, _, query = link.target.encode().partition(b"?")
    assert signer.verify(path, query, NOW) == link
    assert link.one_time == ONCE
    assert signer.issue(replace(REQUEST, one_time=""), NOW).one_time == "-"


@pytest.mark.parametrize("name", ["short", "x" * 17, "x" * 15 + "=", "x" * 15 + "."])
def test_a_name_outside_the_grammar_is_not_signed(name: str) -> None:
    with pytest.raises(Unsignable) as caught:
        replace(REQUEST, one_time=name)
    assert caught.value.reason == "one-time"


@pytest.mark.parametrize("grant", ["ia", "da", "ip", "dp"])
def test_a_family_is_never_good_once(signer: Signer, grant: str) -> None:
    with pytest.raises(Unsignable) as caught:
        replace(REQUEST, grant=Grant.parse(grant))
    assert caught.value.reason == "one-time"
    family = LinkRequest("clinic", "documents", "a.pdf", Grant.parse(grant))
    link = signer.issue(family, NOW)._replace(rendition="w640")
    check_grant(link, declared=True, carries_original=False)
    with pytest.raises(GrantRefused):
        check_grant(link._replace(one_time=ONCE), declared=True, carries_original=False)


def test_the_storage_routes_have_nothing_that_is_good_once(
    signer: Signer, plain: ModuleType
) -> None:
    with pytest.raises(Unsignable) as caught:
        signer.issue_storage(REQUEST, NOW)
    assert caught.value.reason == "one-time"
    scope = "clinic/documents/a.pdf"
    parts = plain.StorageParts(bytes(range(32, 64)), scope, str(NOW + 900), grant="io", jti=ONCE)
    token = parts.target.partition("token=")[2].encode()
    with pytest.raises(LinkRefused) as refused:
        signer.verify_storage("object", "clinic", "documents", "a.pdf", token, NOW)
    assert refused.value.reason == "one-time"


def test_a_ticket_lasts_a_minute(signer: Signer) -> None:
    link = signer.issue(REQUEST, NOW)
    ticket = signer.ticket(link, NOW).encode()
    assert signer.admits(link, ticket, NOW)
    assert signer.admits(link, ticket, NOW + LASTS - 1)
    assert not signer.admits(link, ticket, NOW + LASTS)


def test_a_ticket_is_of_one_link(signer: Signer) -> None:
    link = signer.issue(REQUEST, NOW)
    ticket = signer.ticket(link, NOW).encode()
    for changes in ({"one_time": "x" * 16}, {"key": "b.pdf"}, {"grant": Grant.parse("do")}):
        assert not signer.admits(signer.issue(replace(REQUEST, **changes), NOW), ticket, NOW)
    lab = signer.issue(replace(REQUEST, zone="lab"), NOW)
    assert not signer.admits(lab, signer.ticket(link, NOW).encode(), NOW)


def test_any_change_of_a_ticket_is_refused(signer: Signer) -> None:
    link = signer.issue(REQUEST, NOW)
    ticket = signer.ticket(link, NOW).encode()
    later = b"%d%b" % (NOW + LASTS + 1, ticket[10:])
    for bent in (b"", later, ticket[:-1], ticket + b"A", ticket + b"\n", b" " + ticket):
        assert not signer.admits(link, bent, NOW)
    assert not signer.admits(link, link.signature.encode(), NOW)
    assert not signer.admits(link, b"%d.%b" % (NOW + LASTS, link.signature.encode()), NOW)
