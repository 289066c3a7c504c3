"""The outbox: purges written with the change that needs them, worked off until each is confirmed.

A purge waits for jobs, of which `gateway.state.jobs` tells; they are leased to a worker by
`gateway.state.leases`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from gateway.state.jobs import Target, again, ready, wait_for
from gateway.state.receipts import PurgeRow

__all__ = ["Target", "enqueue", "requeue", "retry"]

# Not the time of asking: a clock that is set back would put the purge off.
_AT_ONCE = 0.0


def enqueue(connection: sqlite3.Connection, purge: PurgeRow, targets: Iterable[Target]) -> None:
    """Write the purge and its jobs in the caller's transaction: with the change or not at all."""
    connection.execute(
        "INSERT INTO purge (id, asked, soft, reason, asked_by, at) VALUES (?, ?, ?, ?, ?, ?)",
        (purge.id, purge.asked, purge.soft, purge.reason, purge.by, purge.at),
    )
    for target in targets:
        job = ready(connection, target, 1, purge.priority, _AT_ONCE)
        wait_for(connection, job, purge.id, purge.at)


def requeue(connection: sqlite3.Connection, provider: str, now: float) -> int:
    """Make a provider's dead jobs ready again; how many there were."""
    dead = connection.execute(
        "SELECT id FROM purge_job WHERE provider = ? AND state = 'dead'", (provider,)
    ).fetchall()
    for (number,) in dead:
        again(connection, number, now, "")
    return len(dead)


def retry(connection: sqlite3.Connection, purge: str, now: float) -> int:
    """Make the dead jobs ready again that a purge waits for; how many there were."""
    dead = connection.execute(
        "SELECT id FROM purge_job JOIN purge_wait ON purge_wait.job = purge_job.id"
        " WHERE purge = ? AND state = 'dead'",
        (purge,),
    ).fetchall()
    for (number,) in dead:
        again(connection, number, now, "")
    return len(dead)
