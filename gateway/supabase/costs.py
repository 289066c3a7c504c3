"""What upstream costs: how often it is asked, how long that takes, and how often it need not be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, TypeVar

from gateway.errors import UpstreamRefused, UpstreamUnavailable

Operation = Literal["sign", "sign_many", "read"]
Outcome = Literal["answered", "refused", "unavailable"]

T = TypeVar("T")


def _unheard(*_: object) -> None:
    """Nobody counts."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Tells those who count; made of nothing, it tells nobody.

    `asked` hears of each question to upstream: its operation, its outcome, its seconds. `decided`
    hears of how many documents a yes was known, and of how many it was not. `clock` is in seconds.
    """

    asked: Callable[[Operation, Outcome, float], None] = _unheard
    decided: Callable[[int, int], None] = _unheard
    clock: Callable[[], float] = perf_counter

    async def of(self, operation: Operation, question: Awaitable[T]) -> T:
        """What `question` gives or raises. One that is given up, or is none, costs nothing."""
        began = self.clock()
        try:
            answer = await question
        except UpstreamRefused:
            self.asked(operation, "refused", self.clock() - began)
            raise
        except UpstreamUnavailable:
            self.asked(operation, "unavailable", self.clock() - began)
            raise
        self.asked(operation, "answered", self.clock() - began)
        return answer


FREE = Costs()
"""Costs that nobody counts."""
