"""The CDN that is not there: it confirms every purge and remembers the latest."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from cdn.fields import NONE
from cdn.providers.base import Limits, PurgeReceipt
from cdn.purge import Purge


class Null:
    """Stands in where no CDN is configured, and in tests; `asked` holds the last 1,000 purges."""

    profile = NONE
    limits = Limits(batch=1_000, rate=10_000, burst=10_000)
    soft = True

    def __init__(self, name: str = "null") -> None:
        self.name = name
        self.asked: deque[Purge] = deque(maxlen=1_000)

    async def purge(self, tags: Sequence[str], *, soft: bool) -> PurgeReceipt:
        """Remember the purge."""
        self.asked.append(Purge(tuple(tags), soft))
        return PurgeReceipt(self.name, str(len(self.asked)), "no cache to purge")
