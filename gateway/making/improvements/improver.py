"""The improver: fulfils wishes one at a time, on all of a machine, while nobody else waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import structlog

from gateway.documents import DocumentRef
from gateway.errors import GatewayError, StateUnavailable
from gateway.making.derive import SOURCE_LIMIT
from gateway.making.improvements.announcements import Announcements
from gateway.making.improvements.wishes import Wish, Wishes
from gateway.making.shelves import PROVISIONAL, Shelf
from gateway.originals import Originals
from gateway.state.filelock import FileLock
from imaging.errors import BrokenSource, ImagingError, PageMissing, PoolBusy, WorkerLost
from imaging.names.renditions import Rendition
from imaging.rendered import Rendered

_log = structlog.stdlib.get_logger(__name__)

Outcome = Literal["better", "kept", "failed"]
Announce = Callable[[Sequence[DocumentRef]], Awaitable[None]]
Observe = Callable[[Outcome, float], None]
Make = Callable[[Wish], Awaitable[None]]


class Workshop(Protocol):
    """Makes renditions again, better, elsewhere than in this process."""

    async def improve(self, source: bytes, rendition: Rendition) -> Rendered: ...

    async def rest(self) -> None:
        """Let go of what it holds until the next improvement."""
        ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Pacing:
    """The improver's times, in seconds.

    `grace` is what a page that opens gets for the rest of its renditions before one is begun anew;
    `idle` is how long the workshop is kept without work. `gather` is longer than other processes
    have a first answer in memory, so that no cache gets it again after the purge.
    """

    grace: float = 2.0
    poll: float = 0.5
    idle: float = 60.0
    gather: float = PROVISIONAL + 2.0
    longest: float = 60.0


PACING = Pacing()


class Improver:
    """Works for one process; `lock` is the file by which one at a time works on a machine.

    `busy` says whether somebody waits for a first answer. `announce` is given the documents whose
    copies are to be asked for anew, `observe` is told each outcome and its seconds. `make` fulfils
    the wishes for what is not there yet, and raises nothing.
    """

    def __init__(
        self,
        wishes: Wishes,
        shelf: Shelf,
        originals: Originals,
        workshop: Workshop,
        lock: Path,
        *,
        busy: Callable[[], bool],
        announce: Announce,
        make: Make,
        observe: Observe = lambda outcome, seconds: None,
        clock: Callable[[], float],
    ) -> None:
        self._wishes = wishes
        self._shelf = shelf
        self._originals = originals
        self.workshop = workshop
        self._lock = lock
        self._busy = busy
        self._announce = announce
        self._make = make
        self._observe = observe
        self._clock = clock
        self._pacing = PACING
        self._announcements = Announcements(PACING.gather, PACING.longest)

    async def run(self) -> None:
        """Fulfil wishes until cancelled."""
        with closing(FileLock(self._lock)) as lock:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._work(lock))
                group.create_task(self._tell())

    async def aclose(self) -> None:
        """Close the workshop, and tell of what was improved and not yet told of."""
        await self.workshop.aclose()
        await self._told(self._announcements.rest())

    async def _work(self, lock: FileLock) -> None:
        while True:
            wish = await self._wishes.next(self._pacing.idle)
            if wish is None:
                await self.workshop.rest()
                continue
            await self._calm(wish, lock)
            try:
                await (self._make(wish) if wish.kind == "make" else self._fulfil(wish))
            finally:
                lock.give_back()

    async def _calm(self, wish: Wish, lock: FileLock) -> None:
        """Return when it is time, nobody waits here, and no other process improves anything."""
        await asyncio.sleep(max(0.0, wish.since + self._pacing.grace - self._clock()))
        while self._busy() or not lock.take():  # noqa: ASYNC110  other processes set no event
            await asyncio.sleep(self._pacing.poll)

    async def _fulfil(self, wish: Wish) -> None:
        began = self._clock()
        try:
            outcome = await self._improve(wish)
        except (ImagingError, GatewayError) as error:
            outcome = "failed"
            self._wishes.leave(wish)
            name = type(error).__name__
            _log.warning("not improved", document=wish.document.id, error=name)
        if outcome:
            self._observe(outcome, self._clock() - began)

    async def _improve(self, wish: Wish) -> Outcome | None:
        """None when there was nothing to do: another process was faster."""
        document, rendition = wish.document, wish.rendition
        first = await self._shelf.find(document, rendition)
        if first is None or first.representation.final:
            return None
        source = await self._originals.whole(document, SOURCE_LIMIT)
        try:
            better = await self.workshop.improve(source, rendition)
        except (BrokenSource, PageMissing) as error:
            if isinstance(error, WorkerLost) and error.reason == "crash":
                raise
            # It would be as much in vain the next time.
            await self._shelf.settle(document, rendition)
            return "kept"
        settled = await self._shelf.settle(document, rendition, better)
        if settled is None:
            raise PoolBusy
        if settled.etag == first.representation.etag:
            return "kept"
        self._announcements.note(document.ref, self._clock())
        _log.info(
            "improved",
            document=document.id,
            rendition=rendition.spec,
            fingerprint=better.fingerprint,
            before=first.representation.size,
            after=settled.size,
        )
        return "better"

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(self._pacing.poll)
            await self._told(self._announcements.due(self._clock(), self._wishes.of))

    async def _told(self, refs: Sequence[DocumentRef]) -> None:
        if not refs:
            return
        try:
            await self._announce(refs)
        except StateUnavailable:
            for ref in refs:
                self._announcements.note(ref, self._clock())
