"""The feed: what changed, in the order of commits, for every process that remembers anything."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import structlog

from gateway.errors import StateUnavailable
from gateway.state.database import Database

_log = structlog.stdlib.get_logger(__name__)

FeedKind = Literal["revoked", "changed", "declared", "undeclared", "lost"]


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One change: of which scope, when (Unix seconds), and for a revocation its new counter.

    Kind `lost` is never stored. It tells a reader who was away for too long that rows are gone,
    so that everything remembered has to go as well.
    """

    seq: int
    kind: FeedKind
    scope: str
    value: int
    at: float


def append(
    connection: sqlite3.Connection, kind: FeedKind, scope: str, at: float, value: int = 0
) -> None:
    """Write a row in the transaction of the change it tells of."""
    connection.execute(
        "INSERT INTO feed (kind, scope, value, at) VALUES (?, ?, ?, ?)", (kind, scope, value, at)
    )


def end(connection: sqlite3.Connection) -> int:
    """The number of the newest row ever written, 0 before the first."""
    row: tuple[int] | None = connection.execute(
        "SELECT seq FROM sqlite_sequence WHERE name = 'feed'"
    ).fetchone()
    return row[0] if row else 0


def rows_after(connection: sqlite3.Connection, cursor: int) -> list[FeedRow]:
    """All newer rows, so whole transactions; first a `lost` one if some before them are gone."""
    last = end(connection)
    first: int = connection.execute(
        "SELECT coalesce(min(seq), ?) FROM feed", (last + 1,)
    ).fetchone()[0]
    lost = first > cursor + 1 or last < cursor
    found = connection.execute(
        "SELECT seq, kind, scope, value, at FROM feed WHERE seq > ? ORDER BY seq",
        (first - 1 if lost else cursor,),
    )
    rows = [FeedRow(*row) for row in found]
    return [FeedRow(first - 1, "lost", "", 0, 0.0), *rows] if lost else rows


def trim(connection: sqlite3.Connection, before: float) -> int:
    """Forget the oldest rows, up to the first that is not older than `before`; how many.

    Only from the front: a hole in the middle would not be noticed by `rows_after`.
    """
    return connection.execute(
        "DELETE FROM feed WHERE seq < coalesce((SELECT min(seq) FROM feed WHERE at >= ?), ?)",
        (before, end(connection) + 1),
    ).rowcount


class Follower:
    """Tells its subscribers of every new row, once and in order.

    Rows are told on the thread that calls `fresh` or `catch_up`: the event loop's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscribers: list[Callable[[FeedRow], None]] = []
        # First the epoch, then the rows, here and below: what is written in between is told
        # twice rather than never.
        self._seen = database.epoch.value
        self._cursor = database.read_now(end)

    def subscribe(self, receive: Callable[[FeedRow], None]) -> None:
        """Have `receive` called for every later row, again after an error; it must not wait."""
        self._subscribers.append(receive)

    def fresh(self) -> None:
        """Catch up if any process of this host changed something; else it costs 0.1 µs.

        Raises `StateUnavailable`: then the caller can not know and must refuse.
        """
        if self._database.epoch.value != self._seen:
            self.catch_up()

    def catch_up(self) -> None:
        """Tell of all rows up to now, whatever the epoch says."""
        seen = self._database.epoch.value
        while rows := self._database.read_now(self._next):
            self._tell(rows)
        self._seen = seen

    async def refresh(self) -> None:
        """`catch_up`, reading on another thread."""
        while rows := await self._database.read(self._next):
            self._tell(rows)

    async def run(self, interval: float = 0.5) -> None:
        """Catch up every `interval` seconds until cancelled.

        It covers the processes without requests, and a writer that died between its commit and
        the epoch.
        """
        while True:
            with suppress(StateUnavailable):
                await self.refresh()
            await asyncio.sleep(interval)

    def _next(self, connection: sqlite3.Connection) -> list[FeedRow]:
        return rows_after(connection, self._cursor)

    def _tell(self, rows: list[FeedRow]) -> None:
        for row in rows:
            if row.seq > self._cursor or row.kind == "lost":
                self._tell_all(row)
                self._cursor = row.seq

    def _tell_all(self, row: FeedRow) -> None:
        """Raises the first subscriber's error once all were told; the row is told again then.

        Who does not know what was revoked must not go on as if nothing was.
        """
        errors: list[Exception] = []
        for receive in self._subscribers:
            try:
                receive(row)
            except Exception as error:  # one that breaks must keep the news from no other
                errors.append(error)
        if errors:
            raise errors[0]
