"""Looks: what one worker just saw of a remote document, for the others of this machine.

A cold document is asked of its store once, however many workers want it: the first to come holds
the document's stripe, the others find what it left on disk.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from time import time_ns
from typing import Protocol

from gateway.caches.coalesce import Stripes
from gateway.caches.disk import DiskCache
from gateway.documents import DocumentRef
from gateway.stores import StoredObject


@dataclass(frozen=True, slots=True)
class Look:
    """What a store said of an object, and the object's first octets, or all of a small one's."""

    stored: StoredObject
    start: bytes


class Sharing(Protocol):
    """What a catalogue needs to share its looks with others."""

    def invalidate(self) -> None: ...

    async def share(self, ref: DocumentRef, look: Callable[[], Awaitable[Look]]) -> Look: ...


class Alone:
    """For a process that shares with nobody: every look is its own."""

    def invalidate(self) -> None:
        """Nothing is remembered."""

    async def share(self, ref: DocumentRef, look: Callable[[], Awaitable[Look]]) -> Look:
        """One's own look."""
        return await look()


class Looks:
    """Shares looks that are younger than `ttl` seconds and than the last change known here."""

    def __init__(self, disk: DiskCache, stripes: Stripes, ttl: float) -> None:
        self._disk = disk
        self._stripes = stripes
        self._ttl = int(ttl * 1e9)
        # What changed before this process began to follow the feed it is never told.
        self._not_before = time_ns()

    def invalidate(self) -> None:
        """Trust no look that began before now: something changed."""
        self._not_before = time_ns()

    async def share(self, ref: DocumentRef, look: Callable[[], Awaitable[Look]]) -> Look:
        """A sibling's look, if there is one young enough, else one's own."""
        name = sha256("\0".join(("look", ref.id)).encode()).hexdigest()
        async with self._stripes.hold(name):
            began = time_ns()
            cached = await self._disk.get(name)
            if cached is not None:
                seen_at = int(cached.meta["seen_at"])
                # A clock set back makes a look seem to come from the future: trust none of those.
                if max(self._not_before, began - self._ttl) < seen_at < began:
                    return Look(_stored(cached.meta), bytes(cached.body))
            found = await look()
            await self._disk.put(name, {**_meta(found.stored), "seen_at": began}, found.start)
            return found


def _meta(stored: StoredObject) -> dict[str, str | int]:
    return {
        "etag": stored.etag,
        "version_id": stored.version_id,
        "size": stored.size,
        "modified_at": stored.modified_at,
        "content_type": stored.content_type,
    }


def _stored(meta: dict[str, str | int]) -> StoredObject:
    return StoredObject(
        etag=str(meta["etag"]),
        version_id=str(meta["version_id"]),
        size=int(meta["size"]),
        modified_at=int(meta["modified_at"]),
        content_type=str(meta["content_type"]),
    )
