"""Permits: leave to read one document now, given by Supabase's yes and not by a link."""

from __future__ import annotations

from typing import Final, NamedTuple

from cdn.modes import PROVISIONAL, Mode
from cdn.policy import CachePolicy, Private, Revalidate, Shared
from cdn.tags import Tags
from signing.grants import Grant
from signing.targets import LIVE

OWN: Final = -1
"""The `max_age` of what one viewer alone may read."""

# A private zone lets browsers keep what they were given, and nobody else, for no longer.
_PRIVATE_BROWSER = 60


class Permit(NamedTuple):
    """What delivering asks of a link, for a request that brought none.

    `max_age` is how long Supabase lets a public object be kept, in seconds, and `OWN` for what
    only this viewer may read. A permit is good for its request: `expires_at` bounds how long that
    may take. It has no id and so leaves no link in logs. `viewer` is the subject of whom it was
    given to, empty for a public object.
    """

    zone: str
    bucket: str
    key: str
    rendition: str
    grant: Grant
    generation: int
    expires_at: int
    max_age: int = OWN
    version: str = LIVE
    id: str = ""
    viewer: str = ""

    def policy(
        self, mode: Mode, ttl: int, tags: Tags, *, negotiated: bool, provisional: bool = False
    ) -> CachePolicy:
        """Who may keep the answer: a public object's zone still decides about shared caches.

        What is one viewer's is asked for each time, since the next user of the same browser has
        the same URL. No token is in the key of a public object, so the TTL law does not bind it:
        its purge does. What is `provisional` nobody keeps for more than an hour.
        """
        if self.max_age == OWN:
            return Private(0)
        if mode == "revalidate":
            return Private(0) if negotiated else Revalidate(tags)
        if mode == "private":
            return Private(min(_PRIVATE_BROWSER, self.max_age))
        max_age = min(self.max_age, PROVISIONAL) if provisional else self.max_age
        if negotiated:
            return Private(max_age)
        return Shared(tags, max_age, min(max_age, ttl))
