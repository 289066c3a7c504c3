"""Log lines on their way out of the process, which nobody ever waits for."""

from __future__ import annotations

import asyncio
import os
import select
import stat
import threading
from collections.abc import Iterator
from queue import SimpleQueue

# POSIX write(2): up to PIPE_BUF octets go into a pipe in one piece, so that workers that share
# one stderr never break each other's lines.
_PIECE = select.PIPE_BUF
# Everything else takes what it is given at once. Each write lets go of the interpreter's lock and
# makes the event loop hand it back, so there should be few.
_WHOLE = 1 << 20


class LineWriter:
    """Writes blobs of whole lines to a file descriptor from a thread of its own.

    `write` may be called from any thread and never blocks. When the reader of the descriptor
    stands still and `pending` octets wait already, further blobs are dropped and their lines
    counted in `dropped`.
    """

    def __init__(self, fd: int = 2, *, pending: int = 4 * 2**20) -> None:
        self.dropped = 0
        self._fd = fd
        self._piece = _PIECE if stat.S_ISFIFO(os.fstat(fd).st_mode) else _WHOLE
        self._room = pending
        self._lock = threading.Lock()
        self._queue: SimpleQueue[bytes] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def write(self, blob: bytes) -> None:
        """Take whole lines, each with its line feed."""
        with self._lock:
            if len(blob) > self._room:
                self.dropped += blob.count(b"\n")
                return
            self._room -= len(blob)
        if blob:
            self._queue.put(blob)

    def close(self, timeout: float = 1.0) -> None:
        """Write what waits, for at most `timeout` seconds."""
        self._queue.put(b"")
        self._thread.join(timeout)

    def _run(self) -> None:
        while blob := self._queue.get():
            for piece in pieces(blob, self._piece):
                self._put(piece)
            with self._lock:
                self._room += len(blob)

    def _put(self, piece: bytes) -> None:
        rest = memoryview(piece)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                select.select([], [self._fd], [])
            except OSError:
                with self._lock:
                    self.dropped += piece.count(b"\n")
                return


def pieces(blob: bytes, size: int) -> Iterator[bytes]:
    """The blob cut at line ends into pieces of at most `size` octets, longer lines alone."""
    start = 0
    while len(blob) - start > size:
        end = blob.rfind(b"\n", start, start + size) + 1 or blob.find(b"\n", start) + 1
        if not end:
            break
        yield blob[start:end]
        start = end
    if start < len(blob):
        yield blob[start:]


class LineBuffer:
    """Gathers the lines of one event loop and hands them over every 50 ms or 64 KiB.

    A process that crashes loses the lines of its last 50 ms. Outside an event loop every line
    is handed over at once.
    """

    def __init__(self, writer: LineWriter, *, every: float = 0.05, size: int = 65_536) -> None:
        self._writer = writer
        self._every = every
        self._size = size
        self._lines: list[str] = []
        self._held = 0

    def add(self, line: str) -> None:
        """Take one line that ends with its line feed; call it from the loop's thread only."""
        if not self._lines:
            self._schedule()
        self._lines.append(line)
        self._held += len(line)
        if self._held >= self._size:
            self.flush()

    def flush(self) -> None:
        """Hand everything held to the writer."""
        if self._lines:
            lines, self._lines, self._held = self._lines, [], 0
            self._writer.write("".join(lines).encode())

    def _schedule(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._held = self._size
            return
        loop.call_later(self._every, self.flush)
