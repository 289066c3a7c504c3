"""The ledger: which link was issued to whom, written before the link is given out."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Self

from cdn.tags import document_id
from gateway.state.database import Database
from signing.links import Link

_COLUMNS = (
    "link_id, actor, zone, bucket, key, document_id, granted, version, generation, kid,"
    " expires_at, issued_at, audience"
)


@dataclass(frozen=True, slots=True)
class IssueRow:
    """One issue of a link. Equal links within a window have one `link_id` and many rows.

    `grant` and `version` are the texts of the link; times are Unix seconds. `audience` is the id
    of the viewer whom it is bound to, empty for none.
    """

    link_id: str
    actor: str
    zone: str
    bucket: str
    key: str
    document_id: str
    grant: str
    version: str
    generation: int
    kid: str
    expires_at: int
    issued_at: int
    audience: str = ""

    @classmethod
    def of(cls, link: Link, actor: str, now: int, audience: str = "") -> Self:
        """The row of a link that `actor` is given now, for whoever has it or an `audience`."""
        return cls(
            link_id=link.id,
            actor=actor,
            zone=link.zone,
            bucket=link.bucket,
            key=link.key,
            document_id=document_id(link.zone, link.bucket, link.key),
            grant=link.grant.text,
            version=link.version,
            generation=link.generation,
            kid=link.kid,
            expires_at=link.expires_at,
            issued_at=now,
            audience=audience,
        )


_values = attrgetter(*(field.name for field in fields(IssueRow)))


class Ledger:
    """Adds rows and finds them again; the database refuses to change or remove any."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_issue(self, rows: Sequence[IssueRow]) -> None:
        """Write the rows, all or none; durable on return. Raises `StateUnavailable`."""
        if rows:
            await self._database.write(lambda connection: _insert(connection, rows))

    def record_issue_now(self, rows: Sequence[IssueRow]) -> None:
        """`record_issue` for the CLI."""
        if rows:
            self._database.write_now(lambda connection: _insert(connection, rows))

    async def find(self, link_id: str) -> list[IssueRow]:
        """Every issue of one link, oldest first."""
        return await self._select("link_id = ? ORDER BY id", (link_id,))

    def given_before(self, link_id: str, at: float) -> bool:
        """Whether a link was given out at that time already. Raises `StateUnavailable`."""
        text = "SELECT EXISTS (SELECT 1 FROM issue WHERE link_id = ? AND issued_at <= ?)"
        return self._database.read_now(
            lambda connection: bool(connection.execute(text, (link_id, at)).fetchone()[0])
        )

    async def of_document(self, document_id: str, limit: int = 100) -> list[IssueRow]:
        """Who was given links to a document, newest first."""
        return await self._select(
            "document_id = ? ORDER BY issued_at DESC, id DESC LIMIT ?", (document_id, limit)
        )

    async def newest(self, limit: int) -> list[IssueRow]:
        """The latest issues of all, newest first."""
        return await self._select("true ORDER BY id DESC LIMIT ?", (limit,))

    async def by_actor(self, actor: str, limit: int = 100) -> list[IssueRow]:
        """What an actor was given links to, newest first."""
        return await self._select(
            "actor = ? ORDER BY issued_at DESC, id DESC LIMIT ?", (actor, limit)
        )

    async def for_audience(self, audience: str, limit: int = 100) -> list[IssueRow]:
        """Which links are bound to a viewer, newest first; whoever asked for them."""
        return await self._select(
            # The second term is what the index is limited to: without it there is none.
            "audience = ? AND audience <> '' ORDER BY issued_at DESC, id DESC LIMIT ?",
            (audience, limit),
        )

    async def _select(self, where: str, values: tuple[str | int, ...]) -> list[IssueRow]:
        text = f"SELECT {_COLUMNS} FROM issue WHERE {where}"
        return await self._database.read(
            lambda connection: [IssueRow(*row) for row in connection.execute(text, values)]
        )


def _insert(connection: sqlite3.Connection, rows: Sequence[IssueRow]) -> None:
    connection.executemany(
        f"INSERT INTO issue ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        map(_values, rows),
    )
