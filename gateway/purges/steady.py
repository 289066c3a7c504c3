"""Steady: the time of day as one process began it, which no step of the clock moves."""

from __future__ import annotations

import time
from collections.abc import Callable


class Steady:
    """Unix seconds that pass as fast as seconds do.

    A second pass is due some seconds after the first: by a clock that somebody sets forward
    meanwhile it would come before the answer that it is there for.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._elapsed = elapsed
        self._began = wall() - elapsed()

    def __call__(self) -> float:
        return self._began + self._elapsed()
