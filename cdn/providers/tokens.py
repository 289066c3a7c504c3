"""Access tokens for Google's APIs, given to a service account for its signed word (RFC 7523)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import jwt

from cdn.errors import ProviderMisconfigured
from cdn.providers.calls import Api, read

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE = 3_600
# Before its end a token is not used any more: clocks and queues differ.
_MARGIN = 60


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    until: float


class AccessTokens:
    """The tokens of one service account; one is kept until shortly before it ends.

    Raises ProviderMisconfigured for a private key that can not sign.
    """

    def __init__(
        self, name: str, account: str, client: httpx.AsyncClient, clock: Callable[[], float]
    ) -> None:
        told = json.loads(account)
        self._email, self._key = told["client_email"], told["private_key"]
        self._kid = {"kid": told["private_key_id"]} if "private_key_id" in told else {}
        self._api = Api(name, client, httpx.URL(told["token_uri"]), ())
        self._clock = clock
        self._token = _Token("", 0.0)
        try:
            self._word(0)
        except (ValueError, TypeError, jwt.PyJWTError):
            raise ProviderMisconfigured(
                f"secret of {name} holds no private key that can sign",
                hint="the JSON file that Google gives, whole",
            ) from None

    async def token(self) -> str:
        """A token that is good for a minute at least; raises PurgeRefused."""
        now = self._clock()
        if now >= self._token.until:
            self._token = await self._new(now)
        return self._token.text

    async def _new(self, now: float) -> _Token:
        form = httpx.QueryParams({"grant_type": _GRANT, "assertion": self._word(int(now))})
        kind = [("Content-Type", "application/x-www-form-urlencoded")]
        answer = await self._api.send("POST", self._api.origin, str(form).encode(), kind)
        told = read(answer)
        token, life = told.get("access_token"), told.get("expires_in")
        if not isinstance(token, str) or not isinstance(life, int):
            raise self._api.unreadable(answer)
        return _Token(token, now + life - _MARGIN)

    def _word(self, now: int) -> str:
        claims = {
            "iss": self._email,
            "scope": _SCOPE,
            "aud": str(self._api.origin),
            "iat": now,
            "exp": now + _LIFE,
        }
        return jwt.encode(claims, self._key, "RS256", headers=self._kid)
