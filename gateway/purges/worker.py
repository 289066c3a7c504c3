"""The worker: takes due jobs out of the outbox and has the providers forget their tags."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress

import structlog

from cdn.errors import PurgeRefused
from cdn.providers.base import Provider
from gateway.errors import StateUnavailable
from gateway.purges.pacing import Pacing
from gateway.purges.quotas import Quotas
from gateway.state import feed, leases, receipts
from gateway.state.database import Database
from gateway.state.filelock import FileLock
from gateway.state.leases import Lease

_log = structlog.stdlib.get_logger(__name__)

Settle = Callable[[sqlite3.Connection], None]


class PurgeWorker:
    """Works for all processes of a host: the one that holds data/purger.lock.

    A call is never made inside a transaction. What is refused, times out or raises comes again;
    what is refused for good is kept as dead.
    """

    def __init__(
        self,
        database: Database,
        providers: Mapping[str, Provider],
        pacing: Pacing | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._pacing = pacing or Pacing()
        self._clock = clock
        self._lock = database.path.with_name("purger.lock")
        path = database.path.with_name("purger.pace")
        self._quotas = Quotas(path, providers.values(), self._pacing, clock())
        self._lanes = [
            _Lane(database, provider, self._pacing, self._quotas, clock)
            for provider in providers.values()
        ]

    async def run(self) -> None:
        """Lead as soon as nobody else does, until cancelled."""
        with closing(FileLock(self._lock)) as lock:
            while not lock.take():  # noqa: ASYNC110  the holder is another process
                await asyncio.sleep(self._pacing.lead)
            self._quotas.load(self._clock())
            async with asyncio.TaskGroup() as group:
                for lane in self._lanes:
                    group.create_task(self._serve(lane))
                group.create_task(self._sweep())

    async def drain(self) -> None:
        """Work off what is due now; nothing when another process leads, who does it anyway."""
        with closing(FileLock(self._lock)) as lock:
            if lock.take():
                self._quotas.load(self._clock())
                for lane in self._lanes:
                    while await lane.step():
                        pass

    async def _serve(self, lane: _Lane) -> None:
        while True:
            seen = self._database.epoch.value
            if not await self._stepped(lane):
                await self._news(seen)

    async def _stepped(self, lane: _Lane) -> bool:
        try:
            return await lane.step()
        except StateUnavailable as error:
            _log.warning("purges wait for the database", detail=str(error))
        except Exception:
            _log.exception("a purge broke")
        await asyncio.sleep(self._pacing.lead)
        return False

    async def _news(self, seen: int) -> None:
        """Return when any process of this host wrote something, at the latest after a poll.

        It looks often instead of waiting, because another process can set no event.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._pacing.poll
        while self._database.epoch.value == seen and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(self._pacing.tick)

    async def _sweep(self) -> None:
        while True:
            with suppress(StateUnavailable):
                await self._database.write(self._forget_old)
            await asyncio.sleep(self._pacing.sweep)

    def _forget_old(self, connection: sqlite3.Connection) -> None:
        now = self._clock()
        feed.trim(connection, now - self._pacing.keep_feed)
        receipts.trim(connection, now - self._pacing.keep_purges)


class _Lane:
    """The way to one provider: one call at a time, at the provider's pace."""

    def __init__(
        self,
        database: Database,
        provider: Provider,
        pacing: Pacing,
        quotas: Quotas,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._provider = provider
        self._pacing = pacing
        self._quotas = quotas
        self._pace = quotas.pace(provider)
        self._clock = clock

    async def step(self) -> bool:
        """Make one call with what is due; whether anything was."""
        name = self._provider.name
        if not await self._database.read(lambda c: leases.due(c, name, self._clock())):
            return False
        while pause := self._pace.delay(self._clock()):  # noqa: ASYNC110  a pause, no poll
            await asyncio.sleep(pause)
        room = held = self._pace.room(self._clock())
        self._pace.called(self._clock(), held)
        lease: Lease | None = None
        try:
            # Claimed only after the wait: what became urgent meanwhile goes first.
            lease = await self._database.write(lambda c: self._claim(c, room))
            held = len(lease.tags) if lease else 0
            self._pace.give_back(room - held)
            if lease is None:
                return False
            settle = await self._call(lease)
        finally:
            self._pace.ended(self._clock(), held, sent=lease is not None)
        await self._database.write(settle)
        return True

    def _claim(self, connection: sqlite3.Connection, room: int) -> Lease | None:
        lease = (secrets.token_hex(8), self._pacing.lease)
        return leases.claim(connection, self._provider.name, room, lease, self._clock())

    async def _call(self, lease: Lease) -> Settle:
        """Call the provider; what its answer means for the leased jobs."""
        self._quotas.save()
        try:
            async with asyncio.timeout(self._pacing.call):
                receipt = await self._provider.purge(lease.tags, soft=lease.soft, key=lease.key)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                self._let_go(lease)
                raise
            # The provider's own doing, not the end of this worker.
            return self._refused(lease, PurgeRefused("cancelled"))
        except PurgeRefused as refusal:
            return self._refused(lease, refusal)
        except Exception as error:  # nothing that a provider does may lose a purge
            return self._refused(lease, PurgeRefused(type(error).__name__))
        self._pace.accepted()
        second, now = self._pacing.second_pass, self._clock()
        return lambda c: leases.confirm(c, lease, receipt.reference, second, now)

    def _refused(self, lease: Lease, refusal: PurgeRefused) -> Settle:
        now, said = self._clock(), str(refusal)
        if refusal.dead:
            _log.error(
                "purge is dead", provider=self._provider.name, tags=len(lease.tags), why=said
            )
            return lambda c: leases.bury(c, lease, said, now)
        pause = self._pace.refused(now, refusal.retry_after) - now
        _log.warning("purge refused", provider=self._provider.name, pause=round(pause, 1), why=said)
        return lambda c: leases.postpone(c, lease, said, now + pause)

    def _let_go(self, lease: Lease) -> None:
        """Give the jobs of a call that is cut off to the next leader before the lease ends."""
        with suppress(StateUnavailable):
            now = self._clock()
            self._database.write_now(lambda c: leases.postpone(c, lease, "cut off", now))
