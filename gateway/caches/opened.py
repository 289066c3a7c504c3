"""An entry of the disk cache that is read in parts, for bodies that no memory is to hold whole."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeAlias

from gateway.caches.entry import HEADER_SIZE, Lengths, Meta, proven

PIECE = 1 << 20

Run: TypeAlias = Callable[[Callable[[], bytes]], Awaitable[bytes]]


class OpenEntry:
    """An open file of the cache: it stays readable when its entry is forgotten. Close it.

    `run` has the reads done in a thread of the cache.
    """

    def __init__(self, descriptor: int, lengths: Lengths, run: Run) -> None:
        self._descriptor = descriptor
        self._lengths = lengths
        self._run = run
        self._text = os.pread(descriptor, lengths.meta, HEADER_SIZE)

    @property
    def meta(self) -> Meta:
        """What was kept beside the body; only of an entry that is known to be whole."""
        meta: Meta = json.loads(self._text)
        return meta

    @property
    def size(self) -> int:
        """The body's octets."""
        return self._lengths.body

    async def read(self, first: int, last: int) -> bytes:
        """Octets first…last of the body, both included. Raises OSError."""
        part = await self._run(lambda: self._piece(first, last + 1 - first))
        if len(part) != last + 1 - first:
            raise OSError("the file ends too early")
        return part

    def whole(self, key: str) -> bool:
        """Whether its octets are those that were written under `key`; reads them all."""
        return proven(key, self._lengths, self._text, self._pieces())

    def close(self) -> None:
        """Let go of the file; doing it twice is harmless."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _pieces(self) -> Iterator[bytes]:
        for first in range(0, self.size, PIECE):
            yield self._piece(first, min(PIECE, self.size - first))

    def _piece(self, first: int, count: int) -> bytes:
        return os.pread(self._descriptor, count, HEADER_SIZE + self._lengths.meta + first)
