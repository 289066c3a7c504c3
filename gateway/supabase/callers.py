"""Who calls: the two credentials of a request to Supabase, and whom they prove."""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256

from gateway.errors import CallerRefused
from gateway.supabase import tokens
from gateway.supabase.keys import Keyring
from gateway.supabase.tokens import Claims

LONGEST = 8192
REMEMBERED_FOR = 60.0
_VISIBLE = re.compile(rb"(?:[!-~](?:[ -~]*[!-~])?)?")
_API_KEYS = ("sb_publishable_", "sb_secret_")


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls with credentials, kept as the field values came; b"" is an absent one.

    `expires_at`, in seconds of the epoch, may only ever shorten what is remembered of the caller.
    Only a `verified` caller is who it says. Of any other, `subject` and `role` are what a token
    says of itself: use them to name the caller and to refuse one whose access was taken back, and
    only after upstream accepted the credentials. `email` is for people to read. Raises
    `CallerRefused("malformed")` for what can not be sent on, or is over 8 KiB.
    """

    authorization: bytes = field(default=b"", repr=False)
    apikey: bytes = field(default=b"", repr=False)
    subject: str = ""
    role: str = ""
    expires_at: float = math.inf
    verified: bool = False
    email: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for value in (self.authorization, self.apikey):
            if len(value) > LONGEST or _VISIBLE.fullmatch(value) is None:
                raise CallerRefused("malformed")

    @property
    def digest(self) -> bytes:
        """What stands for the credentials: neither can hold the NUL between them."""
        return sha256(self.authorization + b"\0" + self.apikey).digest()

    @property
    def actor(self) -> str:
        """Its name for the ledger and the log: `viewer:<sub>`, `anon` or `key-<6 hex digits>`."""
        if self.subject:
            return f"viewer:{self.subject}"
        if not self.authorization or self.role == "anon":
            return "anon"
        return f"key-{sha256(self.authorization).hexdigest()[:6]}"

    def fields(self) -> list[tuple[str, str]]:
        """The credential fields for upstream, unchanged; an absent one is left out."""
        both = (("authorization", self.authorization), ("apikey", self.apikey))
        return [(name, value.decode("ascii")) for name, value in both if value]


class Callers:
    """Knows callers by their credentials; whether they may do anything is upstream's to say.

    A verified caller is remembered for up to a minute, and never past its `exp`: a key that is
    gone from `keys` stops being good within a minute of that. `issuer` and `audience` are required
    of every JWT unless empty. `clock` gives seconds of the epoch; `room` is how many callers are
    remembered, the last used first.
    """

    def __init__(
        self,
        keys: Keyring,
        *,
        clock: Callable[[], float],
        issuer: str = "",
        audience: str = "",
        room: int = 4096,
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        self._room = room
        self._known: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    @property
    def judges(self) -> bool:
        """Whether there are keys here that a JWT can be verified with."""
        return not self._keys.opaque

    async def caller(self, authorization: bytes, apikey: bytes) -> Caller:
        """Who sends these values of Authorization and apikey; b"" where the field is absent.

        A JWT must verify where keys are configured. What is not ours to judge passes unverified:
        no token, Supabase's own API keys, and a token that is the apikey as well (clients without
        a session send their key twice). Raises `CallerRefused` or `KeysUnavailable`.
        """
        bare = Caller(authorization, apikey)
        token = tokens.bearer(authorization)
        if not token or token.startswith(_API_KEYS):
            return bare
        # The key twice is read all the same: a user may send a token twice, too.
        if self._keys.opaque or token.encode() == apikey:
            return _named(bare, tokens.unproved(token), verified=False)
        return self._remembered(bare.digest) or await self._verified(bare, token)

    async def aclose(self) -> None:
        """Stop reading keys."""
        await self._keys.aclose()

    async def _verified(self, bare: Caller, token: str) -> Caller:
        key = await self._keys.key(*tokens.header(token))
        claims = tokens.proved(token, key, self._issuer, self._audience)
        now = self._clock()
        claims.check(now)
        caller = _named(bare, claims, verified=True)
        self._known[caller.digest] = (min(claims.expires_at, now + REMEMBERED_FOR), caller)
        if len(self._known) > self._room:
            self._known.popitem(last=False)
        return caller

    def _remembered(self, digest: bytes) -> Caller | None:
        until, caller = self._known.get(digest, (-math.inf, None))
        if until <= self._clock():
            self._known.pop(digest, None)
            return None
        self._known.move_to_end(digest)
        return caller


def _named(bare: Caller, claims: Claims, *, verified: bool) -> Caller:
    return replace(
        bare,
        subject=claims.subject,
        role=claims.role,
        expires_at=claims.expires_at,
        verified=verified,
        email=claims.email,
    )
