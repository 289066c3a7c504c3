"""Generations: what was taken back of a link, and whether it was used: looks that write nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.documents import DocumentRef, Zone
from gateway.errors import StateUnavailable
from gateway.state.revocations import (
    bucket_scope,
    document_scope,
    key_scope,
    prefix_scope,
    zone_scope,
)
from gateway.state.uses import used_at
from signing.folders import FolderLink
from signing.links import Link
from signing.targets import ABSENT


@dataclass(frozen=True, slots=True)
class Generation:
    """The sum of revocations that a link's own is compared with.

    `known` is None when `trouble` hindered the look. `alone_at` is when the document of a folder
    link was last revoked without the folder, `used_at` when a one-time link was used, `key_at` when
    the key that signed it was revoked; all in Unix seconds and 0 for never.
    """

    known: int | None
    trouble: str = ""
    alone_at: float = 0.0
    used_at: int = 0
    key_at: float = 0.0

    def told(self, link: Link) -> str:
        """The comparison with a link, in words."""
        if self.known is None:
            return f"has generation {link.generation}; {self.trouble}"
        what = "folder" if isinstance(link, FolderLink) else "document"
        return f"has generation {link.generation}, the {what} is at {self.known}"


def generation_of(zone: Zone, link: Link, database: Path) -> Generation:
    """The present generation of a link's document, or of its folder."""
    if not database.exists():
        return Generation(None, "there is no state here to compare with")
    try:
        address = f"{database.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return _looked_at(connection, zone, link)
    except (sqlite3.Error, OSError):
        return Generation(None, "the state can not be read")


def key_revoked_at(kid: str, database: Path) -> float:
    """When a key was revoked, in Unix seconds; 0 for never, or where there is no state.

    Raises `StateUnavailable` where there is one that can not be read.
    """
    if not database.exists():
        return 0.0
    try:
        address = f"{database.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return _of(connection, "max(changed_at)", [key_scope(kid)])
    except (sqlite3.Error, OSError) as error:
        raise StateUnavailable("the state can not be read") from error


def _looked_at(connection: sqlite3.Connection, zone: Zone, link: Link) -> Generation:
    """The database says which prefixes count, as for the gateway."""
    declared = connection.execute(
        "SELECT prefix FROM declared_prefix WHERE zone = ?", (zone.name,)
    ).fetchall()
    counted = link.folder if isinstance(link, FolderLink) else link.key
    places = [f"{link.bucket}/{counted}", f"{link.bucket}/{link.key}"]
    above, below = (
        [prefix_scope(zone.name, prefix) for (prefix,) in declared if place.startswith(prefix)]
        for place in places
    )
    scopes = [zone_scope(zone.name), bucket_scope(zone.name, link.bucket), *above]
    alone = [document_scope(DocumentRef(zone.name, link.bucket, link.key)), *below]
    if not isinstance(link, FolderLink):
        scopes, alone = [*scopes, alone[0]], []
    used = used_at(connection, zone.name, link.one_time) if link.one_time != ABSENT else 0
    alone_at = _of(connection, "max(changed_at)", sorted({*alone} - {*scopes}))
    key_at = _of(connection, "max(changed_at)", [key_scope(link.kid)])
    return Generation(int(_of(connection, "sum(counter)", scopes)), "", alone_at, used, key_at)


def _of(connection: sqlite3.Connection, what: str, scopes: list[str]) -> float:
    marks = ", ".join("?" * len(scopes))
    row: tuple[float] = connection.execute(
        f"SELECT coalesce({what}, 0) FROM revocation WHERE scope IN ({marks})", scopes
    ).fetchone()
    return row[0]
