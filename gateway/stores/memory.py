"""A store in memory, for `memory:` and for every test that needs documents."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from gateway.errors import DocumentChanged, DocumentNotFound, GatewayError, StoreUnavailable
from gateway.stores import CHUNK, Body, StoredObject, clip


class MemoryStore:
    """Documents in a dict; gone with the process.

    For tests: `fault`, when set, is raised by every call; `cut_after` breaks each body after so
    many octets; `opened` counts the bodies handed out.
    """

    kind = "memory"
    local = True

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str], tuple[StoredObject, bytes]] = {}
        self.fault: GatewayError | None = None
        self.cut_after: int | None = None
        self.opened = 0

    def put(
        self,
        bucket: str,
        key: str,
        data: bytes,
        *,
        content_type: str = "",
        modified_at: int = 0,
        version_id: str = "",
    ) -> StoredObject:
        """Store `data`, in place of what was there."""
        etag = hashlib.sha256(data).hexdigest()[:32]
        stored = StoredObject(etag, version_id, len(data), modified_at, content_type)
        self._objects[bucket, key] = stored, data
        return stored

    def remove(self, bucket: str, key: str) -> None:
        """Forget an object, if it is there."""
        self._objects.pop((bucket, key), None)

    async def head(self, bucket: str, key: str) -> StoredObject:
        return self._find(bucket, key)[0]

    async def open(
        self, bucket: str, key: str, *, first: int = 0, last: int | None = None, identity: str = ""
    ) -> Body:
        stored, data = self._find(bucket, key)
        if identity and stored.identity != identity:
            raise DocumentChanged
        self.opened += 1
        return MemoryBody(stored, data, clip(first, last, stored.size), self.cut_after)

    async def check(self) -> None:
        if self.fault:
            raise self.fault

    async def aclose(self) -> None:
        """The documents stay, for a second start within one process."""

    def _find(self, bucket: str, key: str) -> tuple[StoredObject, bytes]:
        if self.fault:
            raise self.fault
        try:
            return self._objects[bucket, key]
        except KeyError:
            raise DocumentNotFound from None


class MemoryBody:
    """The octets of one version; a later `put` does not touch them."""

    def __init__(
        self, stored: StoredObject, data: bytes, span: range, cut_after: int | None = None
    ) -> None:
        self._stored = stored
        self._octets = memoryview(data)[span.start : span.stop]
        self._cut_after = cut_after
        self.closed = False

    @property
    def stored(self) -> StoredObject:
        return self._stored

    async def __aiter__(self) -> AsyncIterator[memoryview]:
        octets = self._octets[: self._cut_after]
        for at in range(0, len(octets), CHUNK):
            yield octets[at : at + CHUNK]
        if len(octets) < len(self._octets):
            raise StoreUnavailable("cut short")

    async def aclose(self) -> None:
        self.closed = True
