"""The writer: one thread per process that commits all waiting work in groups."""

from __future__ import annotations

import queue
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from gateway.errors import StateUnavailable
from gateway.state.epoch import Epoch
from gateway.state.filelock import FileLock

T = TypeVar("T")

_MOST_IN_A_GROUP = 256
_MOST_WAITING = 10_000
# The causes that lie outside the program (sqlite.org/rescode.html): they may pass.
_OUTSIDE = frozenset(
    (
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    )
)


def meaning(error: BaseException) -> BaseException:
    """`StateUnavailable` when the cause lies outside the program, else the error itself."""
    if not isinstance(error, sqlite3.Error):
        return error
    code: int = getattr(error, "sqlite_errorcode", 0)
    if code & 0xFF not in _OUTSIDE:
        return error
    return StateUnavailable(f"database: {error.sqlite_errorname}")


def patiently(attempt: Callable[[], bool], deadline: float) -> None:
    """Try again every millisecond or so until `deadline` (monotonic seconds).

    SQLite's own busy handler sleeps longer the longer it has waited, which starves the one who
    came first; here all who wait have the same chance. Raises `StateUnavailable`.
    """
    while not attempt():
        if time.monotonic() >= deadline:
            raise StateUnavailable("database: locked for too long")
        time.sleep(random.uniform(0.0005, 0.002))


def insist(connection: sqlite3.Connection, statement: str, deadline: float) -> None:
    """Execute a statement, waiting until `deadline` while another process holds its lock."""

    def attempt() -> bool:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True

    patiently(attempt, deadline)


class Turnstile:
    """A file lock held while waiting for the write lock.

    Without it a process that writes all the time takes the lock again within microseconds of
    giving it back, and nobody else ever writes. With it the one inside is next for sure.
    """

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path)

    @contextmanager
    def passing(self, deadline: float) -> Generator[None, None, None]:
        patiently(self._lock.take, deadline)
        try:
            yield
        finally:
            self._lock.give_back()

    def close(self) -> None:
        self._lock.close()


@dataclass(frozen=True, slots=True)
class _Unit:
    """One piece of work. `attempt` does it and returns what tells its owner of the result."""

    attempt: Callable[[sqlite3.Connection], Callable[[], None]]
    wanted: Callable[[], bool]
    fail: Callable[[BaseException], None]


class Writer:
    """Commits groups of work on a connection that nobody else uses.

    All that waits runs in one transaction, each piece in a savepoint of its own, and is told of
    its result only when the commit is on the disk. A commit that lengthened the feed, or the queue
    of purges, renews the epoch first, so that whoever was told can rely on every process of the
    host knowing.
    """

    def __init__(
        self, connection: sqlite3.Connection, turnstile: Turnstile, epoch: Epoch, patience: float
    ) -> None:
        self._connection = connection
        self._turnstile = turnstile
        self._epoch = epoch
        self._patience = patience
        self._waiting: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="state-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Queue `work`; cancelling the future before its group begins leaves it undone."""
        future: Future[T] = Future()

        def attempt(connection: sqlite3.Connection) -> Callable[[], None]:
            return partial(future.set_result, work(connection))

        unit = _Unit(attempt, future.set_running_or_notify_cancel, future.set_exception)
        with self._closing:
            if self._closed or self._waiting.qsize() >= _MOST_WAITING:
                raise StateUnavailable("database: closed or too much waiting to be written")
            self._waiting.put(unit)
        return future

    def close(self) -> None:
        """Write what waits, then end the thread and the connection."""
        with self._closing:
            self._closed = True
            self._waiting.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while True:
            units, last = self._group()
            self._write([unit for unit in units if unit.wanted()])
            if last:
                return

    def _group(self) -> tuple[list[_Unit], bool]:
        """All that waits now, at least one; and whether nothing will follow."""
        units: list[_Unit] = []
        unit = self._waiting.get()
        while unit is not None:
            units.append(unit)
            if len(units) == _MOST_IN_A_GROUP:
                return units, False
            try:
                unit = self._waiting.get_nowait()
            except queue.Empty:
                return units, False
        return units, True

    def _write(self, units: list[_Unit]) -> None:
        if not units:
            return
        try:
            settlements = self._transact(units)
        except BaseException as error:  # the thread must live on, whatever a piece of work raised
            settlements = [partial(unit.fail, meaning(error)) for unit in units]
        for settle in settlements:
            settle()

    def _transact(self, units: list[_Unit]) -> list[Callable[[], None]]:
        deadline = time.monotonic() + self._patience
        with self._turnstile.passing(deadline):
            insist(self._connection, "BEGIN IMMEDIATE", deadline)
        try:
            before = self._news()
            settlements = [self._attempt(unit) for unit in units]
            announce = self._news() != before
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        if announce:
            self._epoch.renew()
        return settlements

    def _attempt(self, unit: _Unit) -> Callable[[], None]:
        self._connection.execute("SAVEPOINT unit")
        try:
            settle = unit.attempt(self._connection)
        except Exception as error:
            # On a full disk or an I/O error SQLite may have rolled back the whole transaction
            # (sqlite.org/lang_transaction.html section 3.1): then the group fails as one.
            if not self._connection.in_transaction:
                raise
            self._connection.execute("ROLLBACK TO unit")
            settle = partial(unit.fail, meaning(error))
        self._connection.execute("RELEASE unit")
        return settle

    def _news(self) -> list[tuple[str, int]]:
        """How far what others wait for has come: the feed, and the jobs of purges."""
        return self._connection.execute(
            "SELECT name, seq FROM sqlite_sequence WHERE name IN ('feed', 'purge_job')"
        ).fetchall()
