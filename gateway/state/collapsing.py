"""Collapsing: many waiting jobs made few, each by the bigger tag that covers some of them.

Only what is ready is touched: a job on the wire keeps its own tag, and a change that comes now
finds, or makes, a ready job as ever. Purges wait for the job that covers theirs, so that none is
told to be done before it is.
"""

from __future__ import annotations

import sqlite3
from typing import Final, NamedTuple

from gateway.state.jobs import Target, Within, ready

LEVELS: Final = Within._fields
"""The kinds of bigger tags, the smallest first; columns of `purge_job`."""

_THESE: Final = "IN (SELECT value FROM json_each(?))"


class _Group(NamedTuple):
    """Ready jobs of one kind whose tags lie in the same bigger one."""

    soft: int
    number: int
    tag: str
    size: int
    priority: int
    earliest: float
    latest: float
    bucket: str
    zone: str
    jobs: str  # JSON: to look for them again for each group takes a square of their number


def depth(connection: sqlite3.Connection, provider: str) -> int:
    """How many jobs wait at a provider, on the wire or not."""
    found = connection.execute(
        "SELECT count(*) FROM purge_job WHERE provider = ? AND state IN ('ready', 'leased')",
        (provider,),
    )
    return int(found.fetchone()[0])


def collapse(connection: sqlite3.Connection, provider: str, most: int) -> int:
    """Leave no more than `most` jobs, if their tags allow it; how many were taken up by bigger.

    The smallest tags go first, and of those the fullest groups, so that no cache forgets more
    than it has to.
    """
    left, taken = depth(connection, provider), 0
    for level in LEVELS:
        for group in _groups(connection, provider, level) if left > most else ():
            if left <= most:
                break
            _merge(connection, provider, level, group)
            left, taken = left - group.size + 1, taken + group.size
    return taken


def _groups(connection: sqlite3.Connection, provider: str, level: str) -> list[_Group]:
    found = connection.execute(
        f"SELECT soft, pass, {level}, count(*), min(priority), min(due), max(due), bucket, zone,"
        " json_group_array(id)"
        f" FROM purge_job WHERE provider = ? AND state = 'ready' AND {level} <> ''"
        f" GROUP BY soft, pass, {level} HAVING count(*) > 1 ORDER BY count(*) DESC",
        (provider,),
    )
    return [_Group(*row) for row in found.fetchall()]


def _above(level: str, group: _Group) -> Within:
    """What lies above a tag of a level: every job below it says the same."""
    bucket = group.bucket if level == "folder" else ""
    return Within("", bucket, group.zone if level != "zone" else "")


def _merge(connection: sqlite3.Connection, provider: str, level: str, group: _Group) -> None:
    target = Target(provider, group.tag, bool(group.soft), _above(level, group))
    # A second pass has to come late enough for all of them, a first one soon enough.
    due = group.earliest if group.number == 1 else group.latest
    job = ready(connection, target, group.number, group.priority, due)
    connection.execute(
        "INSERT INTO purge_wait (job, purge, due) SELECT ?, purge, max(wait.due)"
        f" FROM purge_wait AS wait WHERE job {_THESE}"
        " GROUP BY purge ON CONFLICT (job, purge) DO UPDATE SET due = max(due, excluded.due)",
        (job, group.jobs),
    )
    connection.execute(f"DELETE FROM purge_wait WHERE job {_THESE}", (group.jobs,))
    connection.execute(f"DELETE FROM purge_job WHERE id {_THESE}", (group.jobs,))
