"""Introductions: how a browser comes to prove who its viewer is.

An application that knows its user asks for a claim and hands it to its page, which gives it back
from the user's browser, once and within a minute; the browser keeps a cookie in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from gateway.state.revocations import Revocations
from gateway.state.spent import Spent
from imaging.marking.viewers import Viewer
from signing.badges import Badge, Badges
from signing.errors import BadgeRefused

LIFE: Final = 60
"""Seconds that a claim lives."""


class Introductions:
    """Gives claims, and cookies for them.

    `session` is how long a cookie lives, in seconds; `draw` makes a name of sixteen characters of
    base64url that nobody can guess and no other claim has.
    """

    def __init__(
        self,
        badges: Badges,
        revocations: Revocations,
        spent: Spent,
        *,
        session: int,
        draw: Callable[[], str],
    ) -> None:
        self._badges = badges
        self._revocations = revocations
        self._spent = spent
        self._draw = draw
        self.session = session

    def claim(self, viewer: Viewer, zones: Sequence[str], now: int) -> str:
        """A claim that says who the viewer is, in those zones; in every zone without any.

        Raises `ViewerRefused`, and `Unsignable` for an id or a name that no badge holds.
        """
        self._revocations.check_viewer(viewer.id)
        zones = tuple(dict.fromkeys(zones))
        returns = self._revocations.returns(viewer.id)
        badge = Badge(self._draw(), viewer.id, now + LIFE, viewer.name, zones, returns)
        return self._badges.issue("claim", badge)

    async def redeem(self, claim: str, now: int) -> str:
        """The cookie for a claim, which is used up by it.

        Raises `BadgeRefused`, also for a claim that was used before or whose viewer was revoked
        since, reinstated or not, and `ViewerRefused`.
        """
        self._revocations.fresh()
        badge = self._badges.read("claim", claim, now, revoked=self._revocations.keys)
        self._revocations.check_viewer(badge.viewer)
        if badge.returns != self._revocations.returns(badge.viewer):
            raise BadgeRefused("revoked")
        if not await self._spent.spend(badge.id, badge.expires_at, now):
            raise BadgeRefused("used")
        return self._badges.issue("cookie", replace(badge, expires_at=now + self.session))
