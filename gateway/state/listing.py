"""Listing: purges in the order in which they were asked for, the latest first."""

from __future__ import annotations

import sqlite3

from gateway.state.receipts import PurgeStatus, status

_FAILED = (
    " AND EXISTS (SELECT 1 FROM purge_wait JOIN purge_job ON purge_job.id = purge_wait.job"
    " WHERE purge_wait.purge = purge.id AND purge_job.state = 'dead')"
)


def latest(
    connection: sqlite3.Connection, failed: bool, limit: int, before: str = ""
) -> list[PurgeStatus]:
    """At most `limit` purges, or those that failed; only such as come after `before` in the list.

    After one that nobody knows comes nothing.
    """
    place = "" if not before else " AND (at, id) < (SELECT at, id FROM purge WHERE id = :before)"
    found = connection.execute(
        f"SELECT id FROM purge WHERE TRUE{place}{_FAILED if failed else ''}"
        " ORDER BY at DESC, id DESC LIMIT :limit",
        {"before": before, "limit": limit},
    ).fetchall()
    told = (status(connection, purge) for (purge,) in found)
    return [one for one in told if one is not None]
