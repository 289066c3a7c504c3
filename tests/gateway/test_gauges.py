"""Gauges: what waits at each CDN is told of each."""

from __future__ import annotations

import asyncio
import time

from gateway.caches.budget import ByteBudget
from gateway.caches.memory import MemoryCache
from gateway.gauges import Gauges
from gateway.making.improvements import Wishes
from gateway.purges import Purges
from gateway.state import leases, outbox
from gateway.state.database import Database
from gateway.state.outbox import Target
from gateway.state.receipts import PurgeRow
from gateway.telemetry import Metrics
from imaging.workers.pool import RenderPool


def asked(database: Database, provider: str, *tags: str) -> None:
    purge = PurgeRow(f"p-{provider}", "{}", False, "", "", time.time() - 100)
    targets = [Target(provider, tag, False) for tag in tags]
    database.write_now(lambda c: outbox.enqueue(c, purge, targets))


def buried(database: Database, provider: str) -> None:
    lease = database.write_now(lambda c: leases.claim(c, provider, 9, ("lease", 30.0), time.time()))
    assert lease is not None
    database.write_now(lambda c: leases.bury(c, lease, "403", time.time()))


def test_what_waits_and_what_is_dead_is_told_of_each_cdn(database: Database) -> None:
    asked(database, "edge", "d-1", "d-2")
    asked(database, "second", "d-1")
    asked(database, "unknown", "d-1", "d-2", "d-3")
    buried(database, "second")
    gauges = Gauges(Purges(database, {}, {}), ["edge", "second", "idle"])
    metrics = Metrics()
    pool = RenderPool(1)
    gauges.register(metrics, pool, MemoryCache(0), ByteBudget(0), Wishes(time.time))

    async def look() -> None:
        running = asyncio.create_task(gauges.run())
        async with asyncio.timeout(20):
            while b'purge_queue_depth{cdn="edge"} 2.0' not in metrics.exposition()[1]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(look())
    gauges.collapsed("edge", 7)
    told = metrics.exposition()[1].decode()
    for line in (
        'purge_queue_depth{cdn="second"} 0.0',
        'purge_queue_depth{cdn="idle"} 0.0',
        'purge_queue_depth{cdn=""} 3.0',
        'purge_dead{cdn="second"} 1.0',
        'purge_dead{cdn="edge"} 0.0',
        'purge_lag_seconds{cdn="idle"} 0.0',
        'purge_lag_seconds{cdn="second"} 0.0',
        'purge_collapsed_total{cdn="edge"} 7.0',
    ):
        assert f"ostiary_{line}" in told
    [lag] = [line for line in told.splitlines() if 'lag_seconds{cdn="edge"}' in line]
    assert 100 <= float(lag.split()[1]) < 300
