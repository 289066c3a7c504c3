"""The first cache level: ready values in process memory, bounded by their bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from math import inf
from time import monotonic
from typing import Generic, TypeVar

V = TypeVar("V")

# An OrderedDict node, the key's text, the entry's tuple and the value's own object, roughly.
OVERHEAD = 512


class MemoryCache(Generic[V]):
    """Least recently used values within `limit_bytes`; for one event loop, so without a lock.

    Sizes are the caller's, in bytes, for the value alone: `OVERHEAD` is added to each. A value
    above `entry_limit` is not kept, so that one large document cannot push out a thousand small.
    `clock` is in seconds.
    """

    def __init__(
        self,
        limit_bytes: int,
        entry_limit: int = 1024 * 1024,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._limit = limit_bytes
        self._entry_limit = min(entry_limit, limit_bytes - OVERHEAD)
        self._clock = clock
        self._entries: OrderedDict[Hashable, tuple[V, int, float]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """What the entries take, by estimate."""
        return self._bytes

    def get(self, key: Hashable) -> V | None:
        """The value, which becomes the most recently used; None when it is not here."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[2] < inf and entry[2] <= self._clock():
            self.drop(key)
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: Hashable, value: V, size: int, life: float = inf) -> bool:
        """Keep `value` in place of what `key` had, for `life` seconds at most.

        False when it is too large to keep.
        """
        self.drop(key)
        if size > self._entry_limit:
            return False
        until = self._clock() + life if life < inf else inf
        self._entries[key] = value, size + OVERHEAD, until
        self._bytes += size + OVERHEAD
        while self._bytes > self._limit:
            _, (_, freed, _) = self._entries.popitem(last=False)
            self._bytes -= freed
        return True

    def drop(self, key: Hashable) -> bool:
        """Forget one value; tells whether there was one."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self._bytes -= entry[1]
        return True

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._bytes = 0
