"""Keeps a folder of cache entries within its bytes: the longest unused go first."""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TEMPORARY = "."
"""How the names of unfinished files begin."""

# A writer that has not renamed its file after so many seconds is dead.
_ABANDONED = 900
# The most entries that one sweep removes; it bounds the memory that the walk takes.
_CANDIDATES = 50_000
_BLOCK = 4096


class _Entry(NamedTuple):
    used_at: float
    path: str
    size: int


class Sweeper:
    """Sweeps `folder` down to nine tenths of `limit_bytes` whenever it holds more.

    One process sweeps at a time, under flock(2); one that finds it taken leaves it to the other.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes

    def sweep(self, room: int = 0) -> int:
        """Remove what is too much, and at least `room` bytes; returns the bytes that were freed.

        Blocks for as long as the walk over all entries takes. Whatever the disk refuses stays for
        the next sweep.
        """
        with contextlib.suppress(OSError):
            lock = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return self._sweep(room)
            finally:
                os.close(lock)
        return 0

    def _sweep(self, room: int) -> int:
        total = sum(entry.size for entry in _entries(self._folder))
        goal = max(room, total - self._limit * 9 // 10 if total > self._limit else 0)
        freed = 0
        if goal:
            for entry in heapq.nsmallest(_CANDIDATES, _entries(self._folder)):
                freed += _removed(entry)
                if freed >= goal:
                    break
        return freed


def _entries(folder: Path) -> Iterator[_Entry]:
    """The finished entries; unfinished ones that nobody writes any more are removed."""
    abandoned = time.time() - _ABANDONED
    for shard in _listed(folder):
        for file in _listed(shard) if shard.is_dir(follow_symlinks=False) else ():
            with contextlib.suppress(FileNotFoundError):
                status = file.stat(follow_symlinks=False)
                if file.name.startswith(TEMPORARY) and status.st_mtime < abandoned:
                    os.unlink(file)
                else:
                    size = -(-status.st_size // _BLOCK) * _BLOCK
                    yield _Entry(status.st_mtime, file.path, size)


def _listed(folder: os.PathLike[str]) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from entries


def _removed(entry: _Entry) -> int:
    try:
        os.unlink(entry.path)
    except OSError:
        return 0
    return entry.size
