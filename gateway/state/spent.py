"""Spent: claims that have been used, each once, whichever process was asked."""

from __future__ import annotations

import sqlite3
from typing import Final

from gateway.state.database import Database

KEPT: Final = 86_400
"""Seconds for which a use is remembered when its claim is over."""


class Spent:
    """Remembers what was used for as long as it could be used again, and a day longer.

    A clock that ran ahead, or a worker that looked at its own a moment ago, must find it used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def spend(self, claim: str, until: int, now: int) -> bool:
        """Use a claim that dies at `until`: True for the one who comes first, and nobody else.

        Durable on return. Raises `StateUnavailable`.
        """
        return await self._database.write(lambda connection: _spend(connection, claim, until, now))


def _spend(connection: sqlite3.Connection, claim: str, until: int, now: int) -> bool:
    connection.execute("DELETE FROM spent_claim WHERE until <= ?", (now - KEPT,))
    done = connection.execute("INSERT OR IGNORE INTO spent_claim VALUES (?, ?)", (claim, until))
    return done.rowcount == 1
