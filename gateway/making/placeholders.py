"""Placeholders: what stands for documents until their pictures are there, made when asked for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Protocol

from gateway.documents import Document
from gateway.errors import GatewayError
from gateway.making.measure import Measurer
from gateway.making.measurements import Measured, Measurements
from gateway.originals import KEPT, Levels, Originals
from gateway.representations import Ready
from imaging.errors import ImagingError
from imaging.media import PAGED, PICTURES
from imaging.names.renditions import LADDER, Product, Rendition

# Whoever asks what a document is waits so many seconds at most, and takes so many workers.
PATIENCE = 5.0
ABREAST = 2


class Maker(Protocol):
    """Finds or makes what is asked for of a document, and says whether it was there."""

    async def ready(self, document: Document, product: Product) -> tuple[Ready, bool]: ...


class Placeholders:
    """Measures documents, and has their smallest picture made where no placeholder is known."""

    def __init__(
        self, levels: Levels, originals: Originals, measurer: Measurer, maker: Maker
    ) -> None:
        self._measurements = Measurements(levels.disk)
        self._originals = originals
        self._measurer = measurer
        self._maker = maker
        self._turns = asyncio.Semaphore(ABREAST)

    async def measure(self, document: Document) -> Measured:
        """All that can be found of the document; unknown rather than an error.

        A picture that takes longer is made all the same, and known to the next who asks.
        """
        measured = await self._measurer.measure(document, fetch=True)
        if measured.placeholder or measured.broken or not self._worth(document):
            return measured
        try:
            async with asyncio.timeout(PATIENCE), self._turns:
                smallest, _ = await self._maker.ready(document, _smallest(document))
        except (TimeoutError, ImagingError, GatewayError):
            return measured
        measured = await self._measurer.measure(document, fetch=True)
        if measured.placeholder or not smallest.representation.placeholder:
            return measured
        # The picture is older than what is remembered of its document.
        placeholder = smallest.representation.placeholder
        return await self._measurements.note(document, replace(measured, placeholder=placeholder))

    def _worth(self, document: Document) -> bool:
        near = document.size <= KEPT or self._originals.local(document)
        return near and document.sniffed in PICTURES | PAGED


def _smallest(document: Document) -> Rendition:
    page = 1 if document.sniffed in PAGED else 0
    return Rendition(page=page, width=LADDER[0], format="webp")
