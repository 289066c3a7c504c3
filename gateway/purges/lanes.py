"""Lanes: the way of purges to one provider, one call at a time and at the provider's pace."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import suppress

import structlog

from cdn.errors import PurgeRefused
from cdn.providers.base import Limits, Provider, PurgeReceipt
from gateway.errors import StateUnavailable
from gateway.purges.pacing import Pacing
from gateway.purges.quotas import Quotas
from gateway.state import collapsing, leases
from gateway.state.database import Database
from gateway.state.leases import Lease
from gateway.state.settling import Taken

_log = structlog.stdlib.get_logger(__name__)

Settle = Callable[[sqlite3.Connection], None]
Collapsed = Callable[[str, int], None]
"""Told of a collapse: at which provider, and how many tags bigger ones took up."""


def nobody(provider: str, taken: int) -> None:
    """Hears of collapses and keeps it to itself."""
    del provider, taken


def most_of(limits: Limits, seconds: float) -> int:
    """How many tags a provider's limits let through within `seconds`."""
    each = min(limits.rate * limits.batch, limits.tag_rate)
    return int(min(limits.burst * limits.batch, limits.tag_burst) + each * seconds)


class Lane:
    """The way to one provider: one call at a time, at the provider's pace."""

    def __init__(
        self,
        database: Database,
        provider: Provider,
        pacing: Pacing,
        quotas: Quotas,
        clock: Callable[[], float],
        collapsed: Collapsed = nobody,
    ) -> None:
        self._database = database
        self._provider = provider
        self._pacing = pacing
        self._quotas = quotas
        self._pace = quotas.pace(provider)
        self._clock = clock
        self._collapsed = collapsed
        self._most = most_of(provider.limits, pacing.backlog)
        self._looked = float("-inf")

    async def step(self) -> bool:
        """Make one call with what is due; whether anything was."""
        name = self._provider.name
        if not await self._database.read(lambda c: leases.due(c, name, self._clock())):
            return False
        while pause := self._pace.delay(self._clock()):  # noqa: ASYNC110  a pause, no poll
            await asyncio.sleep(pause)
        await self._shorten()
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

    async def _shorten(self) -> None:
        """Collapse a queue that the provider's limits would not drain in time."""
        name, now = self._provider.name, self._clock()
        if abs(now - self._looked) < self._pacing.look:
            return
        self._looked = now
        if await self._database.read(lambda c: collapsing.depth(c, name)) <= self._most:
            return
        taken = await self._database.write(lambda c: collapsing.collapse(c, name, self._most))
        if taken:
            left = await self._database.read(lambda c: collapsing.depth(c, name))
            _log.warning("purges collapsed to bigger tags", provider=name, tags=taken, left=left)
            self._collapsed(name, taken)

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
        taken = self._taken(receipt)
        return lambda c: leases.confirm(c, lease, taken)

    def _taken(self, receipt: PurgeReceipt) -> Taken:
        now, pacing = self._clock(), self._pacing
        seconds = max(self._provider.settling.seconds, receipt.seconds) * pacing.settling
        return Taken(receipt.reference, now, now + pacing.second_pass, now + seconds)

    def _refused(self, lease: Lease, refusal: PurgeRefused) -> Settle:
        now, said = self._clock(), str(refusal)
        if refusal.dead:
            _log.error(
                "purge is dead", provider=self._provider.name, tags=len(lease.tags), why=said
            )
            return lambda c: leases.bury(c, lease, said, now)
        pause = self._pace.refused(now, refusal.retry_after) - now
        # For longer than this the lane waits, not the job.
        until = now + min(pause, self._pacing.longest_pause)
        _log.warning("purge refused", provider=self._provider.name, pause=round(pause, 1), why=said)
        return lambda c: leases.postpone(c, lease, said, until)

    def _let_go(self, lease: Lease) -> None:
        """Give the jobs of a call that is cut off to the next leader before the lease ends."""
        with suppress(StateUnavailable):
            now = self._clock()
            self._database.write_now(lambda c: leases.postpone(c, lease, "cut off", now))
