"""Proofs: who looks at a link that is bound to a viewer, by what comes beside it in a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from gateway.companions.cookies import Cookie
from gateway.errors import CallerRefused
from gateway.state.revocations import Revocations
from gateway.supabase.callers import Caller
from imaging.marking.viewers import NOBODY, Viewer
from signing.badges import Badge, Badges
from signing.errors import BadgeRefused
from signing.links import Link, Signer

__all__ = ["COOKIE", "NOBODY", "Callers", "Proofs", "Viewer", "named"]

COOKIE: Final = Cookie("__Secure-ostiary-aud", "/d/")
_BEARER: Final = b"bearer "


class Callers(Protocol):
    """Reads the tokens of users; without keys it judges none."""

    @property
    def judges(self) -> bool: ...

    async def caller(self, authorization: bytes, apikey: bytes) -> Caller: ...


class Proofs:
    """Finds the viewer of a bound link: by a user's token, else by the cookie.

    A Bearer token decides alone where tokens are read here: what a page sends on purpose goes
    before what its browser adds, and one that fails is not made up for by a cookie.
    """

    def __init__(
        self, signer: Signer, badges: Badges, callers: Callers, revocations: Revocations
    ) -> None:
        self._signer = signer
        self._revocations = revocations
        self._badges = badges
        self._callers = callers

    async def viewer(self, link: Link, fields: Mapping[bytes, bytes], now: float) -> Viewer:
        """The viewer whom the link is bound to, when they ask; else `NOBODY`.

        Whether their access was taken back is still to be asked. Raises `KeysUnavailable`.
        """
        authorization = fields.get(b"authorization", b"")
        if self._callers.judges and authorization[: len(_BEARER)].lower() == _BEARER:
            return await self._by_token(link, authorization)
        return self._by_cookie(link, fields.get(b"cookie", b""), int(now))

    async def _by_token(self, link: Link, authorization: bytes) -> Viewer:
        try:
            caller = await self._callers.caller(authorization, b"")
        except CallerRefused:
            return NOBODY
        if caller.verified and self._binds(link, caller.subject):
            return named(caller.subject, caller.email)
        return NOBODY

    def _by_cookie(self, link: Link, sent: bytes, now: int) -> Viewer:
        """Any of several will do: another one that somebody slipped in must not hide the right."""
        for text in COOKIE.values(sent):
            badge = self._badge(text, now)
            if badge and badge.covers(link.zone) and self._binds(link, badge.viewer):
                return named(badge.viewer, badge.name)
        return NOBODY

    def _badge(self, text: str, now: int) -> Badge | None:
        """The cookie's badge, unless its viewer was revoked since, reinstated or not."""
        try:
            badge = self._badges.read("cookie", text, now, revoked=self._revocations.keys)
        except BadgeRefused:
            return None
        return badge if badge.returns == self._revocations.returns(badge.viewer) else None

    def _binds(self, link: Link, viewer: str) -> bool:
        return self._signer.binds(link, viewer, self._revocations.returns(viewer))


def named(subject: str, name: str) -> Viewer:
    """A viewer by a name that a mark can show, else by the id alone. ValueError for no such id."""
    try:
        return Viewer(subject, name)
    except ValueError:
        return Viewer(subject)
