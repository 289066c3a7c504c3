"""The worker: takes due jobs out of the outbox and has the providers forget their tags."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from functools import partial
from time import time

import structlog

from cdn.providers.base import Provider
from gateway.errors import StateUnavailable
from gateway.purges.lanes import Collapsed, Lane, nobody
from gateway.purges.pacing import Pacing
from gateway.purges.quotas import Quotas
from gateway.purges.settler import Settler
from gateway.purges.steady import Steady
from gateway.state import copies, feed, receipts, repeats, uses, witness
from gateway.state.database import Database
from gateway.state.filelock import FileLock

# As many copies, or purges, are forgotten in one transaction: for so long others wait to write.
_AT_ONCE = 5_000
_PURGES_AT_ONCE = 1_000

_log = structlog.stdlib.get_logger(__name__)


class PurgeWorker:
    """Works for all processes of a host: the one that holds data/purger.lock.

    A call is never made inside a transaction. What is refused, times out or raises comes again;
    what is refused for good is kept as dead. `collapsed` hears of each collapse.
    """

    def __init__(
        self,
        database: Database,
        providers: Mapping[str, Provider],
        pacing: Pacing | None = None,
        clock: Callable[[], float] | None = None,
        collapsed: Collapsed = nobody,
    ) -> None:
        self._database = database
        self._pacing = pacing or Pacing()
        self._clock = clock or Steady()
        self._lock = database.path.with_name("purger.lock")
        self._rung = asyncio.Event()
        path = database.path.with_name("purger.pace")
        self._quotas = Quotas(path, providers.values(), self._pacing, self._clock())
        self._lanes = [
            Lane(database, provider, self._pacing, self._quotas, self._clock, collapsed)
            for provider in providers.values()
        ]
        self._settlers = [
            Settler(database, provider, self._pacing, self._clock)
            for provider in providers.values()
        ]

    async def run(self) -> None:
        """Lead as soon as nobody else does, until cancelled."""
        with closing(FileLock(self._lock)) as lock:
            while not lock.take():  # noqa: ASYNC110  the holder is another process
                await asyncio.sleep(self._pacing.lead)
            self._quotas.load(self._clock())
            with self._database.epoch.heard(self._ring):
                await self._lead()

    async def _lead(self) -> None:
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(self._serve(lane))
            for settler in self._settlers:
                group.create_task(settler.run())
            group.create_task(self._sweep())

    async def drain(self) -> None:
        """Work off what is due now; nothing when another process leads, who does it anyway."""
        with closing(FileLock(self._lock)) as lock:
            if lock.take():
                self._quotas.load(self._clock())
                for lane in self._lanes:
                    while await lane.step():
                        pass
                for settler in self._settlers:
                    await settler.step()

    async def _serve(self, lane: Lane) -> None:
        while True:
            seen = self._database.epoch.value
            if not await self._stepped(lane):
                await self._news(seen)

    async def _stepped(self, lane: Lane) -> bool:
        try:
            return await lane.step()
        except StateUnavailable as error:
            _log.warning("purges wait for the database", detail=str(error))
        except Exception:
            _log.exception("a purge broke")
        await asyncio.sleep(self._pacing.lead)
        return False

    async def _news(self, seen: int) -> None:
        """Return when any process of this host asked for something, at the latest after a poll.

        It looks often besides, for not everywhere the epoch can be heard.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._pacing.poll
        while self._database.epoch.value == seen and loop.time() < deadline:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pacing.tick):
                    await self._rung.wait()

    def _ring(self) -> None:
        """Wake all lanes that wait, each once."""
        self._rung.set()
        self._rung = asyncio.Event()

    async def _sweep(self) -> None:
        while True:
            with suppress(StateUnavailable):
                await self._database.write(self._forget_old)
                await self._forget_purges()
                while await self._database.write(self._forget_copies):
                    pass
            await asyncio.sleep(self._pacing.sweep)

    def _forget_old(self, connection: sqlite3.Connection) -> None:
        now = self._clock()
        feed.trim(connection, now - self._pacing.keep_feed)
        repeats.trim(connection, now)
        # Links die by the time of day, which may have been set back since.
        uses.trim(connection, min(now, time()))

    async def _forget_purges(self) -> None:
        """Oldest first and some at a time: after a week without a worker they are many."""
        done, last = float("-inf"), self._clock() - self._pacing.keep_purges

        def some(connection: sqlite3.Connection, since: float) -> float:
            until = receipts.slice_end(connection, since, last, _PURGES_AT_ONCE)
            witness.finish(connection, until)
            receipts.trim(connection, until)
            return until

        while done < last:
            done = await self._database.write(partial(some, since=done))

    def _forget_copies(self, connection: sqlite3.Connection) -> bool:
        """Some of them."""
        # Their ends were written by the time of day, which may have been set back since.
        return copies.trim(connection, min(self._clock(), time()), _AT_ONCE)
