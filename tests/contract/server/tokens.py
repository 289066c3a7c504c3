"""JWTs of users and of signed URLs: minting, and verifying with the real server's complaints."""

from __future__ import annotations

import base64
import hmac
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.contract.server.answers import dumped

SECRET = "the secret of a storage server that nobody runs, 64 octets long."
FAR = 2_110_743_207
_REMEMBERED = 1000
_UNCHECKED = dict.fromkeys(
    ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub"), False
)
_GENERATE: Mapping[str, Callable[[], Any]] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


def _coded(octets: bytes) -> bytes:
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


_URL_HEADER = _coded(b'{"alg":"HS256"}')


class BadToken(Exception):
    """A token that is not accepted, and why."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks; without a valid token nobody, who is `anon` and not authenticated."""

    role: str = "anon"
    authenticated: bool = False
    claims: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        return str(self.claims.get("sub", ""))


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A key pair whose public half stands in the JWKS."""

    kid: str
    algorithm: str
    private: Any

    def jwk(self) -> dict[str, Any]:
        made = jwt.get_algorithm_by_name(self.algorithm).to_jwk(
            self.private.public_key(), as_dict=True
        )
        return {**made, "kid": self.kid, "alg": self.algorithm, "use": "sig"}


class Keys:
    """The HS256 secret, and any published keys."""

    def __init__(self, secret: str = SECRET, clock: Callable[[], float] = time.time) -> None:
        self.secret = secret
        self._clock = clock
        self._signed: dict[str, dict[str, Any]] = {}
        self.published: dict[str, PublishedKey] = {}

    def publish(self, algorithm: str = "ES256") -> str:
        """Make a key pair for ES256, RS256 or EdDSA; returns its kid."""
        kid = str(uuid.uuid4())
        self.published[kid] = PublishedKey(kid, algorithm, _GENERATE[algorithm]())
        return kid

    def withdraw(self, kid: str) -> None:
        """Take a key out of the JWKS, and its tokens with it."""
        del self.published[kid]
        self._signed.clear()

    def jwks(self) -> dict[str, Any]:
        return {"keys": [key.jwk() for key in self.published.values()]}

    def user_token(self, claims: Mapping[str, Any], kid: str = "") -> str:
        """A token of the auth server: HS256, or by a published key."""
        if not kid:
            return jwt.encode(dict(claims), self.secret, algorithm="HS256")
        key = self.published[kid]
        return jwt.encode(dict(claims), key.private, algorithm=key.algorithm, headers={"kid": kid})

    def url_token(self, claims: Mapping[str, Any], life: int) -> str:
        """The token of a signed URL; its times are whole seconds.

        Made by hand: a hundred of them are one answer, and PyJWT looks at the key each time.
        """
        now = int(self._clock())
        text = b".".join((_URL_HEADER, _coded(dumped({**claims, "iat": now, "exp": now + life}))))
        mac = hmac.digest(self.secret.encode(), text, "sha256")
        return b".".join((text, _coded(mac))).decode()

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a valid token."""
        if token not in self._signed:
            if len(self._signed) >= _REMEMBERED:
                self._signed.clear()
            self._signed[token] = self._decoded(token)
        claims = self._signed[token]
        now = self._clock()
        if claims.get("exp", FAR) <= now:
            raise BadToken('"exp" claim timestamp check failed')
        if claims.get("nbf", 0) > now:
            raise BadToken('"nbf" claim timestamp check failed')
        return claims

    def _decoded(self, token: str) -> dict[str, Any]:
        header = _header(token)
        try:
            return jwt.decode(
                token, self._key(header), algorithms=[header["alg"]], options=_UNCHECKED
            )
        except jwt.InvalidTokenError:
            raise BadToken("signature verification failed") from None

    def caller(self, authorization: str) -> Caller:
        """Who sends this Authorization field; `BadToken` when it proves nobody."""
        claims = self.verify(authorization.partition(" ")[2].strip())
        return Caller(str(claims.get("role", "anon")), True, claims)

    def _key(self, header: Mapping[str, Any]) -> Any:
        if header["alg"] == "HS256":
            return self.secret
        key = self.published.get(str(header.get("kid", "")))
        if key is None or key.algorithm != header["alg"]:
            raise BadToken('"alg" (Algorithm) Header Parameter value not allowed')
        return key.private.public_key()


def _header(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        raise BadToken("Invalid Compact JWS")
    try:
        header = json.loads(base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except ValueError:
        raise BadToken("JWS Protected Header is invalid") from None
    if not isinstance(header, dict) or not isinstance(header.get("alg"), str):
        raise BadToken("JWS Protected Header is invalid")
    return header
