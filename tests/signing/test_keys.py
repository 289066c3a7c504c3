"""Keys: what may sign, and that no derived key does another's work."""

from __future__ import annotations

import hashlib
import hmac
from itertools import combinations, product

import pytest

from signing.errors import BadKey
from signing.keys import Key, KeyRing, Purpose

SECRET = bytes(range(32))
PURPOSES: tuple[Purpose, ...] = ("read", "upload", "admin", "aud", "folder")


@pytest.mark.parametrize("kid", ["", "K1", "k23456789", "k-1", "k1\n", "é"])
def test_a_key_name_that_breaks_the_grammar_is_refused(kid: str) -> None:
    with pytest.raises(BadKey, match="name"):
        Key(kid, SECRET)


def test_a_short_secret_is_refused_and_not_shown() -> None:
    with pytest.raises(BadKey, match="shorter than 32") as caught:
        Key("k1", b"short-but-secret")
    assert "secret-" not in str(caught.value)
    assert "short-but" not in repr(caught.value)


def test_a_key_never_shows_its_secret() -> None:
    assert repr(Key("k1", SECRET)) == "Key(kid='k1')"


def test_two_keys_of_one_name_are_refused() -> None:
    with pytest.raises(BadKey, match="same name"):
        KeyRing([Key("k1", SECRET), Key("k1", SECRET[::-1])], "k1")


@pytest.mark.parametrize("keys", [[], [Key("k2", SECRET)]])
def test_the_active_key_must_be_in_the_ring(keys: list[Key]) -> None:
    with pytest.raises(BadKey, match="active"):
        KeyRing(keys, "k1")


def test_a_short_seal_key_is_refused() -> None:
    with pytest.raises(BadKey, match="seal key"):
        KeyRing([Key("k1", SECRET)], "k1", b"x" * 31)


def test_an_edge_key_is_the_hex_text_of_the_grammar() -> None:
    ring = KeyRing([Key("k1", SECRET)], "k1")
    for purpose, zone in product(PURPOSES, ("clinic", "lab")):
        salt = f"ostiary:{purpose}:{zone}".encode()
        expected = hmac.new(SECRET, salt, hashlib.sha256).hexdigest().encode()
        assert ring.edge_key("k1", purpose, zone) == expected


def test_a_signature_for_one_purpose_and_zone_is_none_for_another() -> None:
    ring = KeyRing([Key("k1", SECRET), Key("k2", SECRET[::-1])], "k1")
    uses = list(product(ring, PURPOSES, ("clinic", "lab")))
    signers = [ring.signer(*use) for use in uses]
    for one, other in combinations(signers, 2):
        assert not other.verify_signature("text", one.get_signature("text"))


def test_an_unknown_key_derives_nothing() -> None:
    with pytest.raises(BadKey, match="no key"):
        KeyRing([Key("k1", SECRET)], "k1").edge_key("k2", "read", "clinic")


def test_the_sealing_key_is_sixty_four_raw_octets_of_its_zone() -> None:
    ring = KeyRing([Key("k1", SECRET)], "k1", seal_key=b"s" * 64)
    expected = hmac.new(b"s" * 64, b"ostiary:seal:clinic", hashlib.sha512).digest()
    assert ring.seals
    assert ring.sealing_key("clinic") == expected
    assert ring.sealing_key("lab") != expected


def test_without_a_seal_key_nothing_is_derived() -> None:
    ring = KeyRing([Key("k1", SECRET)], "k1")
    assert not ring.seals
    with pytest.raises(BadKey, match="seal key"):
        ring.sealing_key("clinic")
