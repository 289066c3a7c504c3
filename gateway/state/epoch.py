"""The epoch: eight octets that all processes of a host share and that every change writes anew."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

_SIZE = 8


class Epoch:
    """A number in a memory-mapped file: reading it costs no system call.

    It only says that something changed: what changed is in the feed. A value never comes back
    (64 random bits), so a reader needs no more than `!=`.
    """

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(descriptor).st_size < _SIZE:
                # Not a hole: on a full disk the first number written into one would kill us.
                os.posix_fallocate(descriptor, 0, _SIZE)
            self._map = mmap.mmap(descriptor, _SIZE)
        finally:
            os.close(descriptor)
        self._octets = memoryview(self._map)
        self._number = self._octets.cast("Q")

    @property
    def value(self) -> int:
        """The present number, of no meaning but to be compared."""
        return self._number[0]

    def renew(self) -> None:
        """Write a number that never was there: every reader on this host looks into the feed."""
        self._number[0] = int.from_bytes(os.urandom(_SIZE), "little")

    def close(self) -> None:
        self._number.release()
        self._octets.release()
        self._map.close()
