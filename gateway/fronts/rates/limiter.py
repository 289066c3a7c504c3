"""A limiter: one limit of the settings, counted for everybody it meets."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from limits import parse
from limits.strategies import FixedWindowRateLimiter

from gateway.errors import RateLimited, StateUnavailable
from gateway.fronts.rates.tally import Tally


class Limiter:
    """Counts in windows that begin with somebody's first request; `rate` is such as "9/minute"."""

    def __init__(self, name: str, rate: str, tally: Tally, clock: Callable[[], float]) -> None:
        self._name = name
        self._item = parse(rate)
        self._strategy = FixedWindowRateLimiter(tally)
        self._clock = clock

    def spend(self, who: str) -> None:
        """Count a request of somebody; raises `RateLimited` when it is one too many.

        Whom it can not count it does not let in: raises `StateUnavailable`.
        """
        try:
            counted = self._strategy.hit(self._item, self._name, who)
        except OSError as error:
            raise StateUnavailable(f"limits: {error.strerror}") from error
        if not counted:
            ends = self._strategy.get_window_stats(self._item, self._name, who).reset_time
            seconds = max(1, ceil(ends - self._clock()))
            window = self._item.get_expiry()
            raise RateLimited(self._name, self._item.amount, window, retry_after=seconds)
