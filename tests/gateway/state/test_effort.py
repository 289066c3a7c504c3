"""Effort: no question takes SQLite longer because of purges that are over, or of others' links."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial

import pytest

from gateway.state import collapsing, leases, listing, outbox, receipts
from gateway.state.database import Database
from gateway.state.jobs import Target, Within
from gateway.state.ledger import IssueRow, Ledger
from gateway.state.receipts import PurgeRow
from gateway.state.settling import Taken

MANY = 500
NOW = 1_000.0

Question = Callable[[sqlite3.Connection], object]


def ask(connection: sqlite3.Connection, name: str) -> None:
    purge = PurgeRow(name, '{"scopes": [], "tags": []}', True, "", "", NOW)
    outbox.enqueue(connection, purge, [Target("edge", f"d-{name}", True)])


def leased(connection: sqlite3.Connection, name: str) -> leases.Lease:
    ask(connection, name)
    lease = leases.claim(connection, "edge", 1, (name, 30.0), NOW)
    assert lease
    return lease


def fill(connection: sqlite3.Connection) -> None:
    """Purges that are over."""
    for number in range(MANY):
        taken = Taken("", NOW, NOW, NOW)
        leases.confirm(connection, leased(connection, f"old-{number}"), taken)
        second = leases.claim(connection, "edge", 1, (f"again-{number}", 30.0), NOW)
        assert second
        leases.confirm(connection, second, taken)


def effort(connection: sqlite3.Connection, question: Question) -> int:
    """How many steps of its machine SQLite takes, in tens."""
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    connection.set_progress_handler(step, 10)
    try:
        question(connection)
    finally:
        connection.set_progress_handler(None, 10)
    return taken


OF_PURGES: Mapping[str, Question] = {
    "status": lambda c: receipts.status(c, "mine"),
    "failed": lambda c: receipts.status(c, "dead"),
    "list of failed": lambda c: listing.latest(c, True, 100),
    "further": lambda c: listing.latest(c, True, 100, before="mine"),
    "due": lambda c: leases.due(c, "edge", NOW),
    "claim": lambda c: leases.claim(c, "edge", 10, ("token", 30.0), NOW),
    "depths": receipts.depths,
}


@pytest.mark.parametrize("question", OF_PURGES.values(), ids=OF_PURGES)
def test_no_question_goes_through_what_is_over(database: Database, question: Question) -> None:
    def work(connection: sqlite3.Connection) -> tuple[int, int]:
        leases.bury(connection, leased(connection, "dead"), "refused", NOW)
        connection.execute("SAVEPOINT here")
        ask(connection, "mine")
        before = effort(connection, question)
        connection.execute("ROLLBACK TO here")
        fill(connection)
        ask(connection, "mine")
        return before, effort(connection, question)

    before, after = database.write_now(work)
    assert after < 2 * before + MANY // 10


def test_twice_the_queue_takes_twice_the_effort_to_collapse(database: Database) -> None:
    def work(connection: sqlite3.Connection, folders: int) -> int:
        connection.execute("SAVEPOINT here")
        for number in range(4 * folders):
            target = Target("edge", f"d-{number}", True, Within(f"f-{number % folders}"))
            purge = PurgeRow(f"p-{number}", "{}", True, "", "", NOW)
            outbox.enqueue(connection, purge, [target])
        taken = effort(connection, lambda c: collapsing.collapse(c, "edge", folders))
        assert collapsing.depth(connection, "edge") == folders
        connection.execute("ROLLBACK TO here")
        return taken

    half, whole = (database.write_now(partial(work, folders=folders)) for folders in (50, 100))
    assert whole < 3 * half


ISSUE = IssueRow("0", "clerk", "clinic", "documents", "a", "d-0", "i", "-", 0, "k1", 0, 0, "anna")


OF_LINKS: Mapping[str, Callable[[Ledger], Awaitable[list[IssueRow]]]] = {
    "find": lambda ledger: ledger.find("0"),
    "document": lambda ledger: ledger.of_document("d-0"),
    "actor": lambda ledger: ledger.by_actor("clerk"),
    "audience": lambda ledger: ledger.for_audience("anna"),
}


@pytest.mark.parametrize("question", OF_LINKS.values(), ids=OF_LINKS)
def test_no_question_to_the_ledger_goes_through_others_links(
    database: Database,
    question: Callable[[Ledger], Awaitable[list[IssueRow]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger, read, taken = Ledger(database), database.read, list[int]()

    def measured(work: Question) -> Awaitable[list[IssueRow]]:
        def both(connection: sqlite3.Connection) -> list[IssueRow]:
            taken.append(effort(connection, work))
            return [ISSUE]

        return read(both)

    async def ask_it() -> None:
        await question(ledger)

    monkeypatch.setattr(database, "read", measured)
    ledger.record_issue_now([ISSUE])
    asyncio.run(ask_it())
    others = (
        replace(ISSUE, link_id=f"{n}", document_id=f"d-{n}", actor=f"a-{n}", audience=f"v-{n}")
        for n in range(1, MANY)
    )
    ledger.record_issue_now([*others])
    asyncio.run(ask_it())
    assert taken[1] < 2 * taken[0] + MANY // 10
