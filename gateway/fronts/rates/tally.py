"""The tally: counters of one host's processes, in a mapped file of a fixed size.

    file  = salt (16 octets) 48 zero octets set{8192}
    set   = entry{8}
    entry = fingerprint (u64) end (f64, Unix seconds) count (u32) 4 zero octets

A counter is known by a keyed hash of its name, so that nobody can choose names that meet, and none
is at rest here. A full set gives up its lowest counter: a flood of names costs counters that had
hardly begun, and no memory.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from time import time
from typing import Final, NamedTuple

from limits.storage import Storage

_SETS: Final = 8192
_WAYS: Final = 8
_HEAD: Final = 64
_SALT: Final = 16
_ENTRY: Final = struct.Struct("<QdL4x")
_SIZE: Final = _HEAD + _SETS * _WAYS * _ENTRY.size
_MOST: Final = 2**32 - 1


class _Entry(NamedTuple):
    end: float
    hits: int
    place: int


class Tally(Storage):
    """Counters for the strategies of `limits`, exact among processes; `clock` in Unix seconds."""

    STORAGE_SCHEME = None

    def __init__(self, path: Path, clock: Callable[[], float] = time) -> None:
        super().__init__()
        self._clock = clock
        self._descriptor = _opened(path)
        self._map = mmap.mmap(self._descriptor, _SIZE)
        self._salt = self._map[:_SALT]

    @property
    def base_exceptions(self) -> type[Exception]:
        return OSError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count; a window of `expiry` seconds begins with the first. Returns the new count."""
        fingerprint, start = self._place(key)
        with self._locked(start, _WAYS * _ENTRY.size):
            now = self._clock()
            found = self._find(fingerprint, start, now)
            # A clock that was set back must not make a window longer.
            if found is None or found.end > now + expiry:
                found = _Entry(now + expiry, 0, found.place if found else self._room(start, now))
            count = min(found.hits + amount, _MOST)
            _ENTRY.pack_into(self._map, found.place, fingerprint, found.end, count)
        return count

    def get(self, key: str) -> int:
        """The count of a window that has not ended; 0 for any other."""
        found = self._find(*self._place(key), self._clock())
        return found.hits if found else 0

    def get_expiry(self, key: str) -> float:
        """When the window ends, in Unix seconds; now, if there is none."""
        now = self._clock()
        found = self._find(*self._place(key), now)
        return found.end if found else now

    def clear(self, key: str) -> None:
        """Forget a counter."""
        fingerprint, start = self._place(key)
        with self._locked(start, _WAYS * _ENTRY.size):
            found = self._find(fingerprint, start, self._clock())
            if found:
                _ENTRY.pack_into(self._map, found.place, 0, 0.0, 0)

    def check(self) -> bool:
        """Whether the file is there to count in."""
        return not self._map.closed

    def reset(self) -> int | None:
        """Forget all of them."""
        self._map[_HEAD:] = bytes(_SIZE - _HEAD)
        return None

    def close(self) -> None:
        """Let go of the file, which stays."""
        self._map.close()
        os.close(self._descriptor)

    def _place(self, key: str) -> tuple[int, int]:
        """A counter's fingerprint, and where its set begins."""
        digest = blake2b(key.encode(), digest_size=12, key=self._salt).digest()
        chosen = int.from_bytes(digest[8:], "little") % _SETS
        return int.from_bytes(digest[:8], "little"), _HEAD + chosen * _WAYS * _ENTRY.size

    def _find(self, fingerprint: int, start: int, now: float) -> _Entry | None:
        for place in range(start, start + _WAYS * _ENTRY.size, _ENTRY.size):
            known, end, count = _ENTRY.unpack_from(self._map, place)
            if known == fingerprint and end > now:
                return _Entry(end, count, place)
        return None

    def _room(self, start: int, now: float) -> int:
        """Where a new counter goes: in the place of one that has ended, or of the lowest."""
        places = range(start, start + _WAYS * _ENTRY.size, _ENTRY.size)
        return min(places, key=lambda place: self._weight(place, now))

    def _weight(self, place: int, now: float) -> tuple[int, float]:
        _, end, count = _ENTRY.unpack_from(self._map, place)
        return (count, end) if end > now else (0, end)

    @contextmanager
    def _locked(self, start: int, length: int) -> Generator[None]:
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX, length, start)
        try:
            yield
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, length, start)


def _opened(path: Path) -> int:
    """The file, whole; raises `OSError`. One of another size gives way, and is not cut.

    Another process may have it mapped: touching what was cut off would kill that one.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_size == 0:
                os.pwrite(descriptor, os.urandom(_SALT), 0)
                # Not of holes, which would kill who writes into one on a full disk.
                os.posix_fallocate(descriptor, 0, _SIZE)
            if os.fstat(descriptor).st_size == _SIZE:
                fcntl.lockf(descriptor, fcntl.LOCK_UN)
                return descriptor
            _give_way(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _give_way(descriptor: int, path: Path) -> None:
    """Take the file's name away, unless that is another file's by now."""
    with suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            path.unlink()
