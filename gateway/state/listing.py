"""Listing: purges in the order in which they were asked for, the latest first."""

from __future__ import annotations

import sqlite3

from gateway.state.receipts import PurgeStatus, status

# CROSS keeps the order of the tables: few jobs are dead, and all purges are many.
_FAILED = (
    "(SELECT DISTINCT purge AS failed FROM purge_job CROSS JOIN purge_wait"
    " ON purge_wait.job = purge_job.id WHERE state = 'dead') CROSS JOIN purge ON id = failed"
)


def latest(
    connection: sqlite3.Connection, failed: bool, limit: int, before: str = ""
) -> list[PurgeStatus]:
    """At most `limit` purges, or those that failed; only such as come after `before` in the list.

    After one that nobody knows comes nothing.
    """
    place = "" if not before else " AND (at, id) < (SELECT at, id FROM purge WHERE id = :before)"
    found = connection.execute(
        f"SELECT id FROM {_FAILED if failed else 'purge'} WHERE TRUE{place}"
        " ORDER BY at DESC, id DESC LIMIT :limit",
        {"before": before, "limit": limit},
    ).fetchall()
    told = (status(connection, purge) for (purge,) in found)
    return [one for one in told if one is not None]
