"""Links to canaries, good ones and such as no viewer may be let in with."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Final

from gateway.probing.canary import KEPT, UNKEPT
from signing.addresses import CANARY
from signing.grants import Grant
from signing.keys import KeyRing
from signing.links import Link, LinkRequest, SignedZone, Signer
from signing.targets import LATEST

ELSEWHERE: Final = "ostiary-canary-elsewhere"
"""A zone that is none of the gateway's, for a token that is good somewhere else."""

_ALL = Grant("inline", "all")
_PREVIEWS = Grant("inline", "previews")
_LONGEST = 3_600


class CanaryLinks:
    """Signs links of one zone that end to the second, not with a window.

    `generation` is the sum of revocations that a link to a canary must have now.
    """

    def __init__(
        self, ring: KeyRing, zone: str, generation: int, *, longest_life: int, sealed: bool
    ) -> None:
        self.zone = zone
        self.generation = generation
        known = [(zone, longest_life), (ELSEWHERE, _LONGEST)]
        self._signer = Signer(
            ring, [SignedZone(name, 1, life, sealed=sealed) for name, life in known]
        )

    def kept(self, life: int, now: int, ending: str = "") -> Link:
        """A link to a canary that nobody has asked for yet, and that shared caches may keep.

        Its address ends as told, such as `.pdf`.
        """
        return self.again(KEPT + token_urlsafe(12) + ending, life, now)

    def unkept(self, life: int, now: int, ending: str = "") -> Link:
        """A link to one that no shared cache may keep."""
        return self.again(UNKEPT + token_urlsafe(12) + ending, life, now)

    def again(self, key: str, life: int, now: int) -> Link:
        """A link to the same canary with another end."""
        return self._issue(self.zone, key, _ALL, self.generation, life, now)

    def previews(self, link: Link, life: int, now: int) -> Link:
        """One that opens no original."""
        return self._issue(self.zone, link.key, _PREVIEWS, self.generation, life, now)

    def ahead(self, link: Link, life: int, now: int) -> Link:
        """One of a generation that is not there yet, as a copy of before a revocation is not."""
        ahead = min(self.generation + 1, LATEST)
        return self._issue(self.zone, link.key, _ALL, ahead, life, now)

    def elsewhere(self, link: Link, life: int, now: int) -> Link:
        """One of another zone."""
        return self._issue(ELSEWHERE, link.key, _ALL, self.generation, life, now)

    def _issue(
        self, zone: str, key: str, grant: Grant, generation: int, life: int, now: int
    ) -> Link:
        _, _, extension = key.partition(".")
        request = LinkRequest(
            zone, CANARY, key, grant, generation=generation, expires_in=life, extension=extension
        )
        return self._signer.issue(request, now)
