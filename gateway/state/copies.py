"""Copies: which answers a cache without tags may hold, noted before they are sent.

Of an answer's URL only a digest is kept (`cdn.copies`), under each of its tags and until the copy
ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence

from gateway.errors import StateUnavailable


def note(
    connection: sqlite3.Connection,
    tags: Iterable[str],
    digests: Sequence[bytes],
    until: float,
    most: int,
) -> None:
    """Know the copies under all of their tags until then, or until later if that was known.

    Raises `StateUnavailable` when more than `most` rows would be needed.
    """
    connection.executemany(
        "INSERT INTO copy (tag, digest, until) VALUES (?, ?, ?)"
        " ON CONFLICT (tag, digest) DO UPDATE SET until = max(until, excluded.until)",
        [(tag, digest, until) for tag in tags for digest in digests],
    )
    if count(connection) > most:
        raise StateUnavailable("no room for more copies of caches without tags")


def known(connection: sqlite3.Connection, tag: str) -> Collection[bytes]:
    """The digests of all copies with a tag."""
    found = connection.execute("SELECT digest FROM copy WHERE tag = ?", (tag,))
    return {digest for (digest,) in found}


def count(connection: sqlite3.Connection) -> int:
    """How many rows there are: one for each tag of each copy."""
    return int(connection.execute("SELECT number FROM copy_count").fetchone()[0])


def trim(connection: sqlite3.Connection, before: float, most: int) -> bool:
    """Forget up to `most` rows of copies that ended before then; whether there may be more."""
    gone = connection.execute(
        "DELETE FROM copy WHERE (tag, digest) IN"
        " (SELECT tag, digest FROM copy WHERE until < ? LIMIT ?)",
        (before, most),
    )
    return gone.rowcount == most
