from __future__ import annotations

import asyncio
import json
import string
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from gateway.errors import CallerRefused, ConfigurationError, KeysUnavailable
from gateway.supabase.keys import Key, Keyring, KeySet, Secret

SECRET = "a-secret-of-the-project-with-at-least-32-characters"
Jwk = Callable[..., dict[str, object]]


def key_set(*members: object) -> KeySet:
    return KeySet.read(json.dumps({"keys": members}).encode())


def found(keyring: Keyring, algorithm: str, kid: str = "") -> Key:
    return asyncio.run(keyring.key(algorithm, kid))


def test_every_kind_of_key_is_for_one_algorithm(
    jwk: Jwk,
    ec_key: ec.EllipticCurvePrivateKey,
    rsa_key: rsa.RSAPrivateKey,
    ed_key: ed25519.Ed25519PrivateKey,
) -> None:
    keys = key_set(jwk(ec_key, "e"), jwk(rsa_key, "r"), jwk(ed_key, "d"))
    assert [(key.kid, key.algorithm) for key in keys.keys] == [
        ("e", "ES256"),
        ("r", "RS256"),
        ("d", "EdDSA"),
    ]
    assert keys.find("RS256", "r").material == rsa_key.public_key()
    for algorithm, kid in [("RS256", "e"), ("HS256", "r"), ("PS256", "r"), ("ES256", "d")]:
        with pytest.raises(CallerRefused, match="signature"):
            keys.find(algorithm, kid)


@pytest.mark.parametrize(
    "members",
    [
        {"use": "sig", "alg": "ES256", "key_ops": ["verify"]},
        {"use": "sig", "ext": True, "x5u": "http://127.0.0.1:1/"},
    ],
)
def test_a_key_that_says_what_it_is_for_is_taken(
    jwk: Jwk, ec_key: ec.EllipticCurvePrivateKey, members: dict[str, object]
) -> None:
    assert key_set(jwk(ec_key, "e", **members)).find("ES256", "e").kid == "e"


@pytest.mark.parametrize(
    "members",
    [
        {"use": "enc"},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"alg": ["ES256"]},
        {"crv": "P-384"},
        {"crv": ["P-256"]},
        {"kty": "RSA"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": None},
        {"kid": 7},
        {"x": "AAAA"},
        {"x": 1},
        {"y": "!"},
        {"d": "c2VjcmV0"},
    ],
)
def test_a_key_that_is_not_ours_to_use_is_left_out(
    jwk: Jwk, ec_key: ec.EllipticCurvePrivateKey, members: dict[str, object]
) -> None:
    assert key_set({**jwk(ec_key, "e"), **members}) == KeySet()


def test_a_private_key_that_is_published_proves_nothing(
    ec_key: ec.EllipticCurvePrivateKey, rsa_key: rsa.RSAPrivateKey
) -> None:
    members = [ECAlgorithm.to_jwk(ec_key, as_dict=True), RSAAlgorithm.to_jwk(rsa_key, as_dict=True)]
    for member in members:
        member.pop("key_ops", None)
    assert key_set(*members) == KeySet()


def test_a_shared_secret_in_a_published_set_is_no_key() -> None:
    keys = key_set({"kty": "oct", "k": "A" * 43, "alg": "HS256", "kid": "s"})
    assert not keys.knows("s")


def test_a_weak_rsa_key_is_left_out(jwk: Jwk) -> None:
    assert key_set(jwk(rsa.generate_private_key(65537, 1024), "w")) == KeySet()


def test_the_newer_name_of_eddsa_is_known(jwk: Jwk, ed_key: ed25519.Ed25519PrivateKey) -> None:
    assert key_set(jwk(ed_key, "d", alg="Ed25519")).find("EdDSA", "d")


def test_a_nameless_token_needs_a_set_of_one(
    jwk: Jwk, ec_key: ec.EllipticCurvePrivateKey, rsa_key: rsa.RSAPrivateKey
) -> None:
    assert key_set(jwk(ec_key, "e")).find("ES256", "").kid == "e"
    several = key_set(jwk(ec_key, "e"), jwk(rsa_key, "r"))
    assert several.knows("")
    with pytest.raises(CallerRefused):
        several.find("ES256", "")


def test_a_name_that_two_keys_bear_is_nobodys(
    jwk: Jwk, ec_key: ec.EllipticCurvePrivateKey, rsa_key: rsa.RSAPrivateKey
) -> None:
    twins = key_set(jwk(ec_key, "same"), jwk(rsa_key, "same"))
    assert twins.knows("same")
    with pytest.raises(CallerRefused):
        twins.find("ES256", "same")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'{"keys":{}}', b"{}", b"\xff", b"[" * 60_000]
)
def test_what_is_no_key_set_is_not_read_as_an_empty_one(body: bytes) -> None:
    with pytest.raises(KeysUnavailable):
        KeySet.read(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(string.printable, max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
MEMBER = st.fixed_dictionaries(
    {"kty": st.sampled_from(["EC", "RSA", "OKP", "oct"]) | JSON},
    optional={
        "crv": st.sampled_from(["P-256", "Ed25519", "P-521"]) | JSON,
        **{
            name: st.text(string.ascii_letters + "-_", max_size=44) | JSON
            for name in ("x", "y", "n", "e", "k", "kid", "alg", "use", "key_ops")
        },
    },
)


@given(st.lists(MEMBER | JSON, max_size=3))
def test_no_member_of_a_set_can_break_it(members: list[object]) -> None:
    assert all(key.algorithm != "HS256" for key in key_set(*members).keys)


def test_the_secret_is_for_hs256_alone_under_any_name() -> None:
    keyring = Keyring(SECRET)
    assert found(keyring, "HS256", "any").material == SECRET.encode()
    for algorithm in ("HS384", "HS512", "RS256", "ES256", "none", ""):
        with pytest.raises(CallerRefused, match="signature"):
            found(keyring, algorithm)
        with pytest.raises(CallerRefused, match="signature"):
            asyncio.run(Secret(SECRET).key(algorithm, ""))


class Told:
    """Keys that give one key and note what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def key(self, algorithm: str, kid: str) -> Key:
        self.asked.append((algorithm, kid))
        return Key(algorithm, b"", kid)


def test_published_keys_are_never_asked_for_a_shared_secret() -> None:
    told = Told()
    with pytest.raises(CallerRefused):
        found(Keyring(published=told), "HS256", "r")
    assert found(Keyring(SECRET, told), "HS256", "r").material == SECRET.encode()
    assert found(Keyring(SECRET, told), "ES256", "e").kid == "e"
    assert told.asked == [("ES256", "e")]


def test_only_a_ring_without_keys_is_opaque() -> None:
    assert Keyring().opaque
    assert not Keyring(SECRET).opaque
    assert not Keyring(published=Told()).opaque
    with pytest.raises(CallerRefused):
        found(Keyring(), "ES256", "e")


def test_a_secret_that_anybody_could_guess_or_read_is_refused(rsa_key: rsa.RSAPrivateKey) -> None:
    pem = rsa_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in ("x" * 31, pem.decode()):
        with pytest.raises(ConfigurationError) as caught:
            Keyring(secret)
        assert secret not in str(caught.value)
        assert caught.value.faults[0].where == "supabase.jwt_secret"


def test_no_key_shows_its_material() -> None:
    assert SECRET not in repr(found(Keyring(SECRET), "HS256"))
