"""Redactions as they are kept: each version of a name for good, with who put it there and when."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from dataclasses import dataclass

from gateway.errors import StateUnavailable
from gateway.state.database import Database
from imaging.names.redactions import Box, Redaction, boxes_of, rows_of

REMEMBERED = 1_000
_COLUMNS = "name, version, boxes, put_by, at"


@dataclass(frozen=True, slots=True)
class StoredRedaction:
    """One version; `at` is in Unix seconds."""

    redaction: Redaction
    by: str
    at: float


class StoredRedactions:
    """Adds versions and finds them again; the database refuses to change or remove any.

    Versions never change, so those in use are remembered, and every process knows a new one at
    once. All methods raise `StateUnavailable`, also for a row that can not be read: what is hidden
    is known for certain, or nothing is shown.
    """

    def __init__(self, database: Database, remembered: int = REMEMBERED) -> None:
        self._database = database
        self._remembered = remembered
        self._known: OrderedDict[tuple[str, int], tuple[Box, ...]] = OrderedDict()

    def boxes(self, name: str, version: int) -> tuple[Box, ...]:
        """The boxes of a version, none when there is no such version."""
        known = self._known.get((name, version))
        if known is not None:
            return known
        found = self.find_now(name, version)
        if found is None:
            return ()
        self._known[name, version] = found.redaction.boxes
        if len(self._known) > self._remembered:
            self._known.popitem(last=False)
        return found.redaction.boxes

    def newest(self, name: str) -> int:
        """The number of the newest version, 0 when there is none of that name."""
        return self._database.read_now(lambda connection: newest_in(connection, name))

    async def put(
        self, name: str, boxes: tuple[Box, ...], *, by: str, now: float
    ) -> tuple[StoredRedaction, bool]:
        """The next version with these boxes, durable on return, and whether it is new.

        When the newest version is just so already, it is that one.
        """
        return await self._database.write(lambda connection: _put(connection, name, boxes, by, now))

    def put_now(
        self, name: str, boxes: tuple[Box, ...], *, by: str, now: float
    ) -> tuple[StoredRedaction, bool]:
        """`put` for the CLI."""
        return self._database.write_now(lambda connection: _put(connection, name, boxes, by, now))

    def find_now(self, name: str, version: int = 0) -> StoredRedaction | None:
        """A version, the newest without its number; for the CLI, and read in microseconds."""
        return self._database.read_now(lambda connection: find_in(connection, name, version))

    def all_now(self) -> list[StoredRedaction]:
        """The newest version of every name, in their order."""
        return self._database.read_now(_all_in)

    async def find(self, name: str, version: int = 0) -> StoredRedaction | None:
        """A version, the newest without its number."""
        return await self._database.read(lambda connection: find_in(connection, name, version))

    async def all(self) -> list[StoredRedaction]:
        """The newest version of every name, in their order."""
        return await self._database.read(_all_in)


def newest_in(connection: sqlite3.Connection, name: str) -> int:
    """The number of the newest version, 0 when there is none of that name."""
    row: tuple[int] = connection.execute(
        "SELECT coalesce(max(version), 0) FROM redaction WHERE name = ?", (name,)
    ).fetchone()
    return row[0]


def find_in(connection: sqlite3.Connection, name: str, version: int) -> StoredRedaction | None:
    """A version, the newest for 0."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM redaction WHERE name = ? AND version = ?",
        (name, version or newest_in(connection, name)),
    ).fetchone()
    return _stored(row) if row else None


def _all_in(connection: sqlite3.Connection) -> list[StoredRedaction]:
    newest = "SELECT name, max(version) FROM redaction GROUP BY name"
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM redaction WHERE (name, version) IN ({newest}) ORDER BY name"
    )
    return [_stored(row) for row in rows]


def _put(
    connection: sqlite3.Connection, name: str, boxes: tuple[Box, ...], by: str, now: float
) -> tuple[StoredRedaction, bool]:
    newest = find_in(connection, name, 0)
    if newest and newest.redaction.boxes == boxes:
        return newest, False
    version = newest.redaction.version + 1 if newest else 1
    stored = StoredRedaction(Redaction(name, version, boxes), by, now)
    connection.execute(
        f"INSERT INTO redaction ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)",
        (name, version, json.dumps(rows_of(boxes)), by, now),
    )
    return stored, True


def _stored(row: tuple[str, int, str, str, float]) -> StoredRedaction:
    name, version, boxes, by, at = row
    try:
        return StoredRedaction(Redaction(name, version, boxes_of(json.loads(boxes))), by, at)
    except ValueError:
        raise StateUnavailable("database: a redaction can not be read") from None
