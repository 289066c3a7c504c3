"""Badges: what says who a viewer is can not be made, changed, kept or used for anything else."""

from __future__ import annotations

import hmac
from dataclasses import replace
from hashlib import sha256
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.badges import Badge, Badges, Kind
from signing.errors import BadgeRefused, Unsignable
from signing.keys import Key, KeyRing

NOW = 1_800_000_000
ID = "A1-_" * 4
BADGE = Badge(ID, "7c9e6679-7425", NOW + 60, "Änna Meier", ("clinic", "lab"))

names = st.text(st.characters(codec="utf-8", categories=("L", "N", "P"), include_characters=" "))
badges = st.builds(
    Badge,
    st.just(ID),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=255),
    st.integers(NOW + 1, 9_999_999_999),
    names.map(lambda name: name[:100]),
    st.lists(st.sampled_from(["clinic", "lab", "z" * 32, "0-"]), max_size=4).map(tuple),
    st.integers(0, 12),
)


@pytest.fixture
def maker(ring: KeyRing) -> Badges:
    return Badges(ring)


@given(badge=badges, kind=st.sampled_from(["claim", "cookie"]))
def test_what_is_issued_is_read(ring: KeyRing, badge: Badge, kind: Kind) -> None:
    maker = Badges(ring)
    assert maker.read(kind, maker.issue(kind, badge), NOW) == badge


@given(badge=badges)
def test_a_badge_is_what_the_plain_implementation_makes(
    ring: KeyRing, plain: ModuleType, badge: Badge
) -> None:
    returns = f"\n{badge.returns}" if badge.returns else ""
    body = ".".join(
        (
            *("1", "k2", str(badge.expires_at), badge.id, "~".join(badge.zones) or "-"),
            plain.base64url(f"{badge.viewer}{returns}".encode()),
            plain.base64url(badge.name.encode()),
        )
    )
    key = hmac.new(bytes(range(32, 64)), b"ostiary:viewer:", sha256).hexdigest().encode()
    signature = plain.signature(key, f"claim:{body}")
    assert Badges(ring).issue("claim", badge) == f"{body}.{signature}"


@given(data=st.data())
def test_any_change_is_refused(ring: KeyRing, data: st.DataObject) -> None:
    maker = Badges(ring)
    text = maker.issue("cookie", BADGE)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 3)))
    changed = text[:start] + data.draw(st.text(max_size=3)) + text[end:]
    if changed != text:
        with pytest.raises(BadgeRefused):
            maker.read("cookie", changed, NOW)


def refused(maker: Badges, kind: Kind, text: str, now: int = NOW, **more: object) -> str:
    with pytest.raises(BadgeRefused) as caught:
        maker.read(kind, text, now, **more)  # type: ignore[arg-type]
    return caught.value.reason


def test_a_claim_is_no_cookie_and_a_cookie_no_claim(maker: Badges) -> None:
    assert refused(maker, "cookie", maker.issue("claim", BADGE)) == "signature"
    assert refused(maker, "claim", maker.issue("cookie", BADGE)) == "signature"


def test_a_badge_dies_at_its_end_and_not_before(maker: Badges) -> None:
    text = maker.issue("claim", BADGE)
    assert maker.read("claim", text, NOW + 59) == BADGE
    assert refused(maker, "claim", text, NOW + 60) == "expired"


def test_a_badge_of_another_or_a_revoked_key_is_refused(maker: Badges) -> None:
    text = maker.issue("claim", BADGE)
    other = Badges(KeyRing([Key("k2", bytes(32))], "k2"))
    stranger = Badges(KeyRing([Key("k3", bytes(32))], "k3"))
    assert refused(other, "claim", text) == "signature"
    assert refused(stranger, "claim", text) == "kid"
    assert refused(maker, "claim", text, revoked={"k2"}) == "kid"
    assert maker.read("claim", text, NOW, revoked={"k1"}) == BADGE


@pytest.mark.parametrize("text", ["", ".", "1.k2", "x" * 3_000, "1" * 2_048])
def test_what_has_another_form_is_refused(maker: Badges, text: str) -> None:
    assert refused(maker, "cookie", text) == "form"


def test_a_link_s_signature_is_no_badge_s(ring: KeyRing, maker: Badges) -> None:
    text = maker.issue("cookie", BADGE)
    body = text.rpartition(".")[0]
    for purpose, zone in (("read", ""), ("aud", ""), ("admin", ""), ("viewer", "clinic")):
        signer = ring.signer("k2", purpose, zone)  # type: ignore[arg-type]
        forged = signer.get_signature(f"cookie:{body}").decode()
        assert refused(maker, "cookie", f"{body}.{forged}") == "signature"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"viewer": ""}, "audience"),
        ({"viewer": "änna"}, "audience"),
        ({"viewer": "anna\n1"}, "audience"),
        ({"returns": -1}, "returns"),
        ({"id": "A" * 15}, "id"),
        ({"id": "A" * 15 + "."}, "id"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"zones": ("clinic", "")}, "zone"),
        ({"zones": ("Clinic",)}, "zone"),
        ({"zones": ("a~b",)}, "zone"),
        ({"expires_at": 10**10}, "life"),
        ({"expires_at": 999}, "life"),
    ],
)
def test_what_no_badge_can_say_is_not_built(change: dict[str, object], reason: str) -> None:
    with pytest.raises(Unsignable, match=reason):
        replace(BADGE, **change)  # type: ignore[arg-type]


def test_a_badge_that_is_too_long_is_not_issued(maker: Badges) -> None:
    with pytest.raises(Unsignable, match="length"):
        maker.issue("claim", replace(BADGE, zones=("z" * 32,) * 60))


def test_a_badge_is_for_its_zones_or_for_all(maker: Badges) -> None:
    assert BADGE.covers("lab")
    assert not BADGE.covers("vault")
    assert replace(BADGE, zones=()).covers("vault")


def test_a_badge_does_not_print_who_it_is(maker: Badges) -> None:
    assert "7c9e6679" not in repr(BADGE)
    assert "Meier" not in repr(BADGE)
