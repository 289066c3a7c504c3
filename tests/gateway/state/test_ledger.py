from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace

import pytest

from gateway.state.database import Database
from gateway.state.ledger import IssueRow, Ledger

ROW = IssueRow(
    link_id="0123456789abcdef",
    actor="clerk",
    zone="clinic",
    bucket="documents",
    key="reports/ä b.pdf",
    document_id="d-1",
    grant="ix-w640",
    version="-",
    generation=3,
    kid="k1",
    expires_at=1_800_000_900,
    issued_at=1_800_000_000,
)


def test_an_issue_is_found_again_with_every_fact(database: Database) -> None:
    ledger = Ledger(database)
    asyncio.run(ledger.record_issue([ROW]))
    assert asyncio.run(ledger.find(ROW.link_id)) == [ROW]
    assert asyncio.run(ledger.find("fedcba9876543210")) == []


def test_equal_links_to_two_people_are_two_rows(database: Database) -> None:
    ledger = Ledger(database)
    other = replace(ROW, actor="nurse")
    ledger.record_issue_now([ROW])
    ledger.record_issue_now([other])
    assert asyncio.run(ledger.find(ROW.link_id)) == [ROW, other]


def test_documents_and_actors_show_their_latest_issues_first(database: Database) -> None:
    ledger = Ledger(database)
    rows = [replace(ROW, issued_at=ROW.issued_at + second) for second in (2, 1, 3)]
    ledger.record_issue_now([*rows, replace(ROW, document_id="d-2", actor="nurse")])
    newest = [rows[2], rows[0]]
    assert asyncio.run(ledger.of_document("d-1", limit=2)) == newest
    assert asyncio.run(ledger.by_actor("clerk", limit=2)) == newest


def test_rows_are_written_all_or_none(database: Database) -> None:
    ledger = Ledger(database)
    with pytest.raises(sqlite3.IntegrityError):
        ledger.record_issue_now([ROW, replace(ROW, generation="many")])  # type: ignore[arg-type]
    assert asyncio.run(ledger.find(ROW.link_id)) == []


def test_recording_nothing_writes_nothing(database: Database) -> None:
    database.close()
    asyncio.run(Ledger(database).record_issue([]))
    Ledger(database).record_issue_now([])


@pytest.mark.parametrize("statement", ["UPDATE issue SET actor = 'other'", "DELETE FROM issue"])
def test_what_is_written_can_not_be_changed(database: Database, statement: str) -> None:
    Ledger(database).record_issue_now([ROW])
    with pytest.raises(sqlite3.IntegrityError, match="only added to"):
        database.write_now(lambda connection: connection.execute(statement))
    assert asyncio.run(Ledger(database).find(ROW.link_id)) == [ROW]


def test_what_was_given_out_at_a_time_is_known(database: Database) -> None:
    ledger = Ledger(database)
    ledger.record_issue_now([ROW, replace(ROW, issued_at=ROW.issued_at + 10)])
    assert not ledger.given_before(ROW.link_id, ROW.issued_at - 0.5)
    assert ledger.given_before(ROW.link_id, ROW.issued_at)
    assert ledger.given_before(ROW.link_id, ROW.issued_at + 5)
    assert not ledger.given_before("fedcba9876543210", ROW.issued_at + 100)
