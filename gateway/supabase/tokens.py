"""A caller's bearer token: its grammar, its header, and its claims with and without a proof."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import jwt
from jwt.types import Options

from gateway.errors import CallerRefused
from gateway.supabase.keys import Key

_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)")
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LONGEST_NAME = 255
_LATEST = 2**53


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says of its holder; times are seconds of the epoch, half-open at the end.

    `email` may be shown to people, and decides nothing.
    """

    subject: str = ""
    role: str = ""
    expires_at: float = math.inf
    not_before: float = -math.inf
    email: str = ""

    @classmethod
    def of(cls, payload: Mapping[str, object]) -> Claims:
        """Raises `CallerRefused("claims")` where one is not of its type (RFC 7519, section 4.1)."""
        return cls(
            _name(payload.get("sub", "")),
            _name(payload.get("role", "")),
            _time(payload["exp"]) if "exp" in payload else math.inf,
            _time(payload["nbf"]) if "nbf" in payload else -math.inf,
            _shown(payload.get("email")),
        )

    def check(self, now: float) -> None:
        """Raises `CallerRefused` outside the token's time. No leeway: upstream gives none."""
        if self.expires_at <= now:
            raise CallerRefused("expired")
        if self.not_before > now:
            raise CallerRefused("not-yet")


def bearer(authorization: bytes) -> str:
    """The token of an Authorization field (RFC 6750, section 2.1); "" where there is no field.

    Raises `CallerRefused("malformed")` for another scheme or what no token may hold.
    """
    if not authorization:
        return ""
    match = _BEARER.fullmatch(authorization)
    if match is None:
        raise CallerRefused("malformed")
    return match[1].decode("ascii")


def header(token: str) -> tuple[str, str]:
    """The algorithm and the key id that a JWT names; "" where it names none.

    Nothing else of the header is used: a key that comes inside (`jwk`, `x5c`) or an address of one
    (`jku`, `x5u`) is never looked at. Raises `CallerRefused("malformed")`, for any `crit` too.
    """
    try:
        fields = jwt.get_unverified_header(_compact(token))
    except jwt.PyJWTError:
        raise CallerRefused("malformed") from None
    algorithm, kid = fields.get("alg"), fields.get("kid", "")
    if not isinstance(algorithm, str) or not isinstance(kid, str) or "crit" in fields:
        raise CallerRefused("malformed")
    return algorithm, kid


def proved(token: str, key: Key, issuer: str, audience: str) -> Claims:
    """The claims of a token that `key` signed; the time is not looked at (`Claims.check`).

    The key names the one algorithm, whatever the header says. `exp` must be there; an issuer or
    audience that is configured must be too. Raises `CallerRefused`.
    """
    try:
        payload = jwt.decode(
            token,
            key.material,
            algorithms=[key.algorithm],
            options=_options(issuer, audience),
            issuer=issuer or None,
            audience=audience or None,
        )
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError, jwt.InvalidKeyError):
        raise CallerRefused("signature") from None
    except (jwt.MissingRequiredClaimError, jwt.InvalidIssuerError, jwt.InvalidAudienceError):
        raise CallerRefused("claims") from None
    except jwt.PyJWTError:
        raise CallerRefused("malformed") from None
    return Claims.of(cast(dict[str, object], payload))


def unproved(token: str) -> Claims:
    """What a token says that nobody here has verified; no claims of one that is no JWT.

    A JWT that can not be read is refused rather than let through nameless: upstream might read
    it, and a viewer whose access was taken back would pass. Raises `CallerRefused`.
    """
    if token.count(".") != 2:
        return Claims()
    try:
        payload = jwt.decode(_compact(token), options={"verify_signature": False})
    except jwt.PyJWTError:
        raise CallerRefused("malformed") from None
    return Claims.of(cast(dict[str, object], payload))


def _compact(token: str) -> str:
    """PyJWT takes padding at a part's end, so that one token would have several texts."""
    if _COMPACT.fullmatch(token) is None:
        raise CallerRefused("malformed")
    return token


def _options(issuer: str, audience: str) -> Options:
    """PyJWT has no clock to hand in, and refuses an `iat` ahead of ours, which upstream takes."""
    return {
        "require": ["exp"],
        "verify_signature": True,
        "verify_exp": False,
        "verify_nbf": False,
        "verify_iat": False,
        # Left on, it refuses every token with an audience where none is configured.
        "verify_aud": bool(audience),
        "verify_iss": bool(issuer),
        "verify_sub": False,
        "verify_jti": False,
        "enforce_minimum_key_length": True,
    }


def _name(value: object) -> str:
    """A name that can be written down: no control characters, no lone surrogates."""
    if not isinstance(value, str) or len(value) > _LONGEST_NAME or not value.isprintable():
        raise CallerRefused("claims")
    return value


def _shown(value: object) -> str:
    """A name that is nothing but shown: one that can not be is left out."""
    if isinstance(value, str) and len(value) <= _LONGEST_NAME and value.isprintable():
        return value
    return ""


def _time(value: object) -> float:
    """A NumericDate (RFC 7519, section 2). JSON here also reads NaN, Infinity and huge integers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < _LATEST:
        raise CallerRefused("claims")
    return float(value)
