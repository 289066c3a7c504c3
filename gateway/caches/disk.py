"""The second cache level: files that all workers of a machine share.

A file is written under another name and renamed, without fsync: after a crash an entry is
absent, whole, or torn, and a torn one fails its digest and is a miss. Only work can be lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from gateway.caches.entry import HEADER_SIZE, CachedFile, Lengths, Meta, pack, unpack, verified
from gateway.caches.opened import OpenEntry
from gateway.caches.sweeper import TEMPORARY, Sweeper

R = TypeVar("R")

LARGEST_BODY = 64 * 1024 * 1024

_KEY = re.compile(r"[0-9a-f]{32,128}")
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# How old, in seconds, the note of the last use may be: not each read is to write an inode.
_USE_NOTED = 60
# A sweep follows this part of the limit, so eight writing workers overshoot by an eighth.
_SWEEP_PART = 64
_THREADS = 4
# Entries that are remembered to be whole, so that not each part read costs a look at all octets.
_PROVEN = 10_000
# A disk smaller than the limit, or filled by others: the cache gives way.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class DiskCache:
    """Whole bodies of up to 64 MiB with a little metadata, within about `limit_bytes`.

    Keys are hex digests. It never raises for the disk's sake: what cannot be read is a miss, what
    cannot be written is counted in `failures`. `aclose` it, for it has threads of its own.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._limit = limit_bytes
        self._sweeper = Sweeper(folder, limit_bytes)
        self._unswept = limit_bytes  # the first put sweeps what an earlier process left
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="disk-cache")
        self._proven: OrderedDict[str, tuple[int, bytes]] = OrderedDict()
        self.failures = 0

    async def get(self, key: str) -> CachedFile | None:
        """The entry, or None when there is no whole one."""
        path = self._path(key)
        return None if _absent(path) else await self._run(lambda: self._read(key, path))

    async def open(self, key: str) -> OpenEntry | None:
        """The entry, to be read in parts and closed, or None when there is no whole one."""
        path = self._path(key)
        if _absent(path):
            return None
        opening = asyncio.ensure_future(self._run(lambda: self._open(key, path)))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:  # the thread goes on, and nobody would close its file
            opening.add_done_callback(_closed)
            raise

    async def put(self, key: str, meta: Meta, body: bytes | memoryview) -> bool:
        """Keep an entry in place of an earlier one; False when it is too large or the disk full."""
        path = self._path(key)
        if len(body) > min(LARGEST_BODY, self._limit // 2):
            return False
        written = await self._run(lambda: self._write(path, pack(key, meta, body), body))
        self.failures += not written
        self._unswept += len(body)
        if self._unswept * _SWEEP_PART > self._limit:
            self._unswept = 0
            self._threads.submit(self._sweeper.sweep)
        return written

    async def drop(self, key: str) -> None:
        """Forget one entry, if it is there."""
        path = self._path(key)
        await self._run(lambda: _unlink(path))

    async def sweep(self) -> int:
        """Bring the folder within its limit now; the bytes that were freed."""
        return await self._run(self._sweeper.sweep)

    async def aclose(self) -> None:
        """Wait for writes and a sweep that are under way."""
        await asyncio.to_thread(self._threads.shutdown)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError("a cache key is a hex digest")
        return self._folder / key[:2] / key

    async def _run(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _open(self, key: str, path: Path) -> OpenEntry | None:
        try:
            descriptor = os.open(path, _READ)
        except OSError:
            return None
        try:
            entry = self._entry(key, descriptor)
        except OSError:
            entry = None
        if entry is None:
            os.close(descriptor)
            _unlink(path)
        return entry

    def _entry(self, key: str, descriptor: int) -> OpenEntry | None:
        lengths = _lengths(descriptor)
        if lengths is None:
            return None
        entry = OpenEntry(descriptor, lengths, self._run)
        mark = (os.fstat(descriptor).st_ino, lengths.digest)
        # Torn files are left by a crash: what was whole once in this process stays so.
        if self._proven.get(key) != mark:
            if not entry.whole(key):
                return None
            self._proven[key] = mark
            if len(self._proven) > _PROVEN:
                self._proven.popitem(last=False)
        return entry

    def _read(self, key: str, path: Path) -> CachedFile | None:
        try:
            descriptor = os.open(path, _READ)
        except OSError:
            return None
        try:
            found = _entry(key, descriptor)
        except OSError:
            found = None
        finally:
            os.close(descriptor)
        if found is None:
            _unlink(path)
        return found

    def _write(self, path: Path, head: bytes, body: bytes | memoryview) -> bool:
        temporary = path.with_name(f"{TEMPORARY}{path.name}.{secrets.token_hex(8)}")
        try:
            for folder in (self._folder, path.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
            with open(os.open(temporary, _WRITE, 0o600), "wb") as file:
                file.write(head)
                file.write(body)
            os.rename(temporary, path)
        except OSError as error:
            _unlink(temporary)
            if error.errno in _FULL:
                self._sweeper.sweep(room=2 * len(body))
            return False
        return True


def _entry(key: str, descriptor: int) -> CachedFile | None:
    """The verified entry of an open file."""
    lengths = _lengths(descriptor)
    if lengths is None:
        return None
    text = os.pread(descriptor, lengths.meta, HEADER_SIZE)
    body = os.pread(descriptor, lengths.body, HEADER_SIZE + lengths.meta)
    return verified(key, lengths, text, body)


def _closed(opening: asyncio.Future[OpenEntry | None]) -> None:
    if not opening.cancelled() and (entry := opening.result()):
        entry.close()


def _lengths(descriptor: int) -> Lengths | None:
    """What the header says, when the file has that size; notes the use, for the sweeper."""
    lengths = unpack(os.pread(descriptor, HEADER_SIZE, 0))
    status = os.fstat(descriptor)
    if lengths is None or lengths.file != status.st_size:
        return None
    if time.time() - status.st_mtime > _USE_NOTED:
        with contextlib.suppress(OSError):
            os.utime(descriptor)
    return lengths


def _absent(path: Path) -> bool:
    """Whether there surely is no such file.

    Most entries are asked for before there are any, and a thread costs much more than that look.
    """
    try:
        os.stat(path, follow_symlinks=False)
    except OSError as error:
        return error.errno == errno.ENOENT
    return False


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
