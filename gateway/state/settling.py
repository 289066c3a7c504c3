"""Settling: what a CDN has taken and is still carrying out, until it has.

Only then is there a second pass, so that it finds no copy in a cache nearer to the readers that was
fetched again from one further back, and only then does a second pass confirm.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from gateway.state.jobs import again, second_pass


@dataclass(frozen=True, slots=True)
class Taken:
    """A CDN's word for what it took: it has carried that out, or can be asked, at `due`.

    There is no second pass before `second`. Times are Unix seconds.
    """

    reference: str
    at: float
    second: float
    due: float


@dataclass(frozen=True, slots=True)
class Unsettled:
    """All that one call to a provider carried, and when that was."""

    reference: str
    at: float


def begin(connection: sqlite3.Connection, job: int, provider: str, taken: Taken) -> None:
    """Let a job that is done wait for its CDN."""
    connection.execute(
        "INSERT INTO purge_settling (job, provider, reference, taken, second, due)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (job, provider, taken.reference, taken.at, taken.second, taken.due),
    )


def due(connection: sqlite3.Connection, provider: str, now: float, limit: int) -> list[Unsettled]:
    """What a provider is to be asked about, the longest due first.

    What seems to be taken later than now was so before the clock was set back.
    """
    found = connection.execute(
        "SELECT reference, taken FROM purge_settling WHERE provider = ? AND (due <= ? OR taken > ?)"
        " GROUP BY reference, taken ORDER BY min(due) LIMIT ?",
        (provider, now, now, limit),
    )
    return [Unsettled(*row) for row in found]


def settle(connection: sqlite3.Connection, provider: str, what: Unsettled, now: float) -> None:
    """The CDN has carried it out: ask for second passes, or confirm by them."""
    for job, second in _jobs(connection, provider, what):
        connection.execute("UPDATE purge_job SET error = '' WHERE id = ?", (job,))
        # When a second pass is settled is when it confirms; a first one's is when it was sent.
        connection.execute("UPDATE purge_job SET due = ? WHERE id = ? AND pass = 2", (now, job))
        second_pass(connection, job, max(now, min(second, now + second - what.at)))


def postpone(
    connection: sqlite3.Connection, provider: str, what: Unsettled, until: float, error: str = ""
) -> None:
    """Ask again at `until`; `error` says why nothing was learnt."""
    connection.execute(
        "UPDATE purge_job SET error = ? WHERE id IN (SELECT job FROM purge_settling"
        " WHERE provider = ? AND reference = ? AND taken = ?)",
        (error, provider, what.reference, what.at),
    )
    connection.execute(
        "UPDATE purge_settling SET due = ?, taken = min(taken, ?)"
        " WHERE provider = ? AND reference = ? AND taken = ?",
        (until, until, provider, what.reference, what.at),
    )


def lose(
    connection: sqlite3.Connection, provider: str, what: Unsettled, until: float, error: str
) -> None:
    """The CDN will never carry it out: ask for the same again at `until`."""
    for job, _ in _jobs(connection, provider, what):
        again(connection, job, until, error)


def bury(
    connection: sqlite3.Connection, provider: str, what: Unsettled, now: float, error: str
) -> None:
    """Nothing was learnt for too long: keep the jobs as dead until somebody requeues them."""
    for job, _ in _jobs(connection, provider, what):
        connection.execute(
            "UPDATE purge_job SET state = 'dead', due = ?, error = ? WHERE id = ?",
            (now, error, job),
        )


def _jobs(
    connection: sqlite3.Connection, provider: str, what: Unsettled
) -> list[tuple[int, float]]:
    return connection.execute(
        "DELETE FROM purge_settling WHERE provider = ? AND reference = ? AND taken = ?"
        " RETURNING job, second",
        (provider, what.reference, what.at),
    ).fetchall()
