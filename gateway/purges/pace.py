"""When a provider may be called next: its rate limit, and a pause after it refused."""

from __future__ import annotations

import random

from cdn.providers.base import Limits

_LONGEST_ASKED = 3_600.0


class Pace:
    """A token bucket of the provider's limits, and full jitter between `shortest` and `longest`
    seconds after each refusal in a row. Times are seconds of any one clock, given by the caller.
    """

    def __init__(self, limits: Limits, shortest: float, longest: float, now: float) -> None:
        self._limits = limits
        self._shortest = shortest
        self._longest = longest
        self._tokens = float(limits.burst)
        self._filled = now
        self._resume = now
        self._refusals = 0

    def delay(self, now: float) -> float:
        """Seconds until the next call is allowed, 0 when it is."""
        self._fill(now)
        missing = max(0.0, 1.0 - self._tokens) / self._limits.rate
        return max(missing, self._resume - now, 0.0)

    def called(self, now: float) -> None:
        """Take a token."""
        self._fill(now)
        self._tokens -= 1.0

    def accepted(self) -> None:
        """The next refusal is the first again."""
        self._refusals = 0

    def refused(self, now: float, retry_after: float | None) -> float:
        """Pause for as long as the provider asked for, else by jitter; the pause's end."""
        self._refusals += 1
        ceiling = min(self._longest, self._shortest * 2 ** min(self._refusals, 16))
        jitter = random.uniform(self._shortest, max(self._shortest, ceiling))
        pause = jitter if retry_after is None else min(retry_after, _LONGEST_ASKED)
        self._resume = now + pause
        return self._resume

    def _fill(self, now: float) -> None:
        gained = max(0.0, now - self._filled) * self._limits.rate
        self._tokens = min(float(self._limits.burst), self._tokens + gained)
        self._filled = now
