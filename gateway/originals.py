"""Originals: the bytes of documents, through the cache levels, each fetched once.

Small ones are kept in memory; those of a remote store up to `KEPT` octets also on disk, so that
one fetch serves every task and every worker of this machine. What is not small is streamed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from gateway.caches.coalesce import Coalescer, Stripes
from gateway.caches.disk import DiskCache
from gateway.caches.memory import MemoryCache
from gateway.documents import Document
from gateway.errors import DocumentBroken, StoreUnavailable
from gateway.representations import Ready, Representation
from gateway.stores import CHUNK, Body, Store
from gateway.wire.ranges import ByteRange

SMALL = 1 << 20
KEPT = 16 << 20
# Up to here a remote document is sent from the disk's copy, which is in memory as long.
HELD = 4 << 20
# What one open stream holds of memory: its chunk and the transport's buffer.
LOCAL_READER = 512 << 10
REMOTE_READER = 1280 << 10

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Levels:
    """The cache levels and locks that originals and renditions share.

    Who holds one of `stripes` may wait for one of `sources`, and never the other way round: in
    one set the two could be the same file, and its holder would wait for itself.
    """

    memory: MemoryCache[Ready]
    disk: DiskCache
    stripes: Stripes
    sources: Stripes


class Originals:
    """Gives the original of a document: whole from a cache level, or open for streaming."""

    def __init__(
        self,
        levels: Levels,
        store_of: Callable[[Document], Store],
        dress: Callable[[Representation], Ready],
    ) -> None:
        self._levels = levels
        self._store_of = store_of
        self._dress = dress
        self._loads: Coalescer[Key, bytes] = Coalescer()

    def near(self, document: Document) -> Ready | None:
        """The original as memory holds it, without waiting."""
        return self._levels.memory.get(_key(document))

    def keep(self, document: Document, body: bytes) -> None:
        """Put a small original, just read, into memory."""
        dressed = self._dress(_representation(document, body))
        self._levels.memory.put(_key(document), dressed, dressed.weight)

    async def ready(self, document: Document) -> Ready:
        """The original, with its body when it is small enough to be kept near."""
        near = self.near(document)
        if near is not None:
            return near
        if document.size > SMALL:
            return self._dress(_representation(document, None))
        body = await self.whole(document)
        return self.near(document) or self._dress(_representation(document, body))

    async def whole(self, document: Document, limit: int = KEPT) -> bytes:
        """All octets of a document of at most `limit` octets.

        Raises `DocumentBroken("too-large")` beyond that, and what the store raises.
        """
        if document.size > limit:
            raise DocumentBroken("too-large")
        near = self.near(document)
        if near is not None and near.representation.body is not None:
            return near.representation.body
        return await self._loads.load(_key(document), lambda: self._fetch(document))

    async def head(self, document: Document, octets: int) -> bytes:
        """The first so many octets, or all of a shorter document; raises what the store raises."""
        if document.size <= octets:
            return await self.whole(document)
        body = await self.open(document, 0, octets - 1)
        try:
            return b"".join([chunk async for chunk in body])
        finally:
            await body.aclose()

    async def open(self, document: Document, first: int = 0, last: int | None = None) -> Body:
        """A stream of this very version from its store."""
        ref = document.ref
        return await self._store_of(document).open(
            ref.bucket, ref.key, first=first, last=last, identity=document.identity
        )

    async def stream(
        self, document: Document, parts: Sequence[bytes | ByteRange]
    ) -> AsyncGenerator[bytes | memoryview, None]:
        """Octets in hand and ranges of the document, in order, in chunks.

        Raises what the store raises, at the first chunk or at any later one.
        """
        whole = memoryview(await self.whole(document)) if self._held(document) else None
        for part in parts:
            if isinstance(part, bytes):
                yield part
            elif whole is not None:
                for first in range(part.first, part.last + 1, CHUNK):
                    yield whole[first : min(first + CHUNK, part.last + 1)]
            else:
                body = await self.open(document, part.first, part.last)
                try:
                    async for chunk in body:
                        yield chunk
                finally:
                    await body.aclose()

    def cost(self, document: Document) -> int:
        """The octets of memory that one stream of the document may hold."""
        if self._held(document):
            return document.size + LOCAL_READER
        return LOCAL_READER if self.local(document) else REMOTE_READER

    def local(self, document: Document) -> bool:
        """Whether the document's bytes are on this machine."""
        return self._store_of(document).local

    def _held(self, document: Document) -> bool:
        return not self.local(document) and document.size <= HELD

    def _on_disk(self, document: Document) -> bool:
        return not self.local(document) and document.size <= KEPT

    async def _fetch(self, document: Document) -> bytes:
        if self._on_disk(document):
            body = await self._through_disk(document)
        else:
            body = await self._read(document)
        if len(body) <= SMALL:
            self.keep(document, body)
        return body

    async def _through_disk(self, document: Document) -> bytes:
        name = sha256("\0".join(("original", document.id, document.version)).encode()).hexdigest()
        cached = await self._levels.disk.get(name)
        if cached is None:
            async with self._levels.sources.hold(name):
                cached = await self._levels.disk.get(name)
                if cached is None:
                    body = await self._read(document)
                    await self._levels.disk.put(name, {}, body)
                    return body
        return cached.body

    async def _read(self, document: Document) -> bytes:
        opened = await self.open(document)
        try:
            body = b"".join([chunk async for chunk in opened])
        finally:
            await opened.aclose()
        if len(body) != document.size:
            raise StoreUnavailable("the store sent another number of octets than it promised")
        return body


def _key(document: Document) -> Key:
    return (document.id, document.version, "original")


def _representation(document: Document, body: bytes | None) -> Representation:
    return Representation(
        document=document,
        name="original",
        etag=b'"' + document.etag.encode() + b'"',
        media=document.media,
        size=document.size,
        body=body,
    )
