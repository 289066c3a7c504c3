"""Measure: a document's size, pages and their sizes, found once per version and then remembered."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from gateway.caches.coalesce import Coalescer
from gateway.caches.entry import Meta
from gateway.documents import Document
from gateway.errors import GatewayError
from gateway.originals import KEPT, Levels, Originals
from imaging.errors import BrokenSource, ImagingError, PoolBusy, WorkerLost
from imaging.media import DICOM, PAGED, PICTURES
from imaging.rendered import ENGINE_VERSION, SIZES, Description

# Pictures tell their size in front, DICOM its frames too; other pages have to be counted in the
# whole document.
HEAD = 256 << 10
WHOLE = 64 << 20
# Measuring leaves the workers' queue to renditions that somebody waits for.
ABREAST = 2


@dataclass(frozen=True, slots=True)
class Measured:
    """Pixels and pages where they are known. A PDF has pages and no pixels.

    `sizes` are those of the first pages, as `Description` has them; `broken` is the reason why
    nothing can be made of the document, empty when none is known.
    """

    width: int | None = None
    height: int | None = None
    pages: int | None = None
    sizes: tuple[tuple[float, float], ...] = ()
    broken: str = ""


UNKNOWN = Measured()
EMPTY = Measured(broken="empty")


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
        self._loads: Coalescer[tuple[str, bool], Measured] = Coalescer()
        self._turns = asyncio.Semaphore(ABREAST)

    async def measure(self, document: Document, *, fetch: bool = False) -> Measured:
        """What is known or quickly found; unknown rather than an error, for it is an extra.

        With `fetch` also documents of pages are read that are far away, up to `KEPT` octets.
        """
        if document.size == 0:
            return EMPTY
        if document.sniffed not in PICTURES | PAGED:
            return UNKNOWN
        parts = ("measured", ENGINE_VERSION, document.id, document.version)
        name = sha256("\0".join(parts).encode()).hexdigest()
        return await self._loads.load((name, fetch), lambda: self._find(document, name, fetch))

    async def _find(self, document: Document, name: str, fetch: bool) -> Measured:
        cached = await self._levels.disk.get(name)
        if cached is not None:
            return _recalled(cached.meta)
        try:
            async with self._turns:
                measured = await self._describe(document, fetch)
        except WorkerLost:  # the machine's trouble, perhaps, not the document's
            return UNKNOWN
        except BrokenSource as broken:
            measured = Measured(broken=broken.reason)
        except (ImagingError, GatewayError):
            return UNKNOWN
        await self._levels.disk.put(name, _noted(measured), b"")
        return measured

    async def _describe(self, document: Document, fetch: bool) -> Measured:
        if document.sniffed in PICTURES:
            found = await self._describer.describe(await self._head(document))
            return Measured(found.width, found.height, None)
        if document.sniffed == DICOM:
            found = await self._describer.describe(await self._head(document))
            sizes = ((found.width, found.height),) * min(found.pages, SIZES)
            return Measured(found.width, found.height, found.pages, sizes)
        near = self._originals.local(document)
        if document.size > (WHOLE if near else KEPT * fetch):
            raise GatewayError("not worth a fetch")
        found = await self._describer.describe(await self._originals.whole(document, WHOLE))
        pdf = document.sniffed == "application/pdf"
        width, height = (None, None) if pdf else (found.width, found.height)
        return Measured(width, height, found.pages, found.sizes)

    async def _head(self, document: Document) -> bytes:
        return await self._originals.head(document, HEAD)


def _noted(measured: Measured) -> Meta:
    return {
        "width": measured.width or 0,
        "height": measured.height or 0,
        "pages": measured.pages or 0,
        "sizes": json.dumps(measured.sizes),
        "broken": measured.broken,
    }


def _recalled(meta: Meta) -> Measured:
    width, height, pages = (int(meta[key]) or None for key in ("width", "height", "pages"))
    sizes = tuple((across, down) for across, down in json.loads(str(meta["sizes"])))
    return Measured(width, height, pages, sizes, str(meta["broken"]))
