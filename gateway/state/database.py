"""The embedded database: one SQLite file in WAL mode, written by one thread in each process."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from gateway.errors import StateUnavailable
from gateway.state.epoch import Epoch
from gateway.state.schema import migrate, shipped
from gateway.state.writer import Turnstile, Writer, insist, meaning

T = TypeVar("T")

_READERS = 2
_READER_PATIENCE = 5_000  # milliseconds; a reader waits only for recovery after a crash
_JOURNAL_LIMIT = 64 * 2**20


class Database:
    """Reads and durable writes of one process; open it after any fork.

    `write` returns when its commit is on the disk (synchronous=FULL), or raises and has changed
    nothing. All methods raise `StateUnavailable` when the disk is full, the file read-only or
    broken, or another process holds the lock for more than `patience` seconds.
    """

    def __init__(self, path: Path, writer: Writer, turnstile: Turnstile, epoch: Epoch) -> None:
        self.path = path
        self.epoch = epoch
        self._writer = writer
        self._turnstile = turnstile
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="state-reader")
        self._own = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._nearby = _reader(path)
        self._nearby_lock = threading.Lock()
        self._closed = False

    @classmethod
    def open(cls, path: Path, *, patience: float = 5.0) -> Database:
        """Open the file at `path`, made with its folder if need be, on the present schema.

        Any number of processes may open it at once. Beside it lie its write-ahead log, the
        turnstile of its writers and the epoch. Raises `ConfigurationError` when its schema is
        not one that this version can work with.
        """
        with _meant():
            _create(path)
            turnstile = Turnstile(path.with_name(path.name + "-turnstile"))
            try:
                connection = _prepared(path, turnstile, time.monotonic() + patience)
            except BaseException:
                turnstile.close()
                raise
            epoch = Epoch(path.with_name(path.name + "-epoch"))
            return cls(path, Writer(connection, turnstile, epoch, patience), turnstile, epoch)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` inside a transaction on the writer's thread, durable on return.

        What it raises rolls its own changes back and is raised here. It must neither begin nor
        commit, nor wait for anything.
        """
        return await asyncio.wrap_future(self._writer.submit(work))

    def write_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`write` for callers without an event loop."""
        return self._writer.submit(work).result()

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on one snapshot of the database, on a reader's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._read, work)

    def read_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on one snapshot right here: for reads that take microseconds, and the CLI."""
        with self._nearby_lock:
            return _snapshot(self._nearby, work)

    def close(self) -> None:
        """Write what waits and let go of everything. Closing twice is harmless."""
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        self._threads.shutdown()
        for connection in (*self._opened, self._nearby):
            connection.close()
        self._turnstile.close()
        self.epoch.close()

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            with _meant():
                connection = self._own.connection = _reader(self.path)
            self._opened.append(connection)
        return _snapshot(connection, work)


@contextmanager
def _meant() -> Generator[None, None, None]:
    try:
        yield
    except sqlite3.Error as error:
        raise meaning(error) from error
    except OSError as error:
        raise StateUnavailable(f"database: {error.strerror}") from error


def _create(path: Path) -> None:
    """The folder and the file, readable by the owner alone; the log inherits the file's mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _connect(path: Path) -> sqlite3.Connection:
    # mode=rw: a file that went away is an error, not an empty database in its place.
    address = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(
        address, uri=True, timeout=0, isolation_level=None, check_same_thread=False
    )


def _prepared(path: Path, turnstile: Turnstile, deadline: float) -> sqlite3.Connection:
    """The writer's connection on the present schema.

    The turnstile is held throughout: the change to WAL mode does not wait for another process
    that is doing the same, it fails.
    """
    connection = _connect(path)
    try:
        with turnstile.passing(deadline):
            for pragma in (
                "journal_mode = WAL",
                "synchronous = FULL",
                "foreign_keys = ON",
                f"journal_size_limit = {_JOURNAL_LIMIT}",
            ):
                # One that closes the file last holds it alone for a moment.
                insist(connection, f"PRAGMA {pragma}", deadline)
            insist(connection, "BEGIN IMMEDIATE", deadline)
            migrate(connection, shipped())
            connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _reader(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    connection.execute(f"PRAGMA busy_timeout = {_READER_PATIENCE}")
    connection.execute("PRAGMA query_only = ON")
    return connection


def _snapshot(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    with _meant():
        connection.execute("BEGIN")
        try:
            return work(connection)
        finally:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
