"""Links: what is issued verifies, and what differs from it in anything is refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.errors import (
    BadKey,
    BadZone,
    GenerationAhead,
    LinkExpired,
    LinkRefused,
    LinkRevoked,
    SigningError,
    Unsignable,
)
from signing.grants import Grant
from signing.keys import Key, KeyRing
from signing.links import (
    Link,
    LinkRequest,
    SignedZone,
    Signer,
    check_generation,
)

NOW = 1_800_000_000
PIN = "A1-_" * 5 + "zz"
REQUEST = LinkRequest("clinic", "documents", "reports/a b.pdf", Grant("inline", "all"))

letters = st.characters(codec="utf-8", exclude_characters="/\\\x7f", min_codepoint=32)
words = st.text(letters, max_size=12).filter(lambda word: word not in ("", ".", ".."))
requests = st.builds(
    LinkRequest,
    zone=st.sampled_from(["clinic", "lab", "vault"]),
    bucket=words.filter(lambda word: not word.startswith("~")),
    key=st.lists(words, min_size=1, max_size=4).map("/".join),
    grant=st.sampled_from(["ia", "do", "ip", "dx-w200-h100", "ix-w640"]).map(Grant.parse),
    version=st.sampled_from(["-", PIN]),
    generation=st.integers(0, 9_999_999_999),
    expires_in=st.none() | st.integers(1, 10**6),
    extension=st.sampled_from(["", "pdf"]),
)


def verify(signer: Signer, target: str, now: int = NOW) -> Link:
    raw_path, _, query = target.encode().partition(b"?")
    return signer.verify(raw_path, query, now)


@given(requests)
def test_every_link_issued_is_verified_and_says_what_was_asked(
    signer: Signer, request: LinkRequest
) -> None:
    link = signer.issue(request, NOW)
    assert verify(signer, link.target) == link
    said = (link.zone, link.bucket, link.key, link.grant, link.version, link.generation)
    asked = (request.zone, request.bucket, request.key, request.grant, request.version)
    assert said == (*asked, request.generation)
    assert (link.kid, link.audience, link.one_time) == ("k2", "-", "-")
    assert link.sealed is (request.zone == "vault")
    assert link.rendition == request.grant.first


@given(requests, st.data())
def test_any_mutation_but_of_the_rendition_is_refused(
    signer: Signer, request: LinkRequest, data: st.DataObject
) -> None:
    link = signer.issue(request, NOW)
    target = link.target.encode()
    start = data.draw(st.integers(4 + len(link.rendition), len(target)))
    end = data.draw(st.integers(start, min(len(target), start + 3)))
    mutant = target[:start] + data.draw(st.binary(max_size=3)) + target[end:]
    if mutant == target:
        return
    raw_path, _, query = mutant.partition(b"?")
    with pytest.raises(SigningError):
        signer.verify(raw_path, query, NOW)


@given(requests, st.integers(0, 900))
def test_equal_requests_in_one_window_give_equal_links(
    signer: Signer, request: LinkRequest, later: int
) -> None:
    link = signer.issue(request, NOW)
    again = signer.issue(request, NOW + later)
    assert (again == link) is (again.expires_at == link.expires_at)


@given(requests)
def test_a_link_dies_at_its_expiry_and_not_before(signer: Signer, request: LinkRequest) -> None:
    link = signer.issue(request, NOW)
    assert verify(signer, link.target, link.expires_at - 1) == link
    with pytest.raises(LinkExpired) as caught:
        verify(signer, link.target, link.expires_at)
    assert caught.value.expires_at == link.expires_at


def test_a_link_that_is_too_far_ahead_is_refused(signer: Signer) -> None:
    link = signer.issue(replace(REQUEST, expires_in=86_400), NOW)
    earliest = link.expires_at - 86_400 - 60
    assert verify(signer, link.target, earliest) == link
    with pytest.raises(LinkRefused, match="too-far"):
        verify(signer, link.target, earliest - 1)


def test_a_link_can_be_read_at_any_time(signer: Signer) -> None:
    link = signer.issue(REQUEST, NOW)
    raw_path, _, query = link.target.encode().partition(b"?")
    assert signer.read(raw_path, query) == link
    with pytest.raises(LinkRefused, match="signature"):
        signer.read(raw_path, query.replace(b".0.", b".1."))


def test_another_rendition_keeps_the_token(signer: Signer) -> None:
    link = signer.issue(REQUEST, NOW)
    swapped = verify(signer, link.for_rendition("w640-avif"))
    assert swapped == link._replace(rendition="w640-avif")
    assert link.for_rendition("original") == link.target
    assert swapped.target == link.for_rendition("w640-avif")


@pytest.mark.parametrize("name", ["", "W640", "a/b", "../original", "x" * 65, "w640?t=1"])
def test_a_name_that_breaks_the_grammar_is_no_rendition(signer: Signer, name: str) -> None:
    with pytest.raises(Unsignable, match="rendition"):
        signer.issue(REQUEST, NOW).for_rendition(name)


def test_the_id_tells_nothing_of_the_link_and_is_that_of_every_rendition(signer: Signer) -> None:
    link = signer.issue(REQUEST, NOW)
    assert link.id == hashlib.sha256(link.signature.encode()).hexdigest()[:16]
    assert verify(signer, link.for_rendition("w640")).id == link.id
    assert signer.issue(replace(REQUEST, key="other"), NOW).id != link.id


def test_a_sealed_link_shows_neither_bucket_nor_key(signer: Signer) -> None:
    request = replace(REQUEST, zone="vault", key="anna-meier.pdf", extension="pdf")
    link = signer.issue(request, NOW)
    assert "anna" not in link.target
    assert "documents" not in link.target
    assert link.scope.endswith(".pdf")
    assert not signer.issue(replace(request, extension=""), NOW).scope.endswith(".pdf")


def test_a_readable_link_has_no_extension_of_its_own(signer: Signer) -> None:
    asked = signer.issue(replace(REQUEST, extension="pdf"), NOW)
    assert asked == signer.issue(REQUEST, NOW)


BREAKS = {
    "version": {"version": "short"},
    "generation": {"generation": -1},
    "life": {"expires_in": 0},
    "extension": {"extension": ".pdf"},
}


@pytest.mark.parametrize(("reason", "change"), BREAKS.items(), ids=list(BREAKS))
def test_a_request_that_the_grammar_can_not_express_is_not_built(
    reason: str, change: dict[str, int]
) -> None:
    with pytest.raises(Unsignable) as caught:
        replace(REQUEST, **change)  # type: ignore[arg-type]
    assert caught.value.reason == reason


def test_a_generation_of_eleven_digits_is_not_built() -> None:
    with pytest.raises(Unsignable, match="generation"):
        replace(REQUEST, generation=10_000_000_000)


@pytest.mark.parametrize("zone", ["nowhere", "", "\ud800", "Clinic"])
def test_nothing_is_issued_for_an_unknown_zone(signer: Signer, zone: str) -> None:
    with pytest.raises(Unsignable, match="zone"):
        signer.issue(replace(REQUEST, zone=zone), NOW)


@pytest.mark.parametrize("zone", ["clinic", "vault"])
@pytest.mark.parametrize("key", ["", "a/../b", "a\0b", "k" * 1025, "\udcff"])
def test_nothing_is_issued_for_a_key_that_no_link_may_name(
    signer: Signer, zone: str, key: str
) -> None:
    with pytest.raises(Unsignable):
        signer.issue(replace(REQUEST, zone=zone, key=key), NOW)


@pytest.mark.parametrize("now", [0, 9_999_999_999])
def test_nothing_is_issued_outside_the_ten_digits_of_time(signer: Signer, now: int) -> None:
    with pytest.raises(Unsignable, match="life"):
        signer.issue(REQUEST, now)


def test_a_link_leaves_room_for_the_longest_rendition_name(signer: Signer) -> None:
    spaces = replace(REQUEST, key=" " * 600)
    longest = signer.issue(spaces, NOW).for_rendition("x" * 64)
    fits = replace(spaces, key=spaces.key + "a" * (2048 - len(longest)))
    assert len(signer.issue(fits, NOW).for_rendition("x" * 64)) == 2048
    with pytest.raises(Unsignable, match="length"):
        signer.issue(replace(fits, key=fits.key + "a"), NOW)


def test_a_retired_key_verifies_until_it_leaves_the_ring() -> None:
    old, new = Key("k1", bytes(32)), Key("k2", bytes(range(32)))
    zones = [SignedZone("clinic")]
    link = Signer(KeyRing([old], "k1"), zones).issue(REQUEST, NOW)
    assert verify(Signer(KeyRing([old, new], "k2"), zones), link.target) == link
    with pytest.raises(LinkRefused, match="kid"):
        verify(Signer(KeyRing([new], "k2"), zones), link.target)


def test_a_zone_that_is_no_more_is_refused(signer: Signer, ring: KeyRing) -> None:
    target = signer.issue(REQUEST, NOW).target
    with pytest.raises(LinkRefused, match="zone"):
        verify(Signer(ring, [SignedZone("lab")]), target)


def test_two_zones_of_one_name_are_an_error(ring: KeyRing) -> None:
    with pytest.raises(BadZone, match="same name"):
        Signer(ring, [SignedZone("clinic"), SignedZone("clinic", window=60)])


def test_a_zone_that_seals_needs_a_seal_key() -> None:
    ring = KeyRing([Key("k1", bytes(32))], "k1")
    with pytest.raises(BadKey, match="seal key"):
        Signer(ring, [SignedZone("vault", sealed=True)])


def test_a_sealed_link_without_a_seal_key_is_refused(signer: Signer) -> None:
    link = signer.issue(replace(REQUEST, zone="vault"), NOW)
    keys = [Key("k2", bytes(range(32, 64)))]
    with pytest.raises(LinkRefused, match="seal"):
        verify(Signer(KeyRing(keys, "k2"), [SignedZone("vault")]), link.target)


def test_a_link_below_the_known_generation_is_revoked(signer: Signer) -> None:
    link = signer.issue(replace(REQUEST, generation=7), NOW)
    check_generation(link, 7)
    with pytest.raises(LinkRevoked):
        check_generation(link, 8)
    with pytest.raises(GenerationAhead):
        check_generation(link, 6)


def test_a_link_can_not_be_changed(signer: Signer) -> None:
    link = signer.issue(REQUEST, NOW)
    with pytest.raises(AttributeError):
        link.key = "other"  # type: ignore[misc]


def test_what_is_printed_of_a_link_names_no_document_and_opens_nothing(signer: Signer) -> None:
    link = signer.issue(REQUEST, NOW)
    assert repr(link) == f"<Link {link.id}>"
    assert REQUEST.key not in repr(REQUEST)
    assert REQUEST.bucket not in repr(REQUEST)


def test_no_refusal_repeats_the_request(signer: Signer) -> None:
    link = signer.issue(REQUEST, NOW)
    for bent in (link.target + "x", link.target.replace(".0.", ".1."), "/d/reports?t=documents"):
        with pytest.raises(LinkRefused) as caught:
            verify(signer, bent)
        assert str(caught.value) in {"token", "signature"}
