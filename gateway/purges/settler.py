"""The settler: asks CDNs whether they have carried out what they took, or gives them their time."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial

import structlog

from cdn.errors import PurgeLost, PurgeRefused
from cdn.providers.base import Provider
from gateway.errors import StateUnavailable
from gateway.purges.pacing import Pacing
from gateway.state import settling
from gateway.state.database import Database
from gateway.state.settling import Unsettled

# Questions to one CDN in a row.
_ABREAST = 20

_log = structlog.stdlib.get_logger(__name__)

Work = Callable[[sqlite3.Connection], None]


class Settler:
    """Works for one provider, in the process that leads."""

    def __init__(
        self, database: Database, provider: Provider, pacing: Pacing, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._provider = provider
        self._pacing = pacing
        self._clock = clock

    async def run(self) -> None:
        """Ask whenever anything is due, until cancelled."""
        while True:
            try:
                await self.step()
            except StateUnavailable as error:
                _log.warning("purges wait for the database", detail=str(error))
            except Exception:
                _log.exception("asking about purges broke")
            await asyncio.sleep(self._pacing.poll)

    async def step(self) -> None:
        """Ask about what is due now."""
        name, now = self._provider.name, self._clock()
        for what in await self._database.read(lambda c: settling.due(c, name, now, _ABREAST)):
            work = await self._asked(what)
            await self._database.write(work)

    async def _asked(self, what: Unsettled) -> Work:
        """What the provider's answer means."""
        name = self._provider.name
        try:
            async with asyncio.timeout(self._pacing.call):
                done = await self._provider.settled(what.reference)
        except PurgeLost as lost:
            _log.warning("purge was lost", provider=name, why=str(lost))
            again, said = self._later(), str(lost)
            return lambda c: settling.lose(c, name, what, again, said)
        except PurgeRefused as refusal:
            return self._unknown(what, str(refusal), refusal.retry_after or 0.0)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # The provider's own doing, not the end of this settler.
            return self._unknown(what, f"{name} can not be asked: cancelled")
        except Exception as error:  # nothing that a provider does may confirm a purge
            return self._unknown(what, f"{name} can not be asked: {type(error).__name__}")
        if done:
            return partial(settling.settle, provider=name, what=what, now=self._clock())
        return partial(settling.postpone, provider=name, what=what, until=self._later())

    def _unknown(self, what: Unsettled, said: str, wait: float = 0.0) -> Work:
        name, now = self._provider.name, self._clock()
        _log.warning("purge is not known to be done", provider=name, why=said)
        if now - what.at > self._pacing.unsettled:
            return lambda c: settling.bury(c, name, what, now, said)
        until = max(self._later(), now + min(wait, self._pacing.longest_pause))
        return lambda c: settling.postpone(c, name, what, until, said)

    def _later(self) -> float:
        return self._clock() + max(
            self._provider.settling.seconds * self._pacing.settling, self._pacing.poll
        )
