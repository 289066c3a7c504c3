from __future__ import annotations

import sqlite3

import pytest

from cdn.tags import document_id
from gateway.documents import Zone
from gateway.state import living
from gateway.state.database import Database
from gateway.state.ledger import IssueRow, Ledger
from gateway.state.living import Count, LivingLink, dying, unbound
from gateway.state.revocations import bump, declare, reinstate, revoke

NOW = 1_800_000_000
CLINIC = Zone("clinic", "main", ("documents",), revocable=("documents/reports/",))


def row(link: str, place: str, **other: object) -> IssueRow:
    zone, bucket, key = place.split("/", 2)
    values = {
        "actor": "clerk",
        "document_id": document_id(zone, bucket, key),
        "grant": "ia",
        "version": "-",
        "generation": 0,
        "kid": "k1",
        "expires_at": NOW + 60,
        "issued_at": NOW,
        **other,
    }
    return IssueRow(link_id=link, zone=zone, bucket=bucket, key=key, **values)  # type: ignore[arg-type]


ROWS = [
    row("a", "clinic/documents/reports/a.pdf"),
    row("a", "clinic/documents/reports/a.pdf", actor="another"),
    row("b", "clinic/documents/reports/a.pdf", kid="k2"),
    row("over", "clinic/documents/reports/a.pdf", expires_at=NOW),
    row("letter", "clinic/documents/letter.pdf", actor="viewer:ann"),
    row("bound", "clinic/documents/letter.pdf", actor="viewer:ann", audience="ann"),
    row("scan", "clinic/scans/reports/a.pdf"),
    row("other", "other/archive/reports/a.pdf"),
]


@pytest.fixture
def ledger(database: Database) -> Database:
    Ledger(database).record_issue_now(ROWS)
    database.write_now(lambda c: declare(c, [CLINIC], 0.0))
    return database


def died(database: Database, scope: str) -> Count:
    return database.read_now(lambda c: dying(c, scope, NOW))


@pytest.mark.parametrize(
    ("scope", "links"),
    [
        ("d:clinic/documents/reports/a.pdf", 2),
        ("d:clinic/documents/none", 0),
        ("p:clinic/documents/reports/", 2),
        ("b:clinic/documents", 4),
        ("z:clinic", 5),
        ("z:other", 1),
        ("k:k1", 5),
        ("k:k2", 1),
        ("v:ann", 1),
        ("v:", 0),
    ],
)
def test_each_living_link_of_a_scope_is_counted_once(
    ledger: Database, scope: str, links: int
) -> None:
    assert died(ledger, scope) == Count(links)


def test_what_was_bound_to_a_viewer_dies_with_the_first_revocation(ledger: Database) -> None:
    ledger.write_now(lambda c: revoke(c, "v:ann", NOW + 1.5))
    assert died(ledger, "v:ann") == Count(0)
    ledger.write_now(lambda c: reinstate(c, "v:ann", NOW + 2.5))
    assert died(ledger, "v:ann") == Count(0)
    again = [row(name, "clinic/scans/c", audience="ann", issued_at=NOW + 2) for name in ("x", "y")]
    Ledger(ledger).record_issue_now(again)
    assert died(ledger, "v:ann") == Count(2)


@pytest.mark.parametrize(
    "scope",
    ["d:clinic/documents/reports/a.pdf", "p:clinic/documents/reports/", "b:clinic/documents"],
)
def test_what_has_died_before_does_not_die_again(ledger: Database, scope: str) -> None:
    def work(connection: sqlite3.Connection) -> None:
        bump(connection, scope, 0.0)

    ledger.write_now(work)
    assert died(ledger, "d:clinic/documents/reports/a.pdf") == Count(0)
    Ledger(ledger).record_issue_now(
        [row("new", "clinic/documents/reports/a.pdf", generation=1), row("c", "clinic/scans/c")]
    )
    assert died(ledger, "d:clinic/documents/reports/a.pdf") == Count(1)
    assert died(ledger, "b:clinic/scans") == Count(2)


def test_of_a_long_ledger_the_newest_are_looked_at(
    ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(living, "NEWEST", 3)
    assert died(ledger, "z:clinic") == Count(2, partly=True)
    assert died(ledger, "d:clinic/documents/reports/a.pdf") == Count(2)


def test_links_that_a_viewer_may_have_passed_on_are_named(
    ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = document_id("clinic", "documents", "letter.pdf")
    found = ledger.read_now(lambda c: unbound(c, "ann", NOW))
    assert found == ([LivingLink("letter", letter, NOW + 60)], 1)
    assert ledger.read_now(lambda c: unbound(c, "an", NOW)) == ([], 0)
    more = [row(f"l{n}", "clinic/documents/letter.pdf", actor="viewer:ann") for n in range(9)]
    Ledger(ledger).record_issue_now(more)
    monkeypatch.setattr(living, "MOST_LISTED", 4)
    listed, count = ledger.read_now(lambda c: unbound(c, "ann", NOW))
    assert (len(listed), count) == (4, 10)
    ledger.write_now(lambda c: bump(c, "z:clinic", 0.0))
    assert ledger.read_now(lambda c: unbound(c, "ann", NOW)) == ([], 0)
