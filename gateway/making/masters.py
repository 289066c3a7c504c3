"""Masters: what spares a rendition its source, kept for each version of a document.

A worker that has scaled a picture encodes it in another format; and pages that are slow to decode
leave a smaller picture behind, on disk alone, that later renditions are made of. No link opens it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import replace
from hashlib import sha256
from typing import Protocol
from weakref import WeakValueDictionary

from gateway.caches.disk import DiskCache
from gateway.documents import Document
from imaging.errors import BrokenSource
from imaging.masters.masters import NO_MASTER, Master, master_of
from imaging.masters.prints import printable, serves
from imaging.names.renditions import Rendition
from imaging.rendered import ENGINE_VERSION, Rendered

# A rung up to here leaves a master if the page is worth one, so that another need not be tried.
_TELLING = 1920
_BARE = 10_000


class Printer(Protocol):
    """Makes renditions elsewhere than in this process: `of` names the octets of a source."""

    async def render(
        self, source: bytes, rendition: Rendition, of: str = "", *, develop: bool = False
    ) -> Rendered: ...

    async def recall(self, rendition: Rendition, of: str) -> Rendered | None:
        """Of a picture that is scaled already; None when it is not."""
        ...

    async def reprint(
        self, master: Master, rendition: Rendition, of: str, origin: tuple[str, int]
    ) -> Rendered:
        """Of a master, whose source has that media type and so many octets."""
        ...


class Masters:
    """Makes renditions, without their source where that can be."""

    def __init__(self, disk: DiskCache, printer: Printer) -> None:
        self._disk = disk
        self._printer = printer
        self._making: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._bare: OrderedDict[str, None] = OrderedDict()

    async def printed(self, document: Document, rendition: Rendition) -> Rendered | None:
        """The rendition made without its source; None when that can not be."""
        of = _name("source", document)
        try:
            if made := await self._printer.recall(rendition, of):
                return made
            master = await self._find(document, rendition)
            if not (master and serves(master, rendition, document.sniffed)):
                return None
            origin = document.sniffed, document.size
            return await self._printer.reprint(master, rendition, of, origin)
        except BrokenSource:  # not the document's fault, which nobody has looked at
            await self._disk.drop(_master_name(document, rendition))
            return None

    async def rendered(self, document: Document, rendition: Rendition, source: bytes) -> Rendered:
        """The rendition made of its source; leaves a master if the page is worth one.

        Who comes while a page may be leaving one waits for it, unless it is known to leave none.
        """
        name = _master_name(document, rendition)
        if name in self._bare or not (_telling(rendition) and _leaves_one(document, rendition)):
            return await self._render(document, rendition, source)
        async with self._making.setdefault(name, asyncio.Lock()):
            if printed := await self.printed(document, rendition):
                return printed
            return await self._render(document, rendition, source)

    async def _render(self, document: Document, rendition: Rendition, source: bytes) -> Rendered:
        name, of = _master_name(document, rendition), _name("source", document)
        wanted = _leaves_one(document, rendition) and name not in self._bare
        develop = wanted and not await self._find(document, rendition)
        made = await self._printer.render(source, rendition, of, develop=develop)
        if develop and made.master:
            told = {**made.master.told(), "size": "{!r} {!r}".format(*made.master.size)}
            meta = {key: value for key, value in told.items() if isinstance(value, int | str)}
            await self._disk.put(name, meta, made.master.body)
        elif develop and _telling(rendition):
            self._note_bare(name)
        return replace(made, master=NO_MASTER)

    def _note_bare(self, name: str) -> None:
        self._bare[name] = None
        if len(self._bare) > _BARE:
            self._bare.popitem(last=False)

    async def _find(self, document: Document, rendition: Rendition) -> Master:
        if not _leaves_one(document, rendition):
            return NO_MASTER
        cached = await self._disk.get(_master_name(document, rendition))
        if cached is None:
            return NO_MASTER
        size = [float(side) for side in str(cached.meta["size"]).split()]
        return master_of({**cached.meta, "size": size}, cached.body)


def _leaves_one(document: Document, rendition: Rendition) -> bool:
    return printable(rendition, document.sniffed)


def _telling(rendition: Rendition) -> bool:
    """Whether a page that is worth a master is sure to leave one with this rendition."""
    return 0 < rendition.width <= _TELLING and not rendition.height


def _master_name(document: Document, rendition: Rendition) -> str:
    """Its name among files: each page has its own, and each window that it is seen through."""
    page = str(max(rendition.page, 1))
    return _name("master", document, ENGINE_VERSION, page, rendition.window.text)


def _name(kind: str, document: Document, *more: str) -> str:
    return sha256("\0".join((kind, document.id, document.version, *more)).encode()).hexdigest()
