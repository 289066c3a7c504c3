"""Operators: who may call the API and the admin routes, known by the hash of their token."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest

from gateway.errors import NotAuthorised
from gateway.settings import SCOPES, Admin

NEEDED = "An operator's token is needed: Authorization: Bearer <token>."


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody with a token; no `zones` means all of them."""

    id: str
    scopes: frozenset[str]
    zones: frozenset[str] = frozenset()

    def need_scope(self, scope: str) -> None:
        """Raises `NotAuthorised` (403) without the scope, whatever the zones.

        For a call whose parts name their zones; each part still needs its own.
        """
        if scope not in self.scopes:
            raise NotAuthorised(f"This token has no scope {scope}.", known=True)

    def need(self, scope: str, zone: str | None = None) -> None:
        """Raises `NotAuthorised` (403) when the token does not reach that far.

        Without a zone the call is about all of them, which a token bound to zones does not reach.
        """
        self.need_scope(scope)
        if self.zones and zone not in self.zones:
            raise NotAuthorised("This token does not reach that zone.", known=True)


class Authenticator:
    """Knows the operators of the settings."""

    def __init__(self, admin: Admin) -> None:
        tokens = [_digest(token.get_secret_value()) for token in admin.tokens]
        self._operators = [
            *((digest, Operator(f"token-{digest.hex()[:6]}", SCOPES)) for digest in tokens),
            *(
                (
                    _digest(token.hash.get_secret_value()),
                    Operator(token.id, frozenset(token.scopes), frozenset(token.zones)),
                )
                for token in admin.token
            ),
        ]

    def operator(self, authorization: bytes | str | None) -> Operator:
        """Whose token an Authorization field holds (RFC 6750, section 2.1).

        Raises `NotAuthorised` (401). Every hash is compared, each in constant time, so that the
        time tells neither which token is nearest nor how many there are before it.
        """
        operator = self.known(authorization)
        if operator is None:
            raise NotAuthorised(NEEDED)
        return operator

    def known(self, authorization: bytes | str | None) -> Operator | None:
        """As `operator`; None for a token that is nobody's here, or no token."""
        digest = sha256(_token(authorization)).digest()
        found = [operator for known, operator in self._operators if compare_digest(known, digest)]
        return found[0] if found else None


def _digest(configured: str) -> bytes:
    return bytes.fromhex(configured.removeprefix("sha256:"))


def _token(authorization: bytes | str | None) -> bytes:
    """The token of a Bearer field, or none; the scheme's case is free (RFC 9110, section 11.1)."""
    field = authorization or b""
    if isinstance(field, str):
        field = field.encode(errors="surrogateescape")
    scheme, _, token = field.strip().partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""
