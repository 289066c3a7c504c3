"""Repeats: purges asked for twice under one key, of which the second is the first."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

KEPT = 86_400.0
"""Seconds for which a key is remembered."""


@dataclass(frozen=True, slots=True)
class Once:
    """What makes two calls of an operator one: digests of their key, and of what they ask for.

    Without a key every call is another.
    """

    key: bytes = b""
    body: bytes = b""


ANEW = Once()


def first(
    connection: sqlite3.Connection, operator: str, once: Once, now: float
) -> tuple[str, bool] | None:
    """The purge that was asked for under the key, and whether it was for the same; None for a key
    that is new."""
    row = connection.execute(
        "SELECT purge, body FROM purge_key WHERE operator = ? AND key = ? AND at > ?",
        (operator, once.key, now - KEPT),
    ).fetchone()
    return None if row is None else (row[0], row[1] == once.body)


def keep(connection: sqlite3.Connection, operator: str, once: Once, purge: str, now: float) -> None:
    """Remember the key, in the transaction of its purge."""
    connection.execute(
        "INSERT OR REPLACE INTO purge_key (operator, key, body, purge, at) VALUES (?, ?, ?, ?, ?)",
        (operator, once.key, once.body, purge, now),
    )


def trim(connection: sqlite3.Connection, now: float) -> None:
    """Forget keys whose time is over."""
    connection.execute("DELETE FROM purge_key WHERE at <= ?", (now - KEPT,))
