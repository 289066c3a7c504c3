"""The database's schema: plain numbered SQL files, each applied once and never changed after."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

from gateway.errors import ConfigurationError, Fault

_NAME = re.compile(r"([0-9]{4})_[a-z0-9_]+\.sql")
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    number   INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    checksum TEXT NOT NULL,
    at       INTEGER NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema; `number` counts from 1 without gaps."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def statements(self) -> Iterator[str]:
        """The file's statements one by one: `executescript` would commit before it begins."""
        pending = ""
        for line in self.text.splitlines(keepends=True):
            pending += line
            if sqlite3.complete_statement(pending):
                yield pending
                pending = ""


def shipped() -> list[Migration]:
    """The migrations that came with this version, in their order."""
    folder = resources.files("gateway.state") / "migrations"
    found = [(_NAME.fullmatch(entry.name), entry) for entry in folder.iterdir()]
    return sorted(
        (
            Migration(int(match[1]), match[0], entry.read_text("utf-8"))
            for match, entry in found
            if match
        ),
        key=lambda migration: migration.number,
    )


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Apply what is missing, all or nothing; the caller has begun the transaction.

    Raises `ConfigurationError` when an applied migration reads differently now, or when the
    database is newer than the code.
    """
    connection.execute(_TABLE)
    applied = dict[int, str](
        connection.execute("SELECT number, checksum FROM schema_migration").fetchall()
    )
    faults = _faults(applied, {migration.number: migration for migration in migrations})
    if faults:
        raise ConfigurationError(faults)
    for migration in migrations:
        if migration.number not in applied:
            _apply(connection, migration)


def _faults(applied: dict[int, str], known: dict[int, Migration]) -> list[Fault]:
    newer = [number for number in applied if number not in known]
    faults = [
        Fault(
            "server.data",
            f"migration {known[number].name} is not the one this database was made with",
            "run the version that wrote the data, or restore the file as it was released",
        )
        for number, checksum in applied.items()
        if number in known and known[number].checksum != checksum
    ]
    if newer:
        what = f"the database has schema {max(newer)}, this version knows {max(known, default=0)}"
        faults.append(Fault("server.data", what, "run the newer version of Ostiary"))
    return faults


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    for statement in migration.statements():
        connection.execute(statement)
    connection.execute(
        "INSERT INTO schema_migration VALUES (?, ?, ?, unixepoch())",
        (migration.number, migration.name, migration.checksum),
    )
