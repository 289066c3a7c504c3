"""Receipts: what was asked to be purged, and how far it has come at each provider."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace

from cdn.purge import PurgeState

URGENT, ORDINARY = 0, 1


@dataclass(frozen=True, slots=True)
class PurgeRow:
    """What was asked, by whom and why; `asked` is JSON, `at` Unix seconds.

    Priority `URGENT` (a revocation) goes before everything `ORDINARY`.
    """

    id: str
    asked: str
    soft: bool
    reason: str
    by: str
    at: float
    priority: int = ORDINARY


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """How far a purge is at one provider: tags in all, and those that each pass has reached.

    `references` are the provider's own names of all calls so far. Times are Unix seconds, of the
    last tag, and 0 until then.
    """

    provider: str
    state: PurgeState
    tags: int
    sent: int
    confirmed: int
    reference: str
    error: str
    references: tuple[str, ...] = ()
    sent_at: float = 0.0
    confirmed_at: float = 0.0


@dataclass(frozen=True, slots=True)
class PurgeStatus:
    """How far a purge is: as far as at the slowest provider; without any it is confirmed."""

    purge: PurgeRow
    providers: tuple[ProviderStatus, ...]

    @property
    def id(self) -> str:
        return self.purge.id

    @property
    def state(self) -> PurgeState:
        reached = {provider.state for provider in self.providers}
        for state in (PurgeState.FAILED, PurgeState.QUEUED, PurgeState.SENT):
            if state in reached:
                return state
        return PurgeState.CONFIRMED


@dataclass(frozen=True, slots=True)
class Depth:
    """What waits at a provider: jobs not settled, dead ones, and since when the oldest change
    has waited for its first pass (Unix seconds; 0 when none does)."""

    provider: str
    waiting: int
    dead: int
    oldest: float


def status(connection: sqlite3.Connection, purge: str) -> PurgeStatus | None:
    """How far a purge is; None for an unknown or a forgotten one."""
    row = connection.execute(
        "SELECT id, asked, soft, reason, asked_by, at FROM purge WHERE id = ?", (purge,)
    ).fetchone()
    if row is None:
        return None
    number, asked, soft, reason, by, at = row
    parts = connection.execute(
        "SELECT purge_job.provider, count(*) FILTER (WHERE pass = 1),"
        " count(*) FILTER (WHERE pass = 1 AND state = 'done'),"
        " count(*) FILTER (WHERE pass = 2 AND state = 'done' AND settling.job IS NULL),"
        " count(*) FILTER (WHERE settling.job IS NOT NULL OR (pass = 2 AND state <> 'done')),"
        " count(*) FILTER (WHERE state = 'dead'), max(purge_job.reference), max(error)"
        " FROM purge_wait JOIN purge_job ON purge_job.id = purge_wait.job"
        " LEFT JOIN purge_settling AS settling ON settling.job = purge_job.id"
        " WHERE purge = ? GROUP BY purge_job.provider ORDER BY purge_job.provider",
        (purge,),
    ).fetchall()
    return PurgeStatus(
        PurgeRow(number, asked, bool(soft), reason, by, at),
        tuple(_told(connection, purge, _part(*part)) for part in parts),
    )


def depths(connection: sqlite3.Connection) -> list[Depth]:
    """What waits at each provider that anything waits at, or is dead at."""
    found = connection.execute(
        "SELECT provider, count(DISTINCT job.id) FILTER (WHERE state <> 'dead'),"
        " count(DISTINCT job.id) FILTER (WHERE state = 'dead'),"
        " coalesce(min(wait.due) FILTER (WHERE pass = 1 AND state <> 'dead'), 0)"
        " FROM purge_job AS job LEFT JOIN purge_wait AS wait ON wait.job = job.id"
        " WHERE state IN ('ready', 'leased', 'dead') GROUP BY provider ORDER BY provider"
    )
    return [Depth(*row) for row in found]


def last_asked(connection: sqlite3.Connection, begins: str) -> float:
    """When anybody whose name begins so last asked (Unix seconds); 0 for never, or forgotten."""
    found = connection.execute(
        "SELECT coalesce(max(at), 0) FROM purge WHERE substr(asked_by, 1, ?) = ?",
        (len(begins), begins),
    )
    return float(found.fetchone()[0])


def slice_end(connection: sqlite3.Connection, since: float, before: float, most: int) -> float:
    """Until when `most` purges were asked for after `since`; at the latest `before`."""
    found = connection.execute(
        "SELECT at FROM purge WHERE at > ? AND at < ? ORDER BY at LIMIT 1 OFFSET ?",
        (since, before, most),
    ).fetchone()
    return float(found[0]) if found else before


def trim(connection: sqlite3.Connection, before: float) -> None:
    """Forget purges asked before `before` once everything they waited for is done."""
    connection.execute(
        "DELETE FROM purge_wait WHERE purge IN (SELECT id FROM purge WHERE at < :before AND NOT"
        " EXISTS (SELECT 1 FROM purge_wait JOIN purge_job ON purge_job.id = purge_wait.job"
        " LEFT JOIN purge_settling ON purge_settling.job = purge_job.id"
        " WHERE purge_wait.purge = purge.id"
        " AND (state <> 'done' OR purge_settling.job IS NOT NULL)))",
        {"before": before},
    )
    connection.execute(
        "DELETE FROM purge_job WHERE state = 'done' AND due < ?"
        " AND NOT EXISTS (SELECT 1 FROM purge_wait WHERE job = purge_job.id)"
        " AND NOT EXISTS (SELECT 1 FROM purge_settling WHERE job = purge_job.id)",
        (before,),
    )
    connection.execute(
        "DELETE FROM purge WHERE at < ?"
        " AND NOT EXISTS (SELECT 1 FROM purge_wait WHERE purge = purge.id)",
        (before,),
    )


def _told(connection: sqlite3.Connection, purge: str, part: ProviderStatus) -> ProviderStatus:
    """With the names of the calls, and when the last of each pass was settled."""
    # CROSS keeps the order of the tables: by itself SQLite goes through all jobs that are done.
    rows = connection.execute(
        "SELECT pass, purge_job.due, reference FROM purge_wait CROSS JOIN purge_job ON id = job"
        " WHERE purge = ? AND provider = ? AND state = 'done' ORDER BY purge_job.due, job",
        (purge, part.provider),
    ).fetchall()
    ends = {number: at for number, at, _ in rows}
    sent = part.state not in (PurgeState.QUEUED, PurgeState.FAILED)
    return replace(
        part,
        references=tuple(dict.fromkeys(name for _, _, name in rows if name)),
        sent_at=ends.get(1, 0.0) if sent else 0.0,
        confirmed_at=ends.get(2, 0.0) if part.state is PurgeState.CONFIRMED else 0.0,
    )


def _part(
    provider: str,
    tags: int,
    sent: int,
    confirmed: int,
    waiting: int,
    dead: int,
    reference: str,
    error: str,
) -> ProviderStatus:
    """Collapsed tags are fewer in one pass than in the other, so that none is counted twice:
    what still waits for its second pass says whether there is more to come."""
    if dead:
        state = PurgeState.FAILED
    elif sent < tags:
        state = PurgeState.QUEUED
    else:
        state = PurgeState.SENT if waiting else PurgeState.CONFIRMED
    reached = tags if state is PurgeState.CONFIRMED else min(confirmed, tags)
    return ProviderStatus(provider, state, tags, sent, reached, reference, error)
