"""Measure: a document's width, height and pages, found once per version and then remembered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from gateway.caches.coalesce import Coalescer
from gateway.documents import Document
from gateway.errors import GatewayError
from gateway.originals import Levels, Originals
from imaging.errors import BrokenSource, ImagingError, PoolBusy, WorkerLost
from imaging.media import DICOM, PAGED, PICTURES
from imaging.rendered import ENGINE_VERSION, Description

# Pictures tell their size in front, DICOM its frames too; other pages have to be counted in the
# whole document.
HEAD = 256 << 10
WHOLE = 64 << 20
# Measuring leaves the workers' queue to renditions that somebody waits for.
ABREAST = 2


@dataclass(frozen=True, slots=True)
class Measured:
    """Pixels and pages where they are known. A PDF has pages and no pixels."""

    width: int | None = None
    height: int | None = None
    pages: int | None = None


UNKNOWN = Measured()


class Describer(Protocol):
    """Reads a source's header elsewhere than in this process."""

    async def describe(self, source: bytes) -> Description: ...


class NoDescriber:
    """For a process without render workers: nothing is measured that is not remembered."""

    async def describe(self, source: bytes) -> Description:
        """Too busy, always."""
        raise PoolBusy


class Measurer:
    """Measures documents of this machine's stores, and pictures of remote ones by their head."""

    def __init__(self, levels: Levels, originals: Originals, describer: Describer) -> None:
        self._levels = levels
        self._originals = originals
        self._describer = describer
        self._loads: Coalescer[str, Measured] = Coalescer()
        self._turns = asyncio.Semaphore(ABREAST)

    async def measure(self, document: Document) -> Measured:
        """What is known or quickly found; unknown rather than an error, for it is an extra."""
        if document.size == 0 or document.sniffed not in PICTURES | PAGED:
            return UNKNOWN
        parts = ("measure", ENGINE_VERSION, document.id, document.version)
        name = sha256("\0".join(parts).encode()).hexdigest()
        cached = await self._levels.disk.get(name)
        if cached is not None:
            found = (int(cached.meta[key]) for key in ("width", "height", "pages"))
            return Measured(*(number or None for number in found))
        return await self._loads.load(name, lambda: self._find(document, name))

    async def _find(self, document: Document, name: str) -> Measured:
        try:
            async with self._turns:
                measured = await self._describe(document)
        except WorkerLost:  # the machine's trouble, perhaps, not the document's
            return UNKNOWN
        except BrokenSource:
            measured = UNKNOWN
        except (ImagingError, GatewayError):
            return UNKNOWN
        meta: dict[str, str | int] = {
            "width": measured.width or 0,
            "height": measured.height or 0,
            "pages": measured.pages or 0,
        }
        await self._levels.disk.put(name, meta, b"")
        return measured

    async def _describe(self, document: Document) -> Measured:
        if document.sniffed in PICTURES or document.sniffed == DICOM:
            found = await self._describer.describe(await self._head(document))
            pages = found.pages if document.sniffed == DICOM else None
            return Measured(found.width, found.height, pages)
        if not self._originals.local(document) or document.size > WHOLE:
            raise GatewayError("not worth a fetch")
        found = await self._describer.describe(await self._originals.whole(document, WHOLE))
        pdf = document.sniffed == "application/pdf"
        return Measured(None if pdf else found.width, None if pdf else found.height, found.pages)

    async def _head(self, document: Document) -> bytes:
        if document.size <= HEAD:
            return await self._originals.whole(document)
        body = await self._originals.open(document, 0, HEAD - 1)
        try:
            return b"".join([bytes(chunk) async for chunk in body])
        finally:
            await body.aclose()
