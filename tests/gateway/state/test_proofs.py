"""Proofs: what each kind of finding makes of an earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.state import feed, proofs
from gateway.state.database import Database
from gateway.state.proofs import Outcome, Proof


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "ostiary.db")
    yield database
    database.close()


def note(database: Database, outcome: Outcome, now: float, config: str = "one") -> Proof:
    return database.write_now(lambda c: proofs.note(c, "clinic", config, (outcome, "[]"), now))


def test_a_proof_is_known_as_it_was_written(database: Database) -> None:
    assert database.read_now(proofs.known) == {}
    proof = note(database, "proven", 100.0)
    assert proof == Proof("clinic", "one", "proven", 100.0, 100.0, "[]")
    assert database.read_now(proofs.known) == {"clinic": proof}


def test_what_could_not_be_found_out_leaves_a_proof_to_grow_old(database: Database) -> None:
    note(database, "proven", 100.0)
    assert note(database, "unproven", 400.0).proved_at == 100.0
    assert note(database, "unproven", 700.0).proved_at == 100.0
    assert note(database, "proven", 900.0).proved_at == 900.0


def test_a_proof_from_the_future_is_one_of_now(database: Database) -> None:
    note(database, "proven", 100_000.0)
    assert note(database, "unproven", 400.0).proved_at == 400.0


def test_a_failure_ends_a_proof_at_once_and_for_good(database: Database) -> None:
    note(database, "proven", 100.0)
    assert note(database, "failed", 400.0).proved_at == 0.0
    assert note(database, "unproven", 700.0).proved_at == 0.0


def test_a_proof_of_another_configuration_is_none(database: Database) -> None:
    note(database, "proven", 100.0)
    assert note(database, "unproven", 400.0, "two").proved_at == 0.0


def test_every_process_is_told(database: Database) -> None:
    before = database.epoch.value
    note(database, "proven", 100.0)
    assert database.epoch.value != before
    [row] = database.read_now(lambda c: feed.rows_after(c, 0))
    assert (row.kind, row.scope) == ("changed", proofs.proof_scope("clinic"))
