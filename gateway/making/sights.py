"""Sights: what is seen of each document, found once per version and then remembered."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Protocol

from gateway.caches.coalesce import Coalescer
from gateway.caches.entry import Meta
from gateway.documents import Document
from gateway.errors import GatewayError, Overloaded
from gateway.making.choices import SMALL, Sight, Unseen
from gateway.originals import KEPT, Levels, Originals
from imaging.encoding.glances import Glance, glance_of
from imaging.errors import BrokenSource, ImagingError, WorkerLost
from imaging.media import PAGED, PICTURES
from imaging.names.negotiate import BY_ALL
from imaging.rendered import ENGINE_VERSION

# What a worker takes in, and how many documents are looked at abreast: those who wait for a
# rendition find the other workers.
LARGEST = 64 << 20
ABREAST = 2
PATIENCE = 20.0
# What is remembered in memory, and how long a document that cost a worker is let alone.
REMEMBERED = 10_000
LET_ALONE = 600.0


class Glancer(Protocol):
    """Looks at a source elsewhere than in this process."""

    async def glance(self, source: bytes) -> Glance: ...


class Sights:
    """What is seen of documents; `clock` is monotonic, in seconds."""

    def __init__(
        self, levels: Levels, originals: Originals, glancer: Glancer, clock: Callable[[], float]
    ) -> None:
        self._levels = levels
        self._originals = originals
        self._glancer = glancer
        self._clock = clock
        self._loads: Coalescer[str, Sight] = Coalescer()
        self._turns = asyncio.Semaphore(ABREAST)
        self._known: OrderedDict[str, tuple[Sight, float]] = OrderedDict()

    def near(self, document: Document) -> Sight | None:
        """What memory holds, without waiting."""
        return _plain(document) or self._recall(_name(document))

    async def of(self, document: Document) -> Sight:
        """What is seen of the document.

        Raises `Overloaded`, imaging's `PoolBusy`, and what the store raises.
        """
        near = self.near(document)
        if near is not None:
            return near
        name = _name(document)
        return await self._loads.load(name, lambda: self._find(document, name))

    async def cheaply(self, document: Document) -> Sight | None:
        """The same where it is an extra: None when it takes a large fetch or can not be had now."""
        near = self.near(document)
        if near is not None:
            return near
        if document.size > KEPT and not self._originals.local(document):
            return None
        try:
            return await self.of(document)
        except (ImagingError, GatewayError):
            return None

    async def _find(self, document: Document, name: str) -> Sight:
        cached = await self._levels.disk.get(name)
        if cached is not None:
            return self._remember(name, _recalled(cached.meta))
        async with self._levels.stripes.hold(name):
            cached = await self._levels.disk.get(name)
            if cached is not None:
                return self._remember(name, _recalled(cached.meta))
            sight = await self._look(document)
            if not isinstance(sight, Unseen) or sight.final:
                await self._levels.disk.put(name, _noted(sight), b"")
            return self._remember(name, sight)

    async def _look(self, document: Document) -> Sight:
        await self._turn()
        try:
            return await self._glancer.glance(await self._originals.whole(document, LARGEST))
        except WorkerLost as lost:  # the machine's trouble, perhaps, not the document's
            return Unseen(lost.reason, final=False)
        except BrokenSource as broken:
            return Unseen(broken.reason)
        finally:
            self._turns.release()

    async def _turn(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._turns.acquire()
        except TimeoutError:
            raise Overloaded("turns") from None

    def _recall(self, name: str) -> Sight | None:
        sight, until = self._known.get(name, (None, 0.0))
        if sight is None or until < self._clock():
            return None
        self._known.move_to_end(name)
        return sight

    def _remember(self, name: str, sight: Sight) -> Sight:
        lasting = not isinstance(sight, Unseen) or sight.final
        self._known[name] = sight, float("inf") if lasting else self._clock() + LET_ALONE
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return sight


def _plain(document: Document) -> Unseen | None:
    """Why there is nothing to look at, when that is told without looking."""
    if document.size == 0:
        return Unseen("empty")
    if document.sniffed not in PICTURES | PAGED:
        return Unseen("no-picture")
    if document.size > LARGEST:
        return Unseen("too-large")
    if document.size <= SMALL and document.sniffed in BY_ALL:
        return Unseen("small")
    return None


def _name(document: Document) -> str:
    parts = ("sight", ENGINE_VERSION, document.id, document.version)
    return sha256("\0".join(parts).encode()).hexdigest()


def _noted(sight: Sight) -> Meta:
    return {"unseen": sight.reason} if isinstance(sight, Unseen) else sight.fields


def _recalled(meta: Meta) -> Sight:
    if "unseen" in meta:
        return Unseen(str(meta["unseen"]))
    return glance_of(lambda name: str(meta[name]), lambda name: int(meta[name]))
