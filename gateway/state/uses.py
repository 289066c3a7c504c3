"""Uses: one-time links that were used, each once, whichever process was asked."""

from __future__ import annotations

import sqlite3
from typing import Final

from gateway.state.database import Database

KEPT: Final = 86_400
"""Seconds for which a use is remembered when its link is dead."""


class Uses:
    """Remembers every use until the link is dead anyway."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def use(self, zone: str, name: str, until: int, at: int) -> bool:
        """Use a zone's link of that name: True for the one who comes first, and nobody else.

        Durable on return; remembered until `until`. Raises `StateUnavailable`.
        """
        return await self._database.write(
            lambda connection: _use(connection, (zone, name, until, at))
        )

    def used(self, zone: str, name: str) -> bool:
        """Whether it was used before now. Raises `StateUnavailable`."""
        return self._database.read_now(lambda connection: used_at(connection, zone, name)) > 0


def used_at(connection: sqlite3.Connection, zone: str, name: str) -> int:
    """When a zone's link of that name was used (Unix seconds); 0 for never."""
    row: tuple[int] | None = connection.execute(
        "SELECT used_at FROM used_link WHERE zone = ? AND name = ?", (zone, name)
    ).fetchone()
    return row[0] if row else 0


def trim(connection: sqlite3.Connection, now: float) -> None:
    """Forget the uses of links that have been dead for a day.

    A clock that ran ahead for a while must not make them good again.
    """
    connection.execute("DELETE FROM used_link WHERE until < ?", (now - KEPT,))


def _use(connection: sqlite3.Connection, row: tuple[str, str, int, int]) -> bool:
    done = connection.execute(
        "INSERT INTO used_link (zone, name, until, used_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (zone, name) DO NOTHING",
        row,
    )
    return done.rowcount == 1
