"""Derive: find what is made of a document, or make it, once for everyone who waits for it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Protocol
from weakref import WeakValueDictionary

from gateway.caches.budget import ByteBudget
from gateway.caches.coalesce import Coalescer
from gateway.documents import Document
from gateway.errors import DocumentBroken, Overloaded
from gateway.making.masters import Masters, Printer
from gateway.making.shelves import Made, Shelf, name_of
from gateway.originals import Key, Levels, Originals
from gateway.representations import Ready
from imaging.conversions import KEPT, LINEAR, PDF, Conversion, Converted
from imaging.errors import BrokenSource, PageMissing, WorkerLost
from imaging.media import DICOM, PAGED, PICTURES
from imaging.names.renditions import Product, Rendition
from imaging.names.windows import AS_STORED
from imaging.pdf.linear import HEAD, linearised

# What a worker will take in (design: at most 64 MB), and how long a bad source is not tried again.
SOURCE_LIMIT = 64 << 20
# All sources in memory at once: one link opens thousands of pages of a large document. A browser
# asks for six at a time. A linearised copy takes its source's room, and that twice again while it
# comes from the worker.
SOURCES = 6 * SOURCE_LIMIT
COPIED = 3
POISONED_FOR = 600.0
POISONED = 10_000
# Renders of one document under way at a time, how long the next one waits for its turn, and how
# many workers it may cost: a PDF of slow pages must leave workers to everybody else.
ABREAST = 4
PATIENCE = 20.0
LOSSES = 3
EVERY_PAGE = -1
RENDERABLE = PICTURES | PAGED


class Renderer(Printer, Protocol):
    """Turns a source into what is made of it elsewhere than in this process."""

    async def convert(self, source: bytes, conversion: Conversion) -> Converted: ...


class Deriver:
    """Finds or makes renditions, linearised copies and the text of pages.

    `clock` is monotonic, in seconds; `observe` is told of each render's kind and seconds.
    """

    def __init__(
        self,
        levels: Levels,
        originals: Originals,
        renderer: Renderer,
        shelf: Shelf,
        clock: Callable[[], float],
        observe: Callable[[str, float], None] = lambda kind, seconds: None,
    ) -> None:
        self._levels = levels
        self._observe = observe
        self._originals = originals
        self._renderer = renderer
        self._masters = Masters(levels.disk, renderer)
        self._shelf = shelf
        self._clock = clock
        self._makes: Coalescer[Key, Ready] = Coalescer()
        self._sources = ByteBudget(SOURCES)
        self._poisoned: OrderedDict[tuple[str, str, int | str], tuple[float, str]] = OrderedDict()
        self._pages: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._losses: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Semaphore] = WeakValueDictionary()

    def near(self, document: Document, product: Product) -> Ready | None:
        """What memory holds of it, without waiting."""
        return self._shelf.near(document, product)

    async def ready(self, document: Document, product: Product) -> tuple[Ready, bool]:
        """What was asked for, and whether a cache level had it already.

        A rendition names its format. Raises `DocumentBroken` for what can not be made, imaging's
        `PageMissing` and `PoolBusy`, `Overloaded`, and what the store raises.
        """
        found = self.near(document, product) or await self._shelf.find(document, product)
        if found is not None:
            return found, True
        self._refuse_the_hopeless(document, product)
        key = (document.id, document.version, product.identity)
        return await self._makes.load(key, lambda: self._make(document, product)), False

    def _refuse_the_hopeless(self, document: Document, product: Product) -> None:
        if document.size == 0:
            raise DocumentBroken("empty")
        if isinstance(product, Conversion) and document.sniffed != PDF:
            raise DocumentBroken(product.refusal)
        if document.sniffed not in RENDERABLE:
            raise DocumentBroken("unsupported")
        # What is linearised already may have any size: that is seen in its first octets.
        if document.size > SOURCE_LIMIT and product.spec != LINEAR:
            raise DocumentBroken("too-large")
        if _windowed(product) and document.sniffed != DICOM:
            raise DocumentBroken("no-window")
        for part in (_part(product), EVERY_PAGE):
            until, reason = self._poisoned.get((document.id, document.version, part), (0.0, ""))
            if until > self._clock():
                raise DocumentBroken(reason)
        pages = self._pages.get((document.id, document.version), product.page)
        if product.page > pages:
            raise PageMissing(pages)

    async def _make(self, document: Document, product: Product) -> Ready:
        stripes = self._levels.stripes
        async with self._turn(document), stripes.hold(name_of(document, product)):
            stored = await self._shelf.find(document, product)
            if stored is not None:
                return stored
            self._refuse_the_hopeless(document, product)
            if product.spec == LINEAR and await self._linearised(document):
                return await self._shelf.put(document, product, KEPT)
            with self._sources.reserve(_room(document, product)):
                made = await self._attempt(document, product)
                return await self._shelf.put(document, product, made)

    async def _linearised(self, document: Document) -> bool:
        """Whether the original is linearised. Raises `DocumentBroken` when it could not be made."""
        if linearised(await self._originals.head(document, HEAD), document.size):
            return True
        if document.size > SOURCE_LIMIT:
            raise DocumentBroken("too-large")
        return False

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

    async def _attempt(self, document: Document, product: Product) -> Made:
        """Make it, and remember what this document can not give."""
        if printed := await self._printed(document, product):
            return printed
        source = await self._originals.whole(document, SOURCE_LIMIT)
        try:
            return await self._made(document, product, source)
        except BrokenSource as broken:
            lost = isinstance(broken, WorkerLost) and self._lose(document) >= LOSSES
            self._poison(document, EVERY_PAGE if lost else _part(product), broken.reason)
            raise
        except PageMissing as missing:
            self._note_pages(document, missing.pages)
            raise

    async def _printed(self, document: Document, product: Product) -> Made | None:
        """What can be made without the source."""
        if isinstance(product, Conversion):
            return None
        began = self._clock()
        printed = await self._masters.printed(document, product)
        if printed:
            self._observe(_kind(product), self._clock() - began)
        return printed

    async def _made(self, document: Document, product: Product, source: bytes) -> Made:
        began = self._clock()
        try:
            if isinstance(product, Conversion):
                return await self._renderer.convert(source, product)
            return await self._masters.rendered(document, product, source)
        finally:
            self._observe(_kind(product), self._clock() - began)

    def _poison(self, document: Document, part: int | str, reason: str) -> None:
        key = (document.id, document.version, part)
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


def _part(product: Product) -> int | str:
    """What of a document turns out bad: a page's picture, its text, or the linearised whole."""
    return product.spec if isinstance(product, Conversion) else product.page


def _windowed(product: Product) -> bool:
    return isinstance(product, Rendition) and product.window != AS_STORED


def _room(document: Document, product: Product) -> int:
    return document.size * (COPIED if product.spec == LINEAR else 1)


def _kind(product: Product) -> str:
    if isinstance(product, Conversion):
        return product.kind
    return "page" if product.page else "image"
