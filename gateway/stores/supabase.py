"""Supabase's storage server as a store, read by REST with the service key.

The key fetches bytes and decides nothing: whoever asks here has been let in before. A project has
a CDN in front of its storage, so each look goes to an address of its own that finds nothing old.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime
from secrets import token_hex

import httpx

from gateway.errors import DocumentChanged, DocumentNotFound, StoreUnavailable
from gateway.settings import StoreAddress
from gateway.settings.supabase import STORAGE
from gateway.stores import Body, StoredObject, clip
from gateway.stores.rest import Patience, RangeRefused, Rest, Source, bare
from signing.addresses import canonical_bucket, canonical_key
from signing.errors import Unsignable

_OBJECT = "/object/authenticated/"
_INFO = "/object/info/authenticated/"


class SupabaseStore:
    """Documents of the project at `address.root`; `buckets` are those that `check` asks for.

    A body that breaks is resumed with a Range request, if the object still has the ETag that it
    was opened with. A refused key raises `StoreUnavailable`: as a 404, which caches may keep, an
    expired one would tell the world that every document is gone.
    """

    kind = "supabase"
    local = False

    def __init__(
        self,
        address: StoreAddress,
        *,
        buckets: Sequence[str] = (),
        patience: Patience | None = None,
    ) -> None:
        self._buckets = tuple(buckets)
        self._patience = patience or Patience()
        base = address.root.rstrip("/") + STORAGE
        self._rest = Rest(base, address.credentials.secret_key, self._patience)

    async def head(self, bucket: str, key: str) -> StoredObject:
        """By the first octet: the ETag of a HEAD comes from another place than that of a GET."""
        path = _path(bucket, key)
        try:
            source = await self._rest.open(_OBJECT + path, "bytes=0-0")
        except RangeRefused:
            return await self._head_of_empty(path)
        await source.aclose()
        return source.stored

    async def open(
        self, bucket: str, key: str, *, first: int = 0, last: int | None = None, identity: str = ""
    ) -> Body:
        path = _OBJECT + _path(bucket, key, identity)
        try:
            source = await self._rest.open(path, _range(first, last))
        except RangeRefused:
            return await self._open_nothing(bucket, key, first, last, identity)
        body = SupabaseBody(source, _Resumption(self._rest, path, source.stored, self._patience))
        try:
            _check(source.stored, identity)
            if source.span != clip(first, last, source.stored.size):
                raise StoreUnavailable("range")
        except (DocumentChanged, StoreUnavailable):
            await body.aclose()
            raise
        return body

    async def check(self) -> None:
        """Ask for each bucket we know of, or for any, with the service key."""
        names = [_spelled(name) for name in self._buckets]
        for path in [f"/bucket/{name}" for name in names] or ["/bucket?limit=1"]:
            try:
                await self._rest.said(path)
            except DocumentNotFound:
                raise StoreUnavailable("no bucket", retry_after=30) from None

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._rest.aclose()

    async def _open_nothing(
        self, bucket: str, key: str, first: int, last: int | None, identity: str
    ) -> Body:
        """Octets that were refused, if the object has none there."""
        stored = await self.head(bucket, key)
        if clip(first, last, stored.size):
            raise StoreUnavailable("range")
        _check(stored, identity)
        return EmptyBody(stored)

    async def _head_of_empty(self, path: str) -> StoredObject:
        """An object without a first octet, by what the server's table says of it."""
        said = await self._rest.said(_INFO + path)
        if said.get("size") != 0:
            raise StoreUnavailable("range")
        etag, media_type = str(said.get("etag") or ""), str(said.get("content_type") or "")
        return StoredObject(bare(etag), "", 0, _instant(said.get("last_modified")), media_type)


class EmptyBody:
    """No octets of an object."""

    def __init__(self, stored: StoredObject) -> None:
        self._stored = stored

    @property
    def stored(self) -> StoredObject:
        return self._stored

    def __aiter__(self) -> EmptyBody:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """There is nothing to close."""


class SupabaseBody:
    """The octets of one answer, and of those that resume it when it breaks."""

    def __init__(self, source: Source, resumption: _Resumption) -> None:
        self._stored = source.stored
        self._span = source.span
        self._resumption = resumption
        self._source = source
        self._octets = source.octets()
        self._closed = False

    @property
    def stored(self) -> StoredObject:
        return self._stored

    def __aiter__(self) -> SupabaseBody:
        return self

    async def __anext__(self) -> bytes:
        if not self._span:
            await self.aclose()
            raise StopAsyncIteration
        chunk = await self._receive()
        while not chunk:
            await self._resume()
            chunk = await self._receive()
        if len(chunk) > len(self._span):
            raise StoreUnavailable("length")
        self._span = self._span[len(chunk) :]
        return chunk

    async def aclose(self) -> None:
        """Drop the connection, with what it still brings."""
        self._closed = True
        await self._source.aclose()

    async def _receive(self) -> bytes:
        """Some octets; none where the answer broke off or ended too early."""
        if self._closed:
            raise StoreUnavailable("closed")
        try:
            return await anext(self._octets, b"")
        except httpx.HTTPError:
            return b""

    async def _resume(self) -> None:
        await self._source.aclose()
        self._source = await self._resumption.source(self._span)
        self._octets = self._source.octets()


class _Resumption:
    """Opens the rest of a body, a few times."""

    def __init__(self, rest: Rest, path: str, stored: StoredObject, patience: Patience) -> None:
        self._rest = rest
        self._path = path
        self._stored = stored
        self._pauses = [patience.backoff * 2**number for number in range(patience.retries)][::-1]

    async def source(self, span: range) -> Source:
        """The octets of `span`; raises `DocumentChanged` where another version has them now."""
        if not self._pauses:
            raise StoreUnavailable("broken")
        await asyncio.sleep(self._pauses.pop())
        source = await self._rest.open(self._path, _range(span.start, span.stop - 1))
        found, known = source.stored, self._stored
        if (found.identity, found.size, source.span) == (known.identity, known.size, span):
            return source
        await source.aclose()
        _check(found, known.identity)
        raise StoreUnavailable("range")


def _path(bucket: str, key: str, identity: str = "") -> str:
    """The object's path and a parameter that means nothing but to the CDN in between.

    An identity has one text, so that the CDN may keep its octets; else the text is new.
    """
    nonce = hashlib.sha256(identity.encode()).hexdigest()[:16] if identity else token_hex(8)
    try:
        return f"{canonical_bucket(bucket)}/{canonical_key(key)}?cacheNonce={nonce}"
    except Unsignable:
        raise DocumentNotFound from None


def _spelled(bucket: str) -> str:
    try:
        return canonical_bucket(bucket)
    except Unsignable:
        raise StoreUnavailable("no bucket", retry_after=30) from None


def _range(first: int, last: int | None) -> str:
    if last is not None:
        return f"bytes={first}-{last}"
    return f"bytes={first}-" if first else ""


def _check(stored: StoredObject, identity: str) -> None:
    if identity and stored.identity != identity:
        raise DocumentChanged


def _instant(text: object) -> int:
    """A date of the table in Unix seconds; 0 where it is none."""
    try:
        return int(datetime.fromisoformat(str(text)).timestamp())
    except (ValueError, OverflowError):
        return 0
