"""Parts: everything a process works with, started and closed together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from time import time

import httpx
import structlog

from cdn.providers import Provider
from gateway.catalogue import Catalogue
from gateway.deliver import Deliverer
from gateway.descriptions import Descriptions
from gateway.gauges import Gauges
from gateway.issuing.issue import Issuer
from gateway.making.improvements import Improver
from gateway.originals import Levels
from gateway.probing import Keeper
from gateway.project import Project
from gateway.purges import Purges, PurgeWorker
from gateway.rules import Rules
from gateway.settings import Settings
from gateway.state.database import Database
from gateway.state.ledger import Ledger
from gateway.stores import Store
from imaging.workers.pool import RenderPool

# Seconds before background work that broke is begun again.
PAUSE = 1.0

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a process works with, each made once and given to those who need it."""

    settings: Settings
    rules: Rules
    stores: Mapping[str, Store]
    providers: Mapping[str, Provider]
    database: Database
    ledger: Ledger
    purges: Purges
    catalogue: Catalogue
    deliverer: Deliverer
    issuer: Issuer
    descriptions: Descriptions
    levels: Levels
    pool: RenderPool
    improver: Improver
    gauges: Gauges
    client: httpx.AsyncClient
    project: Project
    keeper: Keeper
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Start the render workers, follow the feed, and work off purges."""
        await self.pool.start()
        if not self.pool.filtered:
            _log.warning("RENDER WORKERS CAN CALL THE WHOLE KERNEL: seccomp is not to be had here")
        worker = PurgeWorker(self.database, self.providers, collapsed=self.gauges.collapsed)
        following, hints = self.rules.revocations.follower.run, self.project.hints.run
        running = (worker.run, self.gauges.run, self.improver.run, self.keeper.run)
        for work in (following, hints, *running):
            self.tasks.append(asyncio.create_task(_kept_up(work)))

    async def close(self) -> None:
        """End what `start` began and let go of everything; doing it twice is harmless."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()
        await self.pool.aclose()
        await self.improver.aclose()
        for store in self.stores.values():
            await store.aclose()
        await self.levels.disk.aclose()
        await self.project.aclose()
        await self.client.aclose()
        self.database.close()

    def remarks(self) -> dict[str, str]:
        """What is not as it is set, by name, though the process can serve."""
        return self.keeper.standings.remarks(time())

    async def check(self) -> dict[str, str]:
        """What is not well, by name; empty when the process can serve."""
        failures: dict[str, str] = {}
        for name, store in self.stores.items():
            try:
                await store.check()
            except Exception as error:
                failures[f"store {name}"] = type(error).__name__
        try:
            await self.database.read(lambda connection: connection.execute("SELECT 1").fetchone())
        except Exception as error:
            failures["state"] = type(error).__name__
        return failures


async def _kept_up(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run what never ends, and begin again when it does: nobody else would notice."""
    while True:
        try:
            await work()
        except Exception:  # told, and tried again
            _log.exception("background work broke")
        await asyncio.sleep(PAUSE)
