from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError, StateUnavailable
from gateway.state.database import Database
from gateway.state.schema import shipped


def test_folder_and_files_are_the_owners_alone(path: Path, database: Database) -> None:
    database.write_now(lambda c: c.execute("CREATE TABLE a (x)"))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {entry.stat().st_mode & 0o777 for entry in path.parent.iterdir()} == {0o600}


def test_acknowledged_means_on_the_disk(database: Database) -> None:
    asked = database.write_now(
        lambda c: [
            c.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        ]
    )
    assert asked == ["wal", 2]


def test_another_process_of_the_host_reads_what_was_written(path: Path, database: Database) -> None:
    async def scenario() -> int:
        await database.write(lambda c: c.execute("CREATE TABLE a (x)"))
        await database.write(lambda c: c.execute("INSERT INTO a VALUES (42)"))
        other = Database.open(path)
        number: int = await other.read(lambda c: c.execute("SELECT x FROM a").fetchone()[0])
        other.close()
        return number

    assert asyncio.run(scenario()) == 42


def test_a_read_sees_one_snapshot(database: Database) -> None:
    database.write_now(lambda c: c.execute("CREATE TABLE a (x)"))

    def twice(connection: sqlite3.Connection) -> tuple[int, int]:
        count = "SELECT count(*) FROM a"
        first: int = connection.execute(count).fetchone()[0]
        database.write_now(lambda c: c.execute("INSERT INTO a VALUES (1)"))
        return first, connection.execute(count).fetchone()[0]

    assert database.read_now(twice) == (0, 0)
    assert asyncio.run(database.read(twice)) == (1, 1)


def test_a_reader_can_not_write(database: Database) -> None:
    with pytest.raises(StateUnavailable, match="READONLY"):
        database.read_now(lambda c: c.execute("CREATE TABLE a (x)"))
    assert database.read_now(lambda c: c.execute("SELECT 1").fetchone()) == (1,)


def test_a_wrong_statement_is_not_taken_for_an_outage(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        asyncio.run(database.read(lambda c: c.execute("SELECT * FROM nowhere")))


def test_a_database_from_the_future_is_refused(path: Path) -> None:
    database = Database.open(path)
    database.write_now(lambda c: c.execute("INSERT INTO schema_migration VALUES (9999, '', '', 0)"))
    database.close()
    with pytest.raises(ConfigurationError, match="schema 9999"):
        Database.open(path)


def test_no_folder_to_write_in_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StateUnavailable):
        Database.open(tmp_path / "file" / "ostiary.db")


def test_a_file_that_is_no_database_is_an_outage(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1_000)
    with pytest.raises(StateUnavailable, match="NOTADB"):
        Database.open(path)


def test_a_file_that_went_away_is_an_outage_and_not_an_empty_database(
    path: Path, database: Database
) -> None:
    path.rename(path.with_name("away"))
    with pytest.raises(StateUnavailable, match="CANTOPEN"):
        asyncio.run(database.read(lambda c: c.execute("SELECT 1")))
    assert not path.exists()


def test_closing_twice_is_harmless(path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    database = Database.open(path)
    asyncio.run(database.read(lambda c: None))
    database.close()
    database.close()
    assert len(os.listdir("/proc/self/fd")) == before


OPENER = """
import sys, pathlib
from gateway.state.database import Database
sys.stdin.readline()
database = Database.open(pathlib.Path(sys.argv[1]))
statement = "INSERT INTO feed (kind, scope, at) VALUES ('changed', '', 0)"
database.write_now(lambda c: c.execute(statement))
database.close()
print("done", flush=True)
"""


def test_processes_that_start_at_once_agree(
    path: Path, child: Callable[..., subprocess.Popen[str]]
) -> None:
    processes = [child(OPENER) for _ in range(6)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
    database = Database.open(path)
    assert database.read_now(lambda c: c.execute("SELECT count(*) FROM feed").fetchone()) == (6,)
    assert database.read_now(
        lambda c: c.execute("SELECT count(*) FROM schema_migration").fetchone()
    ) == (len(shipped()),)
    database.close()
