"""Derive: find a rendition of a document, or make it, once for everyone who waits for it."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Protocol
from weakref import WeakValueDictionary

from gateway.caches.budget import ByteBudget
from gateway.caches.coalesce import Coalescer
from gateway.documents import Document
from gateway.errors import DocumentBroken, Overloaded
from gateway.media import MediaType
from gateway.originals import Key, Levels, Originals
from gateway.representations import Ready, Representation
from imaging.errors import BrokenSource, PageMissing, WorkerLost
from imaging.media import DICOM, PAGED, PICTURES
from imaging.rendered import ENGINE_VERSION, Rendered
from imaging.renditions import Rendition
from imaging.windows import AS_STORED

# What a worker will take in (design: at most 64 MB), and how long a bad source is not tried again.
SOURCE_LIMIT = 64 << 20
# All sources in memory at once: one link opens thousands of pages of a large document. A browser
# asks for six at a time.
SOURCES = 6 * SOURCE_LIMIT
POISONED_FOR = 600.0
POISONED = 10_000
# Renders of one document under way at a time, how long the next one waits for its turn, and how
# many workers it may cost: a PDF of slow pages must leave workers to everybody else.
ABREAST = 4
PATIENCE = 20.0
LOSSES = 3
EVERY_PAGE = -1
RENDERABLE = PICTURES | PAGED


class Renderer(Protocol):
    """Turns a source into a rendition elsewhere than in this process."""

    async def render(self, source: bytes, rendition: Rendition) -> Rendered: ...


class Deriver:
    """Finds or makes renditions.

    `clock` is monotonic, in seconds; `observe` is told of each render's kind and seconds.
    """

    def __init__(
        self,
        levels: Levels,
        originals: Originals,
        renderer: Renderer,
        dress: Callable[[Representation], Ready],
        clock: Callable[[], float],
        observe: Callable[[str, float], None] = lambda kind, seconds: None,
    ) -> None:
        self._levels = levels
        self._observe = observe
        self._originals = originals
        self._renderer = renderer
        self._dress = dress
        self._clock = clock
        self._makes: Coalescer[Key, Ready] = Coalescer()
        self._sources = ByteBudget(SOURCES)
        self._poisoned: OrderedDict[tuple[str, str, int], tuple[float, str]] = OrderedDict()
        self._pages: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._losses: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Semaphore] = WeakValueDictionary()

    def near(self, document: Document, rendition: Rendition) -> Ready | None:
        """The rendition as memory holds it, without waiting."""
        return self._levels.memory.get((document.id, document.version, rendition.spec))

    async def ready(self, document: Document, rendition: Rendition) -> tuple[Ready, bool]:
        """The rendition, and whether a cache level had it already.

        `rendition` names its format. Raises `DocumentBroken` for what can not be rendered,
        imaging's `PageMissing` and `PoolBusy`, `Overloaded`, and what the store raises.
        """
        near = self.near(document, rendition)
        if near is not None:
            return near, True
        name = _file_name(document, rendition)
        stored = await self._stored(document, rendition, name)
        if stored is not None:
            return stored, True
        self._refuse_the_hopeless(document, rendition)
        key = (document.id, document.version, rendition.spec)
        return await self._makes.load(key, lambda: self._make(document, rendition, name)), False

    def _refuse_the_hopeless(self, document: Document, rendition: Rendition) -> None:
        page = rendition.page
        if document.size == 0:
            raise DocumentBroken("empty")
        if document.sniffed not in RENDERABLE:
            raise DocumentBroken("unsupported")
        if document.size > SOURCE_LIMIT:
            raise DocumentBroken("too-large")
        if rendition.window != AS_STORED and document.sniffed != DICOM:
            raise DocumentBroken("no-window")
        for part in (page, EVERY_PAGE):
            until, reason = self._poisoned.get((document.id, document.version, part), (0.0, ""))
            if until > self._clock():
                raise DocumentBroken(reason)
        pages = self._pages.get((document.id, document.version), page)
        if page > pages:
            raise PageMissing(pages)

    async def _make(self, document: Document, rendition: Rendition, name: str) -> Ready:
        async with self._turn(document), self._levels.stripes.hold(name):
            stored = await self._stored(document, rendition, name)
            if stored is not None:
                return stored
            self._refuse_the_hopeless(document, rendition)
            rendered = await self._attempt(document, rendition)
            meta: dict[str, str | int] = {
                "media_type": rendered.media_type,
                "etag": _etag(document, rendition, rendered),
            }
            await self._levels.disk.put(name, meta, rendered.body)
            return self._keep(document, rendition, meta, rendered.body)

    @asynccontextmanager
    async def _turn(self, document: Document) -> AsyncGenerator[None]:
        """One of the few turns that a document has; raises `Overloaded` after `PATIENCE`."""
        turns = self._turns.setdefault((document.id, document.version), asyncio.Semaphore(ABREAST))
        try:
            async with asyncio.timeout(PATIENCE):
                await turns.acquire()
        except TimeoutError:
            raise Overloaded("turns") from None
        try:
            yield
        finally:
            turns.release()

    async def _attempt(self, document: Document, rendition: Rendition) -> Rendered:
        """Render, and remember what this document can not give."""
        with self._sources.reserve(document.size):
            source = await self._originals.whole(document, SOURCE_LIMIT)
            try:
                return await self._render(source, rendition)
            except BrokenSource as broken:
                lost = isinstance(broken, WorkerLost) and self._lose(document) >= LOSSES
                self._poison(document, EVERY_PAGE if lost else rendition.page, broken.reason)
                raise
            except PageMissing as missing:
                self._note_pages(document, missing.pages)
                raise

    async def _render(self, source: bytes, rendition: Rendition) -> Rendered:
        began = self._clock()
        try:
            return await self._renderer.render(source, rendition)
        finally:
            self._observe("page" if rendition.page else "image", self._clock() - began)

    async def _stored(self, document: Document, rendition: Rendition, name: str) -> Ready | None:
        cached = await self._levels.disk.get(name)
        if cached is None:
            return None
        return self._keep(document, rendition, cached.meta, cached.body)

    def _keep(
        self, document: Document, rendition: Rendition, meta: dict[str, str | int], body: bytes
    ) -> Ready:
        representation = Representation(
            document=document,
            name=rendition.spec,
            etag=f'"{meta["etag"]}"'.encode(),
            media=MediaType(str(meta["media_type"]).encode(), inline=True, pdf=False),
            size=len(body),
            body=body,
        )
        dressed = self._dress(representation)
        self._levels.memory.put(
            (document.id, document.version, rendition.spec), dressed, dressed.weight
        )
        return dressed

    def _poison(self, document: Document, page: int, reason: str) -> None:
        key = (document.id, document.version, page)
        self._poisoned[key] = (self._clock() + POISONED_FOR, reason)
        if len(self._poisoned) > POISONED:
            self._poisoned.popitem(last=False)

    def _lose(self, document: Document) -> int:
        """Count a worker that this document cost; how many they are."""
        lost = self._losses.pop((document.id, document.version), 0) + 1
        self._losses[document.id, document.version] = lost
        if len(self._losses) > POISONED:
            self._losses.popitem(last=False)
        return lost

    def _note_pages(self, document: Document, pages: int) -> None:
        self._pages[document.id, document.version] = pages
        if len(self._pages) > POISONED:
            self._pages.popitem(last=False)


def _file_name(document: Document, rendition: Rendition) -> str:
    parts = ("rendition", ENGINE_VERSION, document.id, document.version, rendition.spec)
    return sha256("\0".join(parts).encode()).hexdigest()


def _etag(document: Document, rendition: Rendition, rendered: Rendered) -> str:
    """Strong, and another one for another encoding of the same name (delivery.md)."""
    parts = (document.version, rendition.spec, ENGINE_VERSION, rendered.fingerprint)
    digest = sha256("\0".join(parts).encode()).digest()
    return urlsafe_b64encode(digest)[:22].decode()
