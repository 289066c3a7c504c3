"""Measure: a document's size, pages and their sizes, found once per version and then remembered."""

from __future__ import annotations

import asyncio
from typing import Protocol

from gateway.caches.coalesce import Coalescer
from gateway.documents import Document
from gateway.errors import GatewayError
from gateway.making.measurements import UNKNOWN, Measured, Measurements
from gateway.originals import KEPT, Levels, Originals
from imaging.errors import BrokenSource, ImagingError, PoolBusy, SourceTooLarge, WorkerLost
from imaging.media import DICOM, PAGED, PICTURES
from imaging.rendered import SIZES, Description

# Pictures tell their size in front, DICOM its frames too; other pages have to be counted in the
# whole document.
HEAD = 256 << 10
WHOLE = 64 << 20
# Measuring leaves the workers' queue to renditions that somebody waits for.
ABREAST = 2

EMPTY = Measured(broken="empty")
_FRONT = PICTURES | {DICOM}


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
        self._measurements = Measurements(levels.disk)
        self._originals = originals
        self._describer = describer
        self._loads: Coalescer[tuple[str, str, bool], Measured] = Coalescer()
        self._turns = asyncio.Semaphore(ABREAST)

    async def measure(self, document: Document, *, fetch: bool = False) -> Measured:
        """What is known or quickly found; unknown rather than an error, for it is an extra.

        With `fetch` also documents of pages are read that are far away, up to `KEPT` octets.
        """
        if document.size == 0:
            return EMPTY
        if document.sniffed not in PICTURES | PAGED:
            return UNKNOWN
        key = (document.id, document.version, fetch)
        return await self._loads.load(key, lambda: self._find(document, fetch))

    async def _find(self, document: Document, fetch: bool) -> Measured:
        known = await self._measurements.known(document)
        if known.broken or (known.width if document.sniffed in PICTURES else known.pages):
            return known
        try:
            async with self._turns:
                measured = await self._describe(document, fetch)
        except WorkerLost:  # the machine's trouble, perhaps, not the document's
            return known
        except BrokenSource as broken:
            measured = Measured(broken=broken.reason)
        except (ImagingError, GatewayError):
            return known
        return await self._measurements.note(document, measured)

    async def _describe(self, document: Document, fetch: bool) -> Measured:
        found = await self._described(document, fetch)
        if document.sniffed in PICTURES:
            return Measured(found.width, found.height, None)
        if document.sniffed == DICOM:
            sizes = ((found.width, found.height),) * min(found.pages, SIZES)
            return Measured(found.width, found.height, found.pages, sizes)
        pdf = document.sniffed == "application/pdf"
        width, height = (None, None) if pdf else (found.width, found.height)
        return Measured(width, height, found.pages, found.sizes)

    async def _described(self, document: Document, fetch: bool) -> Description:
        if document.sniffed in _FRONT:
            try:
                head = await self._originals.head(document, HEAD)
                return await self._describer.describe(head)
            except BrokenSource as broken:
                told = isinstance(broken, (WorkerLost, SourceTooLarge))
                if told or document.size <= HEAD:
                    raise
                # A camera's notes and small pictures may stand in front of the size.
        near = self._originals.local(document)
        if document.size > (WHOLE if near else KEPT * fetch):
            raise GatewayError("not worth a fetch")
        return await self._describer.describe(await self._originals.whole(document, WHOLE))
