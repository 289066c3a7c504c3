"""The CDN that is not there: it confirms every purge and remembers the latest."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from cdn.facts import FACTS, Limits, Settling
from cdn.providers.base import PurgeReceipt
from cdn.purge import Purge


class Null:
    """Stands in where no CDN is configured, and in tests; `asked` holds the last 1,000 purges."""

    profile = FACTS["null"].profile
    limits: Limits = FACTS["null"].limits_of("")
    soft = True
    settling: Settling = FACTS["null"].settling

    def __init__(self, name: str = "null") -> None:
        self.name = name
        self.quota = name
        self.asked: deque[Purge] = deque(maxlen=1_000)

    async def purge(self, tags: Sequence[str], *, soft: bool, key: str = "") -> PurgeReceipt:
        """Remember the purge."""
        del key
        self.asked.append(Purge(tuple(tags), soft))
        return PurgeReceipt(self.name, str(len(self.asked)), "no cache to purge")

    async def settled(self, reference: str) -> bool:
        """There is nothing to wait for."""
        return True

    async def check(self) -> PurgeReceipt:
        """Nothing can be wrong."""
        return PurgeReceipt(self.name, "", "no cache to purge")
