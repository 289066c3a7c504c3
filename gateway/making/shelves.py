"""Shelves: where what was made of documents is kept, in memory and on disk, and found again."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import inf
from typing import TypeAlias

from gateway.caches.disk import DiskCache
from gateway.caches.entry import Meta
from gateway.caches.opened import OpenEntry
from gateway.documents import Document
from gateway.errors import StoreUnavailable
from gateway.making.measurements import Measurements
from gateway.originals import LOCAL_READER, SMALL, Key, Levels, Originals
from gateway.representations import Ready, Representation
from gateway.stores import CHUNK
from gateway.wire.media import MediaType
from gateway.wire.ranges import ByteRange
from imaging.conversions import KEPT, LINEAR, PDF, Converted
from imaging.names.renditions import Product, Rendition
from imaging.rendered import ENGINE_VERSION, Rendered

Made: TypeAlias = Rendered | Converted

# How long memory holds an answer that another process may have made better.
PROVISIONAL = 10.0

_GONE = "a copy on disk is gone"


@dataclass(frozen=True, slots=True)
class Copy:
    """A body that the disk cache keeps under `name`, too large for memory: read in parts."""

    disk: DiskCache
    name: str

    def cost(self, document: Document) -> int:
        """The octets of memory that one stream may hold."""
        return LOCAL_READER

    async def stream(
        self, document: Document, parts: Sequence[bytes | ByteRange]
    ) -> AsyncGenerator[bytes | memoryview, None]:
        """Octets in hand and ranges of the body, in order, in chunks.

        Raises `StoreUnavailable` when the disk has it no more.
        """
        entry = await self.disk.open(self.name)
        if entry is None:
            raise StoreUnavailable(_GONE)
        try:
            for part in parts:
                if isinstance(part, bytes):
                    yield part
                    continue
                for first in range(part.first, part.last + 1, CHUNK):
                    yield await entry.read(first, min(first + CHUNK - 1, part.last))
        except OSError:
            raise StoreUnavailable(_GONE) from None
        finally:
            entry.close()


class Shelf:
    """Keeps what was made of documents, under the document's version and the engine's.

    `wish` is told of each first answer that is given and could be better; without it none can.
    """

    def __init__(
        self,
        levels: Levels,
        originals: Originals,
        dress: Callable[[Representation], Ready],
        wish: Callable[[Document, Rendition], None] | None = None,
    ) -> None:
        self._wish = wish
        self._memory = levels.memory
        self._disk = levels.disk
        self._measurements = Measurements(levels.disk)
        self._originals = originals
        self._dress = dress

    def near(self, document: Document, product: Product) -> Ready | None:
        """What memory holds, without waiting."""
        found = self._memory.get(_key(document, product))
        if found is not None and not found.representation.final:
            self._wished(document, product)
        return found

    async def find(self, document: Document, product: Product) -> Ready | None:
        """What the disk holds: nothing that a mark makes one viewer's own."""
        if _personal(product):
            return None
        name = name_of(document, product)
        if product.spec == LINEAR:
            return await self._find_large(document, product, name)
        cached = await self._disk.get(name)
        return self._held(document, product, cached.meta, cached.body) if cached else None

    async def put(self, document: Document, product: Product, made: Made) -> Ready:
        """Keep what was made, and give it as it is to be sent.

        What neither memory nor disk can keep would be made again for each range that is asked
        for: there the original stands in for the time being.
        """
        meta = _first(document, product, made)
        name = name_of(document, product)
        written = not _personal(product) and await self._disk.put(name, meta, made.body)
        if isinstance(made, Rendered):
            await self._measurements.learn(document, made)
        if isinstance(made, Converted) and made.kept:
            return await self._original(document, product, meta)
        if product.spec != LINEAR or len(made.body) <= SMALL:
            return self._held(document, product, meta, made.body)
        if not written:
            meta = _meta(document, product, KEPT)
            return await self._original(document, product, meta, final=False)
        return self._copy(document, product, meta, len(made.body))

    async def holds(self, document: Document, rendition: Rendition) -> bool:
        """Whether the disk has it; nobody is said to have asked for it."""
        entry = await self._disk.open(name_of(document, rendition))
        if entry is not None:
            entry.close()
        return entry is not None

    async def lay_by(self, document: Document, rendition: Rendition, made: Rendered) -> bool:
        """Keep on disk alone what nobody asked for yet; False when the disk does not take it."""
        meta = _first(document, rendition, made)
        return await self._disk.put(name_of(document, rendition), meta, made.body)

    async def settle(
        self, document: Document, rendition: Rendition, better: Rendered | None = None
    ) -> Representation | None:
        """Make an answer final: the first one, or a better one in its place.

        None when the disk does not take it: every process goes on with what is there.
        """
        name = name_of(document, rendition)
        cached = await self._disk.get(name)
        if cached is not None and (better is None or _alike(cached.meta, better)):
            meta, body = cached.meta, cached.body
        elif better is not None:
            meta, body = _meta(document, rendition, better), better.body
        else:
            return None
        meta["final"] = True
        if not await self._disk.put(name, meta, body):
            return None
        return self._held(document, rendition, meta, body).representation

    def _wished(self, document: Document, product: Product) -> None:
        if self._wish is not None and isinstance(product, Rendition):
            self._wish(document, product)

    async def _find_large(self, document: Document, product: Product, name: str) -> Ready | None:
        entry = await self._disk.open(name)
        if entry is None:
            return None
        try:
            return await self._opened(document, product, entry)
        except OSError:
            return None
        finally:
            entry.close()

    async def _opened(self, document: Document, product: Product, entry: OpenEntry) -> Ready:
        if entry.size == 0:
            return await self._original(document, product, entry.meta)
        if entry.size > SMALL:
            return self._copy(document, product, entry.meta, entry.size)
        body = await entry.read(0, entry.size - 1)
        return self._held(document, product, entry.meta, body)

    async def _original(
        self, document: Document, product: Product, meta: Meta, *, final: bool = True
    ) -> Ready:
        """The original's octets under the product's name, at its own ETag."""
        if document.size <= SMALL and final:
            whole = await self._originals.whole(document)
            return self._held(document, product, meta, whole)
        size = document.size
        return self._dress(_representation(document, product, meta, size, None, final=final))

    def _held(self, document: Document, product: Product, meta: Meta, body: bytes) -> Ready:
        final = self._wish is None or bool(meta.get("final", True))
        representation = _representation(document, product, meta, len(body), body, final=final)
        dressed = self._dress(representation)
        life = inf if final else PROVISIONAL
        self._memory.put(_key(document, product), dressed, dressed.weight, life)
        if not final:
            self._wished(document, product)
        return dressed

    def _copy(self, document: Document, product: Product, meta: Meta, size: int) -> Ready:
        source = Copy(self._disk, name_of(document, product))
        return self._dress(_representation(document, product, meta, size, source))


def name_of(document: Document, product: Product) -> str:
    """The product's name among files, and that of its lock."""
    parts = ("rendition", ENGINE_VERSION, document.id, document.version, product.identity)
    return sha256("\0".join(parts).encode()).hexdigest()


def _key(document: Document, product: Product) -> Key:
    return (document.id, document.version, product.identity)


def _representation(
    document: Document,
    product: Product,
    meta: Meta,
    size: int,
    body: bytes | Copy | None,
    *,
    final: bool = True,
) -> Representation:
    media_type = str(meta["media_type"])
    return Representation(
        document=document,
        name=product.spec,
        etag=f'"{meta["etag"]}"'.encode(),
        media=MediaType(media_type.encode(), inline=True, pdf=media_type == PDF),
        size=size,
        body=body if isinstance(body, bytes) else None,
        final=final,
        source=body if isinstance(body, Copy) else None,
        placeholder=bytes.fromhex(str(meta.get("placeholder", ""))),
        heavier=bool(meta.get("heavier")),
        marked=isinstance(product, Rendition) and product.marked,
    )


def _meta(document: Document, product: Product, made: Made) -> Meta:
    """Its ETag is strong, and another one for another encoding of the same name (delivery.md)."""
    parts = (document.version, product.identity, ENGINE_VERSION, made.fingerprint)
    etag = urlsafe_b64encode(sha256("\0".join(parts).encode()).digest())[:22].decode()
    # A document's octets tell of what is hidden in it, so they must decide nothing there.
    hides = isinstance(product, Rendition) and product.redacts
    heavier = isinstance(made, Rendered) and len(made.body) >= document.size and not hides
    encoded = {"media_type": made.media_type, "etag": etag, "fingerprint": made.fingerprint}
    placeholder = made.placeholder.hex() if isinstance(made, Rendered) else ""
    return {**encoded, "heavier": heavier, "placeholder": placeholder}


def _first(document: Document, product: Product, made: Made) -> Meta:
    """What is told of a first answer: it is final if no better one is to be expected."""
    hasty = isinstance(made, Rendered) and made.hasty
    return {**_meta(document, product, made), "final": not (hasty and may_improve(product))}


def _personal(product: Product) -> bool:
    return isinstance(product, Rendition) and product.mark.personal


def _alike(meta: Meta, made: Rendered) -> bool:
    """Whether it was made in the same way, be it of a master."""
    return str(meta.get("fingerprint", "")).startswith(made.fingerprint)


def may_improve(product: Product) -> bool:
    """Whether a first answer of that name is made better: where nobody fixed a quality.

    What is marked nobody keeps, so it is not worth it.
    """
    return isinstance(product, Rendition) and not (
        product.quality or product.marked or product.format == "png"
    )
