"""The epoch: eight octets that all processes of a host share and that every change writes anew."""

from __future__ import annotations

import asyncio
import mmap
import os
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
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
            status = os.fstat(descriptor)
            if status.st_size < _SIZE:
                # Not a hole: on a full disk the first number written into one would kill us.
                os.posix_fallocate(descriptor, 0, _SIZE)
            self._map = mmap.mmap(descriptor, _SIZE)
        finally:
            os.close(descriptor)
        # Without a file of its own: one more beside the database would stop whoever copies them.
        self._bell = f"\0ostiary-{status.st_dev:x}-{status.st_ino:x}"
        self._octets = memoryview(self._map)
        self._number = self._octets.cast("Q")

    @property
    def value(self) -> int:
        """The present number, of no meaning but to be compared."""
        return self._number[0]

    def renew(self) -> None:
        """Write a number that never was there: every reader on this host looks into the feed."""
        self._number[0] = int.from_bytes(os.urandom(_SIZE), "little")
        with suppress(OSError), _socket() as bell:  # nobody hears, or has enough to hear
            bell.sendto(b"\0", self._bell)

    @contextmanager
    def heard(self, changed: Callable[[], None]) -> Generator[None]:
        """Have the running loop call `changed` soon after a renewal by any process of this host.

        It may be called without one. Only one hears at a time; another, and whoever runs where
        no such bell is to be had or beyond a network namespace, has to look at `value` himself.
        """
        loop = asyncio.get_running_loop()
        with _socket() as ear:
            with suppress(OSError):
                ear.bind(self._bell)
                loop.add_reader(ear, _hear, ear, changed)
            try:
                yield
            finally:
                loop.remove_reader(ear)

    def close(self) -> None:
        self._number.release()
        self._octets.release()
        self._map.close()


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.setblocking(False)
    return made


def _hear(ear: socket.socket, changed: Callable[[], None]) -> None:
    with suppress(BlockingIOError):
        ear.recv(1)
    changed()
