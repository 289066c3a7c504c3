"""The keys that callers' JWTs are verified with; each is for one algorithm, fixed by the key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Protocol, cast

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from gateway.errors import CallerRefused, ConfigurationError, Fault, KeysUnavailable

_SHARED = "HS256"


@dataclass(frozen=True, slots=True)
class Key:
    """A key and its algorithm; `kid` is "" where the key has no name."""

    algorithm: str
    material: bytes | EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey = field(repr=False)
    kid: str = ""


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable public keys of one JWK set (RFC 7517, section 5)."""

    keys: tuple[Key, ...] = ()

    @classmethod
    def read(cls, body: bytes) -> KeySet:
        """The set in a JSON body. Keys that are not for us are left out, `oct` ones among them.

        Raises `KeysUnavailable` when it is no JWK set at all.
        """
        try:
            document: object = json.loads(body)
        except (ValueError, RecursionError):
            raise KeysUnavailable("not JSON") from None
        match document:
            case {"keys": [*members]}:
                return cls(tuple(key for member in members for key in _usable(member)))
            case _:
                raise KeysUnavailable("not a JWK set")

    def knows(self, kid: str) -> bool:
        """Whether a token that names this key could be judged by the set."""
        return any(kid in ("", key.kid) for key in self.keys)

    def find(self, algorithm: str, kid: str) -> Key:
        """The key of that name if it is for that algorithm; a nameless token needs a set of one.

        Raises `CallerRefused("signature")`.
        """
        named = [key for key in self.keys if key.kid == kid] if kid else self.keys
        if len(named) != 1 or named[0].algorithm != algorithm:
            raise CallerRefused("signature")
        return named[0]


class Keys(Protocol):
    """Where keys come from."""

    async def key(self, algorithm: str, kid: str) -> Key:
        """The key for what a token's header names; the key has exactly that algorithm.

        Raises `CallerRefused("signature")` or `KeysUnavailable`.
        """
        ...

    async def aclose(self) -> None:
        """Stop what is under way."""
        ...


class NoKeys:
    """No key for anybody."""

    async def key(self, algorithm: str, kid: str) -> Key:
        raise CallerRefused("signature")

    async def aclose(self) -> None:
        """There is nothing to stop."""


class Secret:
    """A project's shared secret, for HS256 alone; it has no name, so any `kid` is taken with it.

    Raises `ConfigurationError` for a secret under 32 octets, or one that is a key of another kind.
    """

    def __init__(self, secret: str) -> None:
        algorithm = jwt.get_algorithm_by_name(_SHARED)
        try:
            material = algorithm.prepare_key(secret)
        except jwt.InvalidKeyError:
            raise _unfit("it is a public key, not a shared secret") from None
        if algorithm.check_key_length(material):
            raise _unfit("it is shorter than 32 octets")
        self._key = Key(_SHARED, material)

    async def key(self, algorithm: str, kid: str) -> Key:
        if algorithm != _SHARED:
            raise CallerRefused("signature")
        return self._key


_NO_KEYS = NoKeys()


class Keyring:
    """The configured keys: a shared secret for HS256, published ones for the rest, or none.

    With none it is `opaque`: no JWT can be judged here, and upstream decides alone.
    """

    def __init__(self, secret: str = "", published: Keys = _NO_KEYS) -> None:
        self._shared = Secret(secret) if secret else _NO_KEYS
        self._published = published
        self.opaque = self._shared is self._published

    async def key(self, algorithm: str, kid: str) -> Key:
        """As `Keys.key`."""
        keys = self._shared if algorithm == _SHARED else self._published
        return await keys.key(algorithm, kid)

    async def aclose(self) -> None:
        """Stop what is under way."""
        await self._published.aclose()


def _unfit(what: str) -> ConfigurationError:
    hint = "take the JWT secret from the project's settings, or name its jwks_url"
    return ConfigurationError([Fault("supabase.jwt_secret", what, hint)])


def _usable(member: object) -> tuple[Key, ...]:
    """The member as a key, or nothing: other kinds, uses and algorithms, private or weak ones."""
    if not isinstance(member, dict):
        return ()
    jwk = cast(dict[str, object], member)
    match jwk:
        case {"d": _}:  # a private key that anybody can read proves nothing
            return ()
        case {"kty": "EC", "crv": "P-256"}:
            return _built(jwk, "ES256", {"ES256"})
        case {"kty": "RSA"}:
            return _built(jwk, "RS256", {"RS256"})
        case {"kty": "OKP", "crv": "Ed25519"}:
            return _built(jwk, "EdDSA", {"EdDSA", "Ed25519"})
        case _:
            return ()


def _built(jwk: dict[str, object], algorithm: str, names: set[str]) -> tuple[Key, ...]:
    kid, operations = jwk.get("kid", ""), jwk.get("key_ops", ["verify"])
    if not isinstance(kid, str) or not isinstance(operations, list) or "verify" not in operations:
        return ()
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) not in [*names]:
        return ()
    try:
        found = jwt.PyJWK(jwk, algorithm)
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError):
        return ()
    if found.Algorithm.check_key_length(found.key):
        return ()
    return (Key(algorithm, found.key, kid),)
