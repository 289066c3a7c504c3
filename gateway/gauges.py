"""Gauges: figures that are read when asked for, or remembered for a moment when asking costs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import time

from gateway.caches.budget import ByteBudget
from gateway.caches.memory import MemoryCache
from gateway.errors import StateUnavailable
from gateway.improvements import Wishes
from gateway.purges import Purges
from gateway.representations import Ready
from gateway.state.receipts import Depth
from gateway.telemetry import Metrics
from imaging.workers.pool import RenderPool

INTERVAL = 2.0


class Gauges:
    """Reads the queues: the pool's at once, the outbox's every `INTERVAL` seconds."""

    def __init__(self, purges: Purges) -> None:
        self._purges = purges
        self._depths: list[Depth] = []

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
        metrics.gauge("purge_queue_depth", self._waiting)
        metrics.gauge("purge_dead", self._dead)
        metrics.gauge("purge_lag_seconds", self._lag)

    async def run(self) -> None:
        """Ask the outbox again and again, until cancelled."""
        while True:
            with suppress(StateUnavailable):
                self._depths = await self._purges.depths()
            await asyncio.sleep(INTERVAL)

    def _waiting(self) -> float:
        return sum(depth.waiting for depth in self._depths)

    def _dead(self) -> float:
        return sum(depth.dead for depth in self._depths)

    def _lag(self) -> float:
        oldest = [depth.oldest for depth in self._depths if depth.oldest]
        return max(0.0, time() - min(oldest)) if oldest else 0.0
