"""The storage routes: what is issued opens its one route and document there, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import get_args
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from signing.errors import LinkExpired, LinkRefused, SigningError, Unsignable
from signing.grants import Grant
from signing.links import Link, LinkRequest, Signer
from signing.storage import Route, StorageLink

NOW = 1_800_000_000
ROUTES: tuple[Route, ...] = get_args(Route)
REQUEST = LinkRequest("clinic", "documents", "reports/a b.pdf", Grant("inline", "original"))
SHOWN = replace(REQUEST, grant=Grant("inline", "exact", "w200-h100"))
# What JavaScript's encodeURI leaves as it is, and what no path may hold so.
ENCODE_URI = ";,/:@&=+$-_.!~*'()"

letters = st.characters(codec="utf-8", exclude_characters="/\\\x7f", min_codepoint=32)
words = st.text(letters, max_size=12).filter(lambda word: word not in ("", ".", ".."))
requests = st.builds(
    LinkRequest,
    zone=st.sampled_from(["clinic", "lab"]),
    bucket=words.filter(lambda word: not word.startswith("~")),
    key=st.lists(words, min_size=1, max_size=4).map("/".join),
    grant=st.sampled_from(["io", "do", "ix-w200-h100", "dx-w640-webp"]).map(Grant.parse),
    generation=st.integers(0, 9_999_999_999),
    expires_in=st.none() | st.integers(1, 10**6),
)


def token_of(link: Link) -> bytes:
    return f"{link.body}.{link.signature}".encode()


def verify(signer: Signer, link: StorageLink, route: Route | None = None) -> StorageLink:
    """Verify as the gateway does for the link's own address, on its own route or another."""
    token = token_of(link)
    place = route or link.route
    return signer.verify_storage(place, link.zone, link.bucket, link.key, token, NOW)


@given(requests)
def test_every_link_issued_is_verified_and_says_what_was_asked(
    signer: Signer, request: LinkRequest
) -> None:
    link = signer.issue_storage(request, NOW)
    assert verify(signer, link) == link
    assert type(verify(signer, link)) is type(link) is StorageLink
    said = (link.zone, link.bucket, link.key, link.grant, link.version, link.generation)
    asked = (request.zone, request.bucket, request.key, request.grant, request.version)
    assert said == (*asked, request.generation)
    assert (link.kid, link.audience, link.one_time, link.sealed) == ("k2", "-", "-", False)
    assert link.rendition == (request.grant.name or "original")
    assert link.scope == f"{request.zone}/{request.bucket}/{request.key}"


@given(requests)
def test_the_plain_implementation_makes_the_same_links(
    signer: Signer, plain: ModuleType, request: LinkRequest
) -> None:
    link = signer.issue_storage(request, NOW)
    scope = f"{request.zone}/{request.bucket}/{request.key}".encode().decode("latin-1")
    parts = plain.StorageParts(
        bytes(range(32, 64)),
        scope,
        str(link.expires_at),
        gen=str(request.generation),
        grant=request.grant.text,
        route="render/image/sign" if request.grant.name else "object/sign",
    )
    path, _, token = link.target.rpartition("?")
    assert parts.target == f"/storage/v1{quote(path, safe=ENCODE_URI)}?{token}"


@given(requests, st.integers(0, 900))
def test_equal_requests_in_one_window_give_equal_links_that_live_no_longer_than_asked(
    signer: Signer, request: LinkRequest, later: int
) -> None:
    link, again = (signer.issue_storage(request, at) for at in (NOW, NOW + later))
    assert (again == link) is (again.expires_at == link.expires_at)
    longest = {"clinic": 86_400, "lab": 3600}[request.zone]
    asked = request.expires_in or {"clinic": 1800, "lab": 120}[request.zone]
    assert 0 < again.expires_at - (NOW + later) <= min(asked, longest)


def test_a_window_is_the_same_second_for_everyone_in_it(signer: Signer) -> None:
    links = {signer.issue_storage(REQUEST, NOW + at).target for at in range(901)}
    assert len(links) == 2


@given(requests, requests)
def test_a_token_opens_no_other_document(
    signer: Signer, request: LinkRequest, other: LinkRequest
) -> None:
    link = signer.issue_storage(request, NOW)
    assume((request.zone, request.bucket, request.key) != (other.zone, other.bucket, other.key))
    with pytest.raises(LinkRefused, match="signature"):
        signer.verify_storage(link.route, other.zone, other.bucket, other.key, token_of(link), NOW)


@given(requests)
def test_a_token_opens_no_other_route(signer: Signer, request: LinkRequest) -> None:
    link = signer.issue_storage(request, NOW)
    (other,) = set(ROUTES) - {link.route}
    with pytest.raises(LinkRefused, match="route"):
        verify(signer, link, other)


@given(requests)
def test_no_token_is_good_for_links_and_storage_routes_both(
    signer: Signer, request: LinkRequest
) -> None:
    link, stored = signer.issue(request, NOW), signer.issue_storage(request, NOW)
    path, _, _ = link.target.encode().partition(b"?")
    with pytest.raises(LinkRefused, match="signature"):
        signer.verify(path, b"t=" + token_of(stored), NOW)
    for route in ROUTES:
        with pytest.raises(LinkRefused, match="signature"):
            signer.verify_storage(route, link.zone, link.bucket, link.key, token_of(link), NOW)


def test_a_slash_does_not_move_between_bucket_and_key(signer: Signer) -> None:
    """Both addresses have one signed text; only one of them is an address."""
    token = token_of(signer.issue_storage(replace(REQUEST, bucket="a", key="b/c"), NOW))
    with pytest.raises(LinkRefused, match="spelling"):
        signer.verify_storage("object", "clinic", "a/b", "c", token, NOW)


@pytest.mark.parametrize("grant", ["ia", "do", "io"])
def test_the_original_is_opened_by_what_covers_it(
    signer: Signer, plain: ModuleType, grant: str
) -> None:
    parts = plain.StorageParts(
        bytes(range(32, 64)), "clinic/b/k", str(NOW + 60), gen="3", grant=grant
    )
    token = parts.target.partition("?token=")[2].encode()
    link = signer.verify_storage("object", "clinic", "b", "k", token, NOW)
    assert (link.rendition, link.grant.text, link.generation) == ("original", grant, 3)


def test_the_target_is_decoded_and_below_the_prefix(signer: Signer) -> None:
    link, shown = signer.issue_storage(REQUEST, NOW), signer.issue_storage(SHOWN, NOW)
    token, other = token_of(link).decode(), token_of(shown).decode()
    assert link.target == f"/object/sign/documents/reports/a b.pdf?token={token}"
    assert shown.target == f"/render/image/sign/documents/reports/a b.pdf?token={other}"
    assert "%" not in token + other


def test_no_other_rendition_has_the_same_token(signer: Signer) -> None:
    for request in (REQUEST, SHOWN):
        with pytest.raises(Unsignable, match="rendition"):
            signer.issue_storage(request, NOW).for_rendition("w640")


def test_what_is_printed_of_a_link_names_no_document(signer: Signer) -> None:
    link = signer.issue_storage(REQUEST, NOW)
    assert repr(link) == f"<Link {link.id}>"


BREAKS = {
    "version": replace(REQUEST, version="A" * 22),
    "sealed": replace(REQUEST, zone="vault"),
    "zone": replace(REQUEST, zone="nowhere"),
    "bucket": replace(REQUEST, bucket="~b"),
    "key": replace(REQUEST, key="a/../b"),
}


@pytest.mark.parametrize(("reason", "request_"), BREAKS.items(), ids=list(BREAKS))
def test_what_the_routes_can_not_express_is_not_issued(
    signer: Signer, reason: str, request_: LinkRequest
) -> None:
    with pytest.raises(Unsignable) as caught:
        signer.issue_storage(request_, NOW)
    assert caught.value.reason == reason


@pytest.mark.parametrize("grant", ["ia", "da", "ip", "dp"])
def test_a_family_is_not_issued(signer: Signer, grant: str) -> None:
    with pytest.raises(Unsignable, match="grant"):
        signer.issue_storage(replace(REQUEST, grant=Grant.parse(grant)), NOW)


@pytest.mark.parametrize("now", [0, 9_999_999_999])
def test_nothing_is_issued_outside_the_ten_digits_of_time(signer: Signer, now: int) -> None:
    with pytest.raises(Unsignable, match="life"):
        signer.issue_storage(REQUEST, now)


@pytest.mark.parametrize("request_", [REQUEST, SHOWN], ids=["object", "render"])
@pytest.mark.parametrize("letter", [" ", "é", "?", "%"])
def test_the_encoded_target_is_at_most_2048_octets(
    signer: Signer, request_: LinkRequest, letter: str
) -> None:
    def encoded(key: str) -> int:
        link = signer.issue_storage(replace(request_, key=key), NOW)
        path, _, token = link.target.rpartition("?")
        return len(f"/storage/v1{quote(path, safe=ENCODE_URI)}?{token}")

    room, each = 2048 - encoded("k") + 1, len(quote(letter))
    fits = letter * (room // each) + "k" * (room % each)
    assert encoded(fits) == 2048
    with pytest.raises(Unsignable, match="length"):
        encoded(fits + "k")


@pytest.mark.parametrize(("bucket", "key"), [("documents", "\udcff"), ("\ud800", "a.pdf")])
def test_an_address_that_is_no_utf8_is_refused(signer: Signer, bucket: str, key: str) -> None:
    token = token_of(signer.issue_storage(REQUEST, NOW))
    with pytest.raises(LinkRefused, match="spelling"):
        signer.verify_storage("object", "clinic", bucket, key, token, NOW)


@pytest.mark.parametrize("zone", ["", "nowhere", "\ud800"])
def test_a_zone_that_is_not_known_is_refused(signer: Signer, zone: str) -> None:
    token = token_of(signer.issue_storage(REQUEST, NOW))
    with pytest.raises(LinkRefused, match="zone"):
        signer.verify_storage("object", zone, "documents", REQUEST.key, token, NOW)


def test_a_link_dies_at_its_expiry_yet_can_be_read(signer: Signer) -> None:
    link = signer.issue_storage(replace(REQUEST, expires_in=86_400), NOW)
    address = (link.route, link.zone, link.bucket, link.key, token_of(link))
    assert signer.verify_storage(*address, link.expires_at - 1) == link
    with pytest.raises(LinkExpired) as caught:
        signer.verify_storage(*address, link.expires_at)
    assert caught.value.expires_at == link.expires_at
    earliest = link.expires_at - 86_400 - 60
    assert signer.verify_storage(*address, earliest) == link
    with pytest.raises(LinkRefused, match="too-far"):
        signer.verify_storage(*address, earliest - 1)
    assert signer.read_storage(*address) == link


@given(requests, st.data())
def test_any_change_of_a_token_is_refused(
    signer: Signer, request: LinkRequest, data: st.DataObject
) -> None:
    link = signer.issue_storage(request, NOW)
    token = token_of(link)
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, min(len(token), start + 3)))
    mutant = token[:start] + data.draw(st.binary(max_size=3)) + token[end:]
    assume(mutant != token)
    with pytest.raises(SigningError):
        signer.verify_storage(link.route, link.zone, link.bucket, link.key, mutant, NOW)
