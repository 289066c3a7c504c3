"""Leases: the jobs that one call to a provider carries, from their claim to what became of them."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from typing import TypeAlias

from gateway.state import settling
from gateway.state.jobs import Target, Within, again, move, ready, second_pass
from gateway.state.receipts import ORDINARY, URGENT
from gateway.state.settling import Taken

FARTHEST = 120.0
"""Seconds from now in which every job is due: more than any lease, pause or second pass takes. A
job due later than that was put off by a clock that has been set back since, and is due now."""

_Row: TypeAlias = tuple[int, str, int, int, int, str, str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """A leased job; `number` is the pass it belongs to, `attempts` counts this one."""

    id: int
    target: Target
    number: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Lease:
    """Jobs that one call to a provider can carry, held from `began` until `ends`.

    `key` is the same as long as the same purges wait for the same jobs, so that a CDN which knows
    such keys can tell a call that is made again from a new one.
    """

    token: str
    jobs: tuple[Job, ...]
    began: float
    ends: float
    key: str

    @property
    def tags(self) -> list[str]:
        """Each tag once: both passes of one tag may be due at the same time."""
        return list(dict.fromkeys(job.target.tag for job in self.jobs))

    @property
    def soft(self) -> bool:
        return self.jobs[0].target.soft


def due(connection: sqlite3.Connection, provider: str, now: float) -> bool:
    """Whether `claim` would find anything."""
    return any(_due(connection, provider, priority, 1, now) for priority in (URGENT, ORDINARY))


def claim(
    connection: sqlite3.Connection, provider: str, limit: int, lease: tuple[str, float], now: float
) -> Lease | None:
    """Lease at most `limit` due jobs of one kind, hard or soft, the most urgent first.

    `lease` is a token that never was used and the seconds it lasts. A lease whose holder died is
    due again at its end.
    """
    token, seconds = lease
    found = [
        row
        for priority in (URGENT, ORDINARY)
        for row in _due(connection, provider, priority, limit, now)
    ][:limit]
    alike = [row for row in found if row[2] == found[0][2]]
    connection.executemany(
        "UPDATE purge_job SET state = 'leased', lease = ?, due = ?, attempts = attempts + 1"
        " WHERE id = ?",
        ((token, now + seconds, row[0]) for row in alike),
    )
    jobs = tuple(
        Job(number, Target(provider, tag, bool(soft), Within(*above)), turn, attempts + 1)
        for number, tag, soft, turn, attempts, *above in alike
    )
    return Lease(token, jobs, now, now + seconds, _key(connection, token)) if jobs else None


def confirm(connection: sqlite3.Connection, lease: Lease, taken: Taken) -> None:
    """The provider took the lease's tags: its jobs are done, and settled at once or later.

    What the lease no longer holds is left to its new holder.
    """
    for job in _held(connection, lease):
        connection.execute(
            "UPDATE purge_job SET state = 'done', lease = '', due = ?, reference = ?, error = ''"
            " WHERE id = ?",
            (taken.at, taken.reference, job.id),
        )
        if job.number == 2:
            latest = lease.began + taken.second - taken.at
            _come_too_early(connection, job, lease.began, latest)
        if taken.due > taken.at:
            settling.begin(connection, job.id, job.target.provider, taken)
        else:
            second_pass(connection, job.id, taken.second)


def postpone(connection: sqlite3.Connection, lease: Lease, error: str, until: float) -> None:
    """Make the lease's jobs ready again, due at `until`."""
    for job in _held(connection, lease):
        again(connection, job.id, until, error)


def bury(connection: sqlite3.Connection, lease: Lease, error: str, now: float) -> None:
    """Trying again can not help: keep the lease's jobs as dead until somebody requeues them."""
    for job in _held(connection, lease):
        connection.execute(
            "UPDATE purge_job SET state = 'dead', lease = '', due = ?, error = ? WHERE id = ?",
            (now, error, job.id),
        )


def _key(connection: sqlite3.Connection, token: str) -> str:
    # Not of the tags: a call for a newer change of the same document is another purge.
    waits = connection.execute(
        "SELECT job, purge FROM purge_wait JOIN purge_job ON purge_job.id = purge_wait.job"
        " WHERE lease = ? AND state = 'leased' ORDER BY job, purge",
        (token,),
    )
    return hashlib.sha256(repr(list(map(tuple, waits))).encode()).hexdigest()[:32]


def _due(
    connection: sqlite3.Connection, provider: str, priority: int, limit: int, now: float
) -> list[_Row]:
    found: list[_Row] = []
    for when, bound in (("<=", now), (">", now + FARTHEST)):
        found += connection.execute(
            "SELECT id, tag, soft, pass, attempts, folder, bucket, zone FROM purge_job"
            f" WHERE provider = ? AND priority = ? AND due {when} ?"
            " AND state IN ('ready', 'leased') ORDER BY due, id LIMIT ?",
            (provider, priority, bound, limit - len(found)),
        ).fetchall()
    return found


def _held(connection: sqlite3.Connection, lease: Lease) -> list[Job]:
    """Those of the lease's jobs that nobody else has taken over since."""
    found = connection.execute(
        "SELECT id FROM purge_job WHERE lease = ? AND state = 'leased'", (lease.token,)
    )
    held = {number for (number,) in found}
    return [job for job in lease.jobs if job.id in held]


def _come_too_early(connection: sqlite3.Connection, job: Job, began: float, latest: float) -> None:
    """Give the purges that joined a second pass late, and are not served by it, another one.

    The job keeps the time of the first that joined, so that a document which changes all the time
    does not put its own confirmation off for ever. Nobody waits beyond `latest`: who does is put
    off by a clock that was set back.
    """
    connection.execute(
        "UPDATE purge_wait SET due = ? WHERE job = ? AND due > ?", (latest, job.id, latest)
    )
    late, until, priority = connection.execute(
        "SELECT count(*), max(purge_wait.due), max(priority) FROM purge_wait"
        " JOIN purge_job ON purge_job.id = purge_wait.job WHERE job = ? AND purge_wait.due > ?",
        (job.id, began),
    ).fetchone()
    if late:
        later = ready(connection, job.target, 2, priority, until)
        move(connection, job.id, later, began)
