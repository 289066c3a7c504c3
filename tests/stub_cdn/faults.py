"""What goes wrong on purpose, one call after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Literal, TypeAlias

Fault: TypeAlias = Literal["", "429", "500", "503", "hang", "cut", "lost"]
"""None; throttled; broken; overloaded; no answer at all; an answer cut in half; taken, and then
the answer is cut."""


class Faults:
    """The faults of the next calls in their order; after them none, or all over again."""

    def __init__(self, faults: Iterable[Fault] = (), *, again: bool = False) -> None:
        self._faults = list(faults)
        self._next = self._circle() if again else chain(self._faults, repeat(""))

    def _circle(self) -> Iterator[Fault]:
        while True:
            yield from self._faults

    def next(self) -> Fault:
        return next(self._next)  # type: ignore[return-value]
