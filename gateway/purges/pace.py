"""When a provider may be called next: its token buckets, and a pause after it refused."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from cdn.providers.base import Limits

_LONGEST_ASKED = 3_600.0


@dataclass(slots=True)
class Levels:
    """How full the two buckets are, what of them calls under way may take, and when any call may
    go again. Times are Unix seconds, for another process may go on from here."""

    calls: float
    tags: float
    filled: float
    held_calls: int = 0
    held_tags: int = 0
    resume: float = 0.0


class Pace:
    """The token buckets of one customer at a CDN, and full jitter between `shortest` and `longest`
    seconds after each refusal in a row. Times are given by the caller.

    A call's tokens are held while it is under way and taken at its end. Nobody knows when within
    a call the CDN counts it, and taken any earlier they could grow again before it did.
    """

    def __init__(self, limits: Limits, shortest: float, longest: float, now: float) -> None:
        self._limits = limits
        self._shortest = shortest
        self._longest = longest
        self._refusals = 0
        self.levels = Levels(float(limits.burst), float(limits.tag_burst), now)

    def go_on(self, levels: Levels, now: float) -> None:
        """Go on from where another process left off; what it held is taken now, since its last
        call may have been counted a moment ago."""
        self.levels = replace(levels, held_calls=0, held_tags=0)
        self._fill(now)
        limits = self._limits
        # No more than a burst was ever under way, whatever a damaged file says.
        self.levels.calls = max(self.levels.calls - levels.held_calls, -float(limits.burst))
        self.levels.tags = max(self.levels.tags - levels.held_tags, -float(limits.tag_burst))

    def empty(self, now: float) -> None:
        """Begin with nothing: nobody knows what another process has used."""
        self.levels = Levels(0.0, 0.0, now)

    def delay(self, now: float) -> float:
        """Seconds until a call with one tag is allowed, 0 when it is."""
        self._fill(now)
        levels, limits = self.levels, self._limits
        # A clock that was set back makes nobody wait for longer than any CDN may ask.
        levels.resume = min(levels.resume, now + _LONGEST_ASKED)
        call = _missing(levels.calls - levels.held_calls) / limits.rate
        tag = _missing(levels.tags - levels.held_tags) / limits.tag_rate
        return max(levels.resume - now, call, tag, 0.0)

    def room(self, now: float) -> int:
        """How many tags one call may carry now."""
        self._fill(now)
        free = self.levels.tags - self.levels.held_tags
        return max(1, int(min(free, self._limits.batch)))

    def called(self, now: float, tags: int) -> None:
        """Hold what a call with so many tags may cost."""
        self._fill(now)
        self.levels.held_calls += 1
        self.levels.held_tags += tags

    def give_back(self, tags: int) -> None:
        """The call under way carries so many tags fewer."""
        self.levels.held_tags -= tags

    def ended(self, now: float, tags: int, *, sent: bool = True) -> None:
        """A call has ended; one that was never sent has cost nothing."""
        self._fill(now)
        self.levels.held_calls -= 1
        self.levels.held_tags -= tags
        if sent:
            self.levels.calls -= 1
            self.levels.tags -= tags

    def accepted(self) -> None:
        """The next refusal is the first again."""
        self._refusals = 0

    def refused(self, now: float, retry_after: float | None) -> float:
        """Pause for as long as the provider asked for, else by jitter; the pause's end."""
        self._refusals += 1
        ceiling = min(self._longest, self._shortest * 2 ** min(self._refusals, 16))
        jitter = random.uniform(self._shortest, max(self._shortest, ceiling))
        pause = jitter if retry_after is None else min(retry_after, _LONGEST_ASKED)
        self.levels.resume = now + pause
        return self.levels.resume

    def _fill(self, now: float) -> None:
        gone = max(0.0, now - self.levels.filled)
        calls = self.levels.calls + gone * self._limits.rate
        self.levels.calls = min(float(self._limits.burst), calls)
        if self._limits.tag_rate != float("inf"):
            tags = self.levels.tags + gone * self._limits.tag_rate
            self.levels.tags = min(float(self._limits.tag_burst), tags)
        self.levels.filled = now


def _missing(free: float) -> float:
    """What is missing to one token."""
    return max(0.0, 1 - free)
