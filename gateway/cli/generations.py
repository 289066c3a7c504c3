"""Generations: what was revoked of a link's document, by a look that writes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.documents import DocumentRef, Zone
from gateway.state.revocations import bucket_scope, document_scope, prefix_scope, zone_scope
from signing.links import Link


@dataclass(frozen=True, slots=True)
class Generation:
    """The sum of revocations of a document; `known` is None when `trouble` hindered the look."""

    known: int | None
    trouble: str = ""

    def told(self, link: Link) -> str:
        """The comparison with a link, in words."""
        if self.known is None:
            return f"has generation {link.generation}; {self.trouble}"
        return f"has generation {link.generation}, the document is at {self.known}"


def generation_of(zone: Zone, link: Link, database: Path) -> Generation:
    """The present generation of a link's document."""
    if not database.exists():
        return Generation(None, "there is no state here to compare with")
    try:
        address = f"{database.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return Generation(_sum(connection, zone, link))
    except (sqlite3.Error, OSError):
        return Generation(None, "the state can not be read")


def _sum(connection: sqlite3.Connection, zone: Zone, link: Link) -> int:
    """The database says which prefixes count, as for the gateway."""
    declared = connection.execute(
        "SELECT prefix FROM declared_prefix WHERE zone = ?", (zone.name,)
    ).fetchall()
    name = f"{link.bucket}/{link.key}"
    scopes = [
        zone_scope(zone.name),
        bucket_scope(zone.name, link.bucket),
        document_scope(DocumentRef(zone.name, link.bucket, link.key)),
        *(prefix_scope(zone.name, prefix) for (prefix,) in declared if name.startswith(prefix)),
    ]
    marks = ", ".join("?" * len(scopes))
    row: tuple[int] = connection.execute(
        f"SELECT coalesce(sum(counter), 0) FROM revocation WHERE scope IN ({marks})", scopes
    ).fetchone()
    return row[0]
