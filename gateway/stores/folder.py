"""A folder as a store: each folder below the root is a bucket, each file in it a document.

Nothing outside the root can be reached, because every name is opened below the one before it and
no symbolic link is followed (openat(2), `O_NOFOLLOW`); only the root itself may be a link.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

from gateway.errors import DocumentChanged, DocumentNotFound, StoreUnavailable
from gateway.stores import CHUNK, Body, StoredObject, clip

# O_PATH asks for the right to pass through a folder, not to list it.
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO must not wait for its writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_ABSENT = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EISDIR, errno.ENXIO}
)
_CHECK_SECONDS = 5.0


class FolderStore:
    """Documents as plain files.

    The ETag of a file is "size-mtime_ns-inode": it names the version, and delivery hashes it, so
    that no client learns an inode. A file that we may not read raises `StoreUnavailable`: it is an
    operator's mistake, and as a 404 nobody would look for it.
    """

    kind = "folder"
    local = True

    def __init__(self, root: Path) -> None:
        self._root = root

    async def head(self, bucket: str, key: str) -> StoredObject:
        return self._open(bucket, key)[1]

    async def open(
        self, bucket: str, key: str, *, first: int = 0, last: int | None = None, identity: str = ""
    ) -> Body:
        file, stored = self._open(bucket, key)
        if identity and stored.identity != identity:
            file.close()
            raise DocumentChanged
        return FolderBody(file, stored, clip(first, last, stored.size))

    async def check(self) -> None:
        """A mount that hangs must not hang the event loop: a thread looks, for 5 s at most."""
        try:
            await asyncio.wait_for(asyncio.to_thread(_look, self._root), _CHECK_SECONDS)
        except (OSError, TimeoutError) as error:
            raise _unavailable(error) from error

    async def aclose(self) -> None:
        """Nothing is held open between two calls."""

    def _open(self, bucket: str, key: str) -> tuple[OpenFile, StoredObject]:
        names = _names(bucket, key)
        try:
            below = os.open(self._root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise _unavailable(error) from error
        try:
            return _open_below(below, names)
        except OSError as error:
            raise _absent_or_unavailable(error) from error


class FolderBody:
    """The octets of one file, read in chunks without blocking the event loop.

    What is in the page cache is read inline (`RWF_NOWAIT`, preadv2(2)), the rest in a thread.
    """

    def __init__(self, file: OpenFile, stored: StoredObject, span: range) -> None:
        self._file: OpenFile | None = file
        self._stored = stored
        self._span = span

    @property
    def stored(self) -> StoredObject:
        return self._stored

    async def __aiter__(self) -> AsyncIterator[memoryview]:
        at, end = self._span.start, self._span.stop
        while at < end:
            chunk = await self._read(at, min(CHUNK, end - at))
            at += len(chunk)
            yield chunk

    async def aclose(self) -> None:
        """Let go of the file; a thread that still reads it keeps it open until it is done."""
        self._file = None

    async def _read(self, at: int, length: int) -> memoryview:
        file = self._file
        if file is None:
            raise StoreUnavailable("closed")
        try:
            chunk = file.read_cached(at, length)
            if chunk is None:
                chunk = await asyncio.to_thread(file.read, at, length)
            # Looked at before the chunk leaves: the last one must not complete a mixture.
            now = file.stat()
        except OSError as error:
            raise _unavailable(error) from error
        if now.etag != self._stored.etag:
            raise DocumentChanged
        if not chunk:
            raise StoreUnavailable("short file")
        return chunk


class OpenFile:
    """An open regular file, closed when the last reference to it goes.

    So a thread that still reads can never find its descriptor given to another file.
    """

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """For where an error's traceback would keep the last reference for a while."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def stat(self) -> StoredObject:
        """The version this descriptor shows now."""
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise DocumentNotFound
        return StoredObject(
            etag=f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}",
            version_id="",
            size=status.st_size,
            modified_at=status.st_mtime_ns // 1_000_000_000,
        )

    def read_cached(self, at: int, length: int) -> memoryview | None:
        """What can be read at once, or None when the disk (or this kernel) wants a wait."""
        try:
            return self.read(at, length, os.RWF_NOWAIT)
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.EOPNOTSUPP, errno.ENOSYS}:
                return None
            raise

    def read(self, at: int, length: int, flags: int = 0) -> memoryview:
        buffer = bytearray(length)
        return memoryview(buffer)[: os.preadv(self._descriptor, [buffer], at, flags)]


def _open_below(folder: int, names: list[bytes]) -> tuple[OpenFile, StoredObject]:
    """Open the last name below all the others, and close `folder`."""
    try:
        for name in names[:-1]:
            above, folder = folder, os.open(name, _FOLDER, dir_fd=folder)
            os.close(above)
        file = OpenFile(os.open(names[-1], _FILE, dir_fd=folder))
    finally:
        os.close(folder)
    return file, file.stat()


def _names(bucket: str, key: str) -> list[bytes]:
    """The names to open one below the other; what could climb or hide is not there."""
    try:
        names = [bucket.encode(), *(segment.encode() for segment in key.split("/"))]
    except UnicodeEncodeError as error:
        raise DocumentNotFound from error
    if any(name in {b"", b".", b".."} or b"\0" in name or b"/" in name for name in names):
        raise DocumentNotFound
    return names


def _absent_or_unavailable(error: OSError) -> DocumentNotFound | StoreUnavailable:
    return DocumentNotFound() if error.errno in _ABSENT else _unavailable(error)


def _unavailable(error: OSError) -> StoreUnavailable:
    """Carries the symbol of errno ("EACCES", "EMFILE"), never the path that OSError's text has."""
    return StoreUnavailable(errno.errorcode.get(error.errno or 0, "timeout"))


def _look(root: Path) -> None:
    with os.scandir(root) as entries:
        next(entries, None)
