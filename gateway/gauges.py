"""Gauges: figures that are read when asked for, or remembered for a moment when asking costs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from time import time

from gateway.caches.budget import ByteBudget
from gateway.caches.memory import MemoryCache
from gateway.errors import StateUnavailable
from gateway.making.improvements import Wishes
from gateway.purges import Purges
from gateway.purges.lanes import Collapsed, nobody
from gateway.representations import Ready
from gateway.state.receipts import Depth
from gateway.telemetry import Metrics
from imaging.workers.pool import RenderPool

INTERVAL = 2.0
GONE = ""
"""Stands for every CDN that purges wait for and nobody configures."""


class Gauges:
    """Reads the queues: the pool's at once, the outbox's every `INTERVAL` seconds."""

    def __init__(self, purges: Purges, cdns: Iterable[str]) -> None:
        self._purges = purges
        self._depths = {cdn: Depth(cdn, 0, 0, 0.0) for cdn in (*cdns, GONE)}
        self.collapsed: Collapsed = nobody
        """What counts the tags that a deep queue made bigger; nobody, before `register`."""

    def register(
        self,
        metrics: Metrics,
        pool: RenderPool,
        memory: MemoryCache[Ready],
        budget: ByteBudget,
        wishes: Wishes,
    ) -> None:
        """Let the metrics ask for every gauge."""
        metrics.gauge("improvement_queue_depth", lambda: wishes.waiting("improve"))
        metrics.gauge("prefetch_queue_depth", lambda: wishes.waiting("make"))
        metrics.gauge("render_queue_depth", lambda: pool.depth)
        metrics.gauge("cache_bytes", lambda: memory.bytes, layer="memory")
        metrics.gauge("inflight_bytes", lambda: budget.used)
        self.collapsed = metrics.collapsed
        for cdn in self._depths:
            metrics.gauge("purge_queue_depth", partial(self._waiting, cdn), cdn=cdn)
            metrics.gauge("purge_dead", partial(self._dead, cdn), cdn=cdn)
            metrics.gauge("purge_lag_seconds", partial(self._lag, cdn), cdn=cdn)

    async def run(self) -> None:
        """Ask the outbox again and again, until cancelled."""
        while True:
            with suppress(StateUnavailable):
                self._take(await self._purges.depths())
            await asyncio.sleep(INTERVAL)

    def _take(self, found: Iterable[Depth]) -> None:
        """What waits at CDNs that are not configured any more is told as one."""
        named: dict[str, list[Depth]] = {cdn: [] for cdn in self._depths}
        for depth in found:
            named.get(depth.provider, named[GONE]).append(depth)
        for cdn, depths in named.items():
            waiting, dead = sum(one.waiting for one in depths), sum(one.dead for one in depths)
            oldest = min((one.oldest for one in depths if one.oldest), default=0.0)
            self._depths[cdn] = Depth(cdn, waiting, dead, oldest)

    def _waiting(self, cdn: str) -> float:
        return self._depths[cdn].waiting

    def _dead(self, cdn: str) -> float:
        return self._depths[cdn].dead

    def _lag(self, cdn: str) -> float:
        oldest = self._depths[cdn].oldest
        return max(0.0, time() - oldest) if oldest else 0.0
