"""Lifetimes: when links die that are made at a visit, and how long their answers are kept."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from cdn.modes import policy_for
from cdn.policy import Shared
from cdn.tags import Tags
from gateway.simulation.visits import Visits
from signing.windows import ending, holds, life, quantum

LONGEST_LIFE: Final = 86_400
_TAGS = Tags(("simulated",))


class Life(NamedTuple):
    """Seconds that an answer is kept by shared caches and by the viewer's browser."""

    shared: float
    browser: float


@lru_cache(maxsize=LONGEST_LIFE)
def life_within(left: int, ttl: int) -> Life:
    """What the TTL law leaves an answer whose link has so many seconds left."""
    policy = policy_for(
        "windowed",
        now=0,
        expires_at=left,
        ttl=ttl,
        stale_while_revalidate=0,
        stale_if_error=0,
        tags=_TAGS,
    )
    return Life(policy.cdn_ttl, policy.browser_ttl) if isinstance(policy, Shared) else Life(0, 0)


class Window:
    """A zone's window: the ends of the links that are made in it, unasked for a certain life.

    The last end of each document is remembered, since most visits fall into the same window.
    """

    def __init__(self, window: int) -> None:
        self._life = life(None, window, LONGEST_LIFE)
        self._quantum = quantum(self._life, window)
        self._ends: dict[int, int] = {}

    def ends(self, visits: Visits) -> list[int]:
        """When the links die that are asked for at the moments of the visits."""
        lifetime, step, last = self._life, self._quantum, self._ends
        ends: list[int] = []
        for at, phase, document in zip(visits.at, visits.phase, visits.document, strict=True):
            now = int(at)
            end = last.get(document, 0)
            if not holds(end, now, lifetime, step):
                end = last[document] = ending(now, lifetime, step, phase)
            ends.append(end)
        return ends
