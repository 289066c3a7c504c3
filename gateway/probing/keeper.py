"""The keeper: has each zone's CDN asked again and again, and writes down what was found."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from time import time

import structlog

from gateway.errors import StateUnavailable
from gateway.probing.findings import Report
from gateway.probing.standings import PERIOD, Standings
from gateway.state import proofs
from gateway.state.database import Database
from gateway.state.filelock import FileLock
from gateway.state.proofs import Proof

_log = structlog.stdlib.get_logger(__name__)

Round = Callable[[str], Awaitable[Report]]
"""Asks the CDN of a zone all questions once."""

Withdraw = Callable[[sqlite3.Connection, str, float], None]
"""Has shared caches forget all of a zone, at a time, in the caller's transaction."""


def keep_all(connection: sqlite3.Connection, zone: str, now: float) -> None:
    """Withdraw nothing."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds before the first round, between rounds, and after one that found nothing out.

    The last doubles up to `period`: at a start the CDN may not reach the gateway yet.
    """

    first: float = 1.0
    period: float = PERIOD
    retry: float = 5.0
    lead: float = 2.0


class Keeper:
    """Works for all processes of a host: the one that holds data/canary.lock."""

    def __init__(
        self,
        database: Database,
        standings: Standings,
        ask: Round,
        counted: Callable[[str], None] = lambda outcome: None,
        rhythm: Rhythm | None = None,
        withdraw: Withdraw = keep_all,
        clock: Callable[[], float] = time,
    ) -> None:
        self._database = database
        self.standings = standings
        self._ask = ask
        self._counted = counted
        self._rhythm = rhythm or Rhythm()
        self._withdraw = withdraw
        self._clock = clock
        self._path = database.path.with_name("canary.lock")

    async def run(self) -> None:
        """Ask for ever, as soon as nobody else does, until cancelled."""
        with closing(FileLock(self._path)) as lock:
            while not lock.take():  # noqa: ASYNC110  the holder is another process
                await asyncio.sleep(self._rhythm.lead)
            async with asyncio.TaskGroup() as group:
                for zone in self.standings.bindings:
                    group.create_task(self._keep(zone))
                if not self.standings.bindings:
                    await asyncio.Event().wait()

    async def _keep(self, zone: str) -> None:
        rhythm, retry = self._rhythm, self._rhythm.retry
        await asyncio.sleep(rhythm.first)
        while True:
            began = self._clock()
            report = await self._ask(zone)
            found = self._clock()
            while not await self._noted(zone, report, found):  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(rhythm.retry)
            if report.outcome == "unproven":
                await asyncio.sleep(retry)
                retry = min(2 * retry, rhythm.period)
            else:
                retry = rhythm.retry
                left = began + rhythm.period - self._clock()
                # No longer than a period, wherever the clock was set meanwhile.
                await asyncio.sleep(min(rhythm.period, max(retry, left)))

    async def _noted(self, zone: str, report: Report, now: float) -> bool:
        """Whether it is written down; what failed is heeded here though it is not."""
        config, withdraw = self.standings.bindings[zone], self._withdraw
        before = self.standings.state(zone, now)
        try:
            await self._database.write(lambda c: written(c, (zone, config), report, now, withdraw))
        except StateUnavailable as error:
            _log.warning("a canary's proof waits for the database", zone=zone, detail=str(error))
            if report.outcome == "failed":
                self.standings.distrust(zone)
            return False
        self._counted(report.outcome)
        wrong = {one.name: one.what for one in report.wrong}
        if report.outcome == "failed":
            _log.error("THE CDN GIVES DOCUMENTS AWAY: the zone is private", zone=zone, found=wrong)
        elif report.outcome == "unproven":
            _log.error("canary unproven", zone=zone, standing=before, found=wrong)
        elif before != "proven":
            _log.info("canary proven", zone=zone)
        return True


def written(
    connection: sqlite3.Connection,
    about: tuple[str, str],
    report: Report,
    now: float,
    withdraw: Withdraw = keep_all,
) -> Proof:
    """Write down what was found about a zone and its configuration, in the caller's transaction.

    Of a zone that had not failed before and fails now, what caches hold is withdrawn as well:
    being private from now on calls nothing back.
    """
    zone, config = about
    earlier = proofs.known(connection).get(zone)
    known = earlier is not None and (earlier.config, earlier.outcome) == (config, "failed")
    if report.outcome == "failed" and not known:
        withdraw(connection, zone, now)
    return proofs.note(connection, zone, config, (report.outcome, report.text), now)
