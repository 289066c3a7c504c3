"""Living: the links of the ledger that still open something, and would die with a scope."""

from __future__ import annotations

import sqlite3
from typing import Final, NamedTuple

from cdn.tags import document_id

NEWEST: Final = 20_000
"""Issues that are looked at for anything but a document or a viewer, which have an index."""

MOST_LISTED: Final = 1_000
"""Links that are named one by one; of more the number is told."""

# Whose generation is the sum of all that counts for their document (gateway/state/revocations.py).
_CURRENT = (
    " AND generation = coalesce((SELECT counter FROM revocation WHERE scope = 'z:' || zone), 0)"
    " + coalesce((SELECT counter FROM revocation WHERE scope = 'b:' || zone || '/' || bucket), 0)"
    " + coalesce((SELECT counter FROM revocation"
    " WHERE scope = 'd:' || zone || '/' || bucket || '/' || key), 0)"
    " + (SELECT coalesce(sum(counter), 0) FROM revocation JOIN declared_prefix AS declared"
    " ON scope = 'p:' || declared.zone || '/' || prefix WHERE declared.zone = issue.zone"
    " AND substr(issue.bucket || '/' || issue.key, 1, length(prefix)) = prefix)"
)

# What was bound to a viewer before they were revoked the last time is dead for good.
_BOUND = (
    "audience = ? AND audience <> '' AND issued_at >= coalesce("
    "(SELECT CAST(changed_at AS INTEGER) FROM revocation WHERE scope = 'v:' || audience), 0)"
)


class Count(NamedTuple):
    """How many links there are; `partly` when older issues were not looked at."""

    links: int
    partly: bool = False


class LivingLink(NamedTuple):
    """A link that somebody may still use, until `expires_at` (Unix seconds)."""

    link: str
    document: str
    expires_at: int


def dying(connection: sqlite3.Connection, scope: str, now: int) -> Count:
    """How many living links a revocation of `scope` would kill, just before it does."""
    kind, _, place = scope.partition(":")
    zone, _, below = place.partition("/")
    bucket, _, key = below.partition("/")
    if kind == "d":
        return Count(_count(connection, "document_id = ?", (document_id(zone, bucket, key),), now))
    if kind == "v":
        return Count(_count(connection, _BOUND, (place,), now))
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM issue").fetchone()
    newest = f"id > {last - NEWEST} AND "
    where, values = {
        "b": ("zone = ? AND bucket = ?", (zone, bucket)),
        "p": ("zone = ? AND substr(bucket || '/' || key, 1, length(?2)) = ?2", (zone, below)),
        "k": ("kid = ?", (place,)),
    }.get(kind, ("zone = ?", (zone,)))
    return Count(_count(connection, newest + where, values, now), last > NEWEST)


def unbound(connection: sqlite3.Connection, subject: str, now: int) -> tuple[list[LivingLink], int]:
    """The living links that a viewer was given and anybody may use: the first, and how many."""
    place = "actor = ? AND audience = ''"
    values = (f"viewer:{subject}",)
    rows = connection.execute(
        f"SELECT DISTINCT link_id, document_id, expires_at FROM issue WHERE {place}"
        f" AND expires_at > {now}{_CURRENT} ORDER BY link_id LIMIT {MOST_LISTED}",
        values,
    )
    return [LivingLink(*row) for row in rows], _count(connection, place, values, now)


def _count(connection: sqlite3.Connection, where: str, values: tuple[str, ...], now: int) -> int:
    found: tuple[int] = connection.execute(
        f"SELECT count(DISTINCT link_id) FROM issue WHERE {where} AND expires_at > {now}{_CURRENT}",
        values,
    ).fetchone()
    return found[0]
