"""Jobs: one tag at one provider, which any number of purges wait for.

A job is *ready*, *leased* to a worker, *done* or *dead*. What is leased may be on the wire already,
so a newer change never joins it but finds, or makes, a ready one.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import NamedTuple


class Within(NamedTuple):
    """The bigger tags that every answer with a tag has as well; empty where there is none."""

    folder: str = ""
    bucket: str = ""
    zone: str = ""


NOWHERE = Within()


@dataclass(frozen=True, slots=True)
class Target:
    """One tag at one provider, and how it is to be forgotten there."""

    provider: str
    tag: str
    soft: bool
    within: Within = NOWHERE


def ready(
    connection: sqlite3.Connection, target: Target, number: int, priority: int, at: float
) -> int:
    """The ready job for a target: the one that is there, made sooner and more urgent, or new."""
    row: tuple[int] = connection.execute(
        "INSERT INTO purge_job"
        " (provider, tag, soft, pass, priority, state, due, folder, bucket, zone)"
        " VALUES (?, ?, ?, ?, ?, 'ready', ?, ?, ?, ?)"
        " ON CONFLICT (provider, tag, soft, pass) WHERE state = 'ready' DO UPDATE SET"
        " priority = min(priority, excluded.priority), due = min(due, excluded.due)"
        " RETURNING id",
        (target.provider, target.tag, target.soft, number, priority, at, *target.within),
    ).fetchone()
    return row[0]


def wait_for(connection: sqlite3.Connection, job: int, purge: str, at: float) -> None:
    """Let a purge wait for a job, from `at` on."""
    # A purge that waited for both of two jobs made one waits for the later time.
    connection.execute(
        "INSERT INTO purge_wait (job, purge, due) VALUES (?, ?, ?)"
        " ON CONFLICT (job, purge) DO UPDATE SET due = max(due, excluded.due)",
        (job, purge, at),
    )


def second_pass(connection: sqlite3.Connection, job: int, at: float) -> None:
    """Ask for a first pass's tag again at `at`; nothing for a second one.

    It is for an answer that was fetched before the change and stored after.
    """
    found = connection.execute(
        "SELECT priority, provider, tag, soft, folder, bucket, zone FROM purge_job"
        " WHERE id = ? AND pass = 1",
        (job,),
    ).fetchone()
    if found is None:
        return
    priority, provider, tag, soft, *above = found
    target = Target(provider, tag, bool(soft), Within(*above))
    second = ready(connection, target, 2, priority, at)
    connection.execute(
        "INSERT INTO purge_wait (job, purge, due) SELECT ?, purge, ? FROM purge_wait"
        " WHERE job = ? ON CONFLICT (job, purge) DO UPDATE SET due = excluded.due",
        (second, at, job),
    )


def again(connection: sqlite3.Connection, job: int, at: float, error: str) -> None:
    """Make a job ready again, or let its purges wait for the ready one that came after it."""
    newer = connection.execute(
        "SELECT ready.id FROM purge_job AS ready JOIN purge_job AS job USING (provider, tag, soft,"
        " pass) WHERE job.id = ? AND ready.state = 'ready'",
        (job,),
    ).fetchone()
    if newer is None:
        connection.execute(
            "UPDATE purge_job SET state = 'ready', lease = '', due = ?, error = ? WHERE id = ?",
            (at, error, job),
        )
        return
    move(connection, job, newer[0], float("-inf"))
    connection.execute(
        "UPDATE purge_job SET error = ?, priority = min(priority,"
        " (SELECT priority FROM purge_job WHERE id = ?)) WHERE id = ?",
        (error, job, newer[0]),
    )
    connection.execute("DELETE FROM purge_job WHERE id = ?", (job,))


def move(connection: sqlite3.Connection, job: int, other: int, after: float) -> None:
    """Let the purges that wait for `job` until later than `after` wait for `other` instead."""
    waits = connection.execute(
        "DELETE FROM purge_wait WHERE job = ? AND due > ? RETURNING purge, due", (job, after)
    ).fetchall()
    for purge, at in waits:
        wait_for(connection, other, purge, at)
