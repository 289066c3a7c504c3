"""How many bytes may be in flight at once, over all readers."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from gateway.errors import Overloaded


class ByteBudget:
    """A bound on the memory that bodies under way may take, in bytes.

    It never waits: a reader that finds it full is told to come again, which keeps memory and
    queue bounded.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0

    @property
    def used(self) -> int:
        """The bytes reserved now."""
        return self._used

    @contextmanager
    def reserve(self, size: int) -> Generator[None]:
        """Hold `size` bytes inside the block; raises `Overloaded` when they do not fit."""
        if self._used + size > self._limit:
            raise Overloaded("readers")
        self._used += size
        try:
            yield
        finally:
            self._used -= size
