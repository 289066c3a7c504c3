"""A cache: copies with an end, the least recently used ones leave first."""

from __future__ import annotations

from collections import OrderedDict

_FEW = 4096


class Cache:
    """Copies by their key, `capacity` octets at most. Times are Unix seconds."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._octets = 0
        self._copies: OrderedDict[int, tuple[float, int]] = OrderedDict()
        self._sweep_at = _FEW

    def __len__(self) -> int:
        return len(self._copies)

    def has(self, key: int, at: float) -> bool:
        """Whether there is a fresh copy; it was used now."""
        copy = self._copies.get(key)
        if copy is None or copy[0] <= at:
            return False
        self._copies.move_to_end(key)
        return True

    def keep(self, key: int, at: float, end: float, octets: int) -> None:
        """Keep a copy in the place of the one before; none that has ended or does not fit."""
        copies = self._copies
        if key in copies:
            self._octets -= copies.pop(key)[1]
        if end <= at or octets > self._capacity:
            return
        copies[key] = end, octets
        self._octets += octets
        while self._octets > self._capacity:
            self._octets -= copies.popitem(last=False)[1][1]
        if len(copies) >= self._sweep_at:
            self._sweep(at)

    def _sweep(self, at: float) -> None:
        """Let go what has ended: nobody asks for the URLs of past windows again."""
        copies = self._copies
        for key in [key for key, copy in copies.items() if copy[0] <= at]:
            self._octets -= copies.pop(key)[1]
        self._sweep_at = max(_FEW, 2 * len(copies))
