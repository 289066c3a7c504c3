from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from gateway.errors import ConfigurationError
from gateway.state.schema import Migration, migrate, shipped

FIRST = Migration(1, "0001_first.sql", "CREATE TABLE a (x);\nCREATE TABLE b (x);\n")
SECOND = Migration(2, "0002_second.sql", "ALTER TABLE a ADD COLUMN y;\n")


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    opened.execute("BEGIN")
    yield opened
    opened.close()


def tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}


def test_shipped_migrations_count_from_one_without_gaps() -> None:
    assert [migration.number for migration in shipped()] == list(range(1, len(shipped()) + 1))


def test_a_missing_migration_is_applied_once(connection: sqlite3.Connection) -> None:
    migrate(connection, [FIRST])
    migrate(connection, [FIRST, SECOND])
    migrate(connection, [FIRST, SECOND])
    connection.execute("INSERT INTO a (x, y) VALUES (1, 2)")
    applied = connection.execute("SELECT number, name FROM schema_migration").fetchall()
    assert applied == [(1, "0001_first.sql"), (2, "0002_second.sql")]


def test_a_trigger_is_one_statement() -> None:
    text = "CREATE TRIGGER t BEFORE DELETE ON a\nBEGIN\n  SELECT 1;\n  SELECT 2;\nEND;\n-- end\n"
    assert list(Migration(1, "", text).statements()) == [text.removesuffix("-- end\n")]


def test_a_changed_migration_is_an_error(connection: sqlite3.Connection) -> None:
    migrate(connection, [FIRST])
    changed = Migration(1, FIRST.name, FIRST.text + "CREATE TABLE c (x);\n")
    with pytest.raises(ConfigurationError, match=r"0001_first\.sql is not the one"):
        migrate(connection, [changed])
    assert "c" not in tables(connection)


def test_a_newer_schema_than_the_code_is_an_error_with_a_hint(
    connection: sqlite3.Connection,
) -> None:
    migrate(connection, [FIRST, SECOND])
    with pytest.raises(ConfigurationError, match="schema 2, this version knows 1") as caught:
        migrate(connection, [FIRST])
    assert caught.value.faults[0].hint == "run the newer version of Ostiary"


def test_a_migration_that_fails_leaves_nothing_behind(connection: sqlite3.Connection) -> None:
    broken = Migration(2, "0002_broken.sql", "CREATE TABLE c (x);\nCREATE TABLE a (x);\n")
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, [FIRST, broken])
    connection.execute("ROLLBACK")
    assert tables(connection) == set()
