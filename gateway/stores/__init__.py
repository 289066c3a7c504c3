"""Stores: where the bytes of documents are. Three kinds behind one small protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

CHUNK = 256 * 1024
"""The largest piece of a body, in octets: what one stalled reader costs in memory."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a store says of an object without its bytes.

    `etag` is strong and without quotes; a folder's holds an inode, so what clients see is a hash
    of it. `version_id` is the store's own version, empty when it keeps none; `content_type` is
    what the store was told, not to be believed without a look at the bytes; `modified_at` is in
    Unix seconds.
    """

    etag: str
    version_id: str
    size: int
    modified_at: int
    content_type: str = ""

    @property
    def identity(self) -> str:
        """The text that names this version: the version id, else the ETag."""
        return self.version_id or self.etag


class Body(Protocol):
    """An open stream of one object's bytes. Closing it twice is harmless."""

    @property
    def stored(self) -> StoredObject:
        """The version these bytes belong to."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes | memoryview]:
        """Chunks of at most `CHUNK` octets, once.

        Raises `StoreUnavailable` when the source breaks or stalls in the middle, and
        `DocumentChanged` when the object is not the opened version any more.
        """
        ...

    async def aclose(self) -> None: ...


class Store(Protocol):
    """Reads objects by bucket and key (decoded text, already held to the grammar's rules).

    Every method raises `DocumentNotFound` for what is not there (a folder, a symbolic link and a
    missing bucket count as not there) and `StoreUnavailable` when the store does not answer.
    """

    @property
    def kind(self) -> str:
        """`folder`, `memory`, `s3` or `supabase`."""
        ...

    @property
    def local(self) -> bool:
        """Whether a read costs no network: then no second copy is kept on disk."""
        ...

    async def head(self, bucket: str, key: str) -> StoredObject: ...

    async def open(
        self, bucket: str, key: str, *, first: int = 0, last: int | None = None, identity: str = ""
    ) -> Body:
        """Open octets first…last (both included; to the end when `last` is None).

        Octets past the end are left out; a `first` past the end gives an empty body. With
        `identity`, another version than that one raises `DocumentChanged`.
        """
        ...

    async def check(self) -> None:
        """Ask the store for a sign of life, for `/readyz` and `ostiary doctor`."""
        ...

    async def aclose(self) -> None: ...


def clip(first: int, last: int | None, size: int) -> range:
    """The octets first…last that an object of `size` octets really has."""
    stop = size if last is None else min(last + 1, size)
    return range(min(first, stop), stop)
