"""Witness: what a revocation took back and what lives on, written down with it and kept for good.

Documents and viewers are told by hashes: a receipt goes to people who must not learn names.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from cdn.modes import browser_longest
from cdn.purge import PurgeState
from cdn.tags import document_id, folder_tag
from gateway.documents import Zone
from gateway.state import receipts
from gateway.state.receipts import ProviderStatus, PurgeRow

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

MOST_LINKS = 1_000
"""Links that a receipt names one by one; of more it tells the number."""


def write(
    connection: sqlite3.Connection, purge: PurgeRow, scopes: Sequence[str], zones: Iterable[Zone]
) -> None:
    """Write down what `purge` takes back, in the transaction that has just done so.

    `zones` are those whose links it kills.
    """
    touched = sorted(zones, key=lambda zone: zone.name)
    listed, count = _left(connection, scopes, int(purge.at))
    facts: dict[str, Json] = {
        "purge": purge.id,
        "reason": purge.reason,
        "asked_by": purge.by,
        "asked_at": int(purge.at),
        "took_back": [_taken(connection, scope, int(purge.at)) for scope in scopes],
        "zones": {zone.name: {"cache": zone.cache, "cdn": list(zone.cdn)} for zone in touched},
        "lives_on": {
            "browsers": {
                zone.name: int(purge.at) + browser_longest(zone.cache) for zone in touched
            },
            "links": [*listed],
            "links_in_all": count,
            "edges": [zone.name for zone in touched] if any(map(_is_key, scopes)) else [],
        },
    }
    connection.execute(
        "INSERT INTO receipt (purge, facts) VALUES (?, ?)", (purge.id, canonical(facts))
    )


def statement(connection: sqlite3.Connection, purge: str) -> Mapping[str, Json] | None:
    """What a revocation's receipt says; None for what was none. It ends with its confirmation."""
    row = connection.execute("SELECT facts, done FROM receipt WHERE purge = ?", (purge,)).fetchone()
    if row is None:
        return None
    facts, done = row
    said: dict[str, Json] = json.loads(done or facts)
    return said if done else said | _progress(connection, purge)


def finish(connection: sqlite3.Connection, before: float) -> None:
    """Complete the receipts of purges asked before `before`, which are about to be forgotten."""
    waiting = connection.execute(
        "SELECT receipt.purge FROM receipt JOIN purge ON purge.id = receipt.purge"
        " WHERE done = '' AND purge.at < ?",
        (before,),
    ).fetchall()
    for (purge,) in waiting:
        said = statement(connection, purge)
        if said is not None and said["state"] == PurgeState.CONFIRMED.value:
            connection.execute(
                "UPDATE receipt SET done = ? WHERE purge = ?", (canonical(said), purge)
            )


def canonical(said: Mapping[str, Json]) -> str:
    """The one text of what is said, which is signed."""
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def _taken(connection: sqlite3.Connection, scope: str, now: int) -> Json:
    kind, _, place = scope.partition(":")
    zone, _, below = place.partition("/")
    bucket, _, key = below.partition("/")
    (generation,) = connection.execute(
        "SELECT counter FROM revocation WHERE scope = ?", (scope,)
    ).fetchone()
    if kind == "v":
        return {"viewer": hashlib.sha256(place.encode()).hexdigest()}
    if kind == "k":
        return {"key": place}
    if kind == "d":
        name = document_id(zone, bucket, key)
        links = connection.execute(
            "SELECT count(DISTINCT link_id) FROM issue WHERE document_id = ? AND expires_at > ?",
            (name, now),
        ).fetchone()[0]
        return {"document": name, "zone": zone, "counter": generation, "links": links}
    named: dict[str, Json] = {"zone": zone, "counter": generation}
    if kind == "b":
        return named | {"bucket": bucket}
    return named | {"folder": folder_tag(zone, bucket, key)} if kind == "p" else named


def _left(
    connection: sqlite3.Connection, scopes: Iterable[str], now: int
) -> tuple[list[Json], int]:
    """The living links of revoked viewers that anybody may use: the first of them, and how many."""
    listed: list[Json] = []
    count = 0
    for scope in scopes:
        if not scope.startswith("v:"):
            continue
        found = connection.execute(
            "SELECT link_id, document_id, max(expires_at) FROM issue WHERE actor = ?"
            " AND audience = '' AND expires_at > ? GROUP BY link_id, document_id"
            " ORDER BY link_id",
            (f"viewer:{scope[2:]}", now),
        ).fetchall()
        count += len(found)
        listed += [
            {"link": link, "document": document, "expires_at": end} for link, document, end in found
        ]
    return listed[:MOST_LINKS], count


def _progress(connection: sqlite3.Connection, purge: str) -> dict[str, Json]:
    status = receipts.status(connection, purge)
    if status is None:  # forgotten before receipts were completed
        return {"state": "forgotten", "providers": []}
    return {"state": status.state.value, "providers": [*map(_provider, status.providers)]}


def _provider(part: ProviderStatus) -> Json:
    return {
        "provider": part.provider,
        "state": part.state.value,
        "tags": part.tags,
        "references": [*part.references],
        "sent_at": int(part.sent_at),
        "confirmed_at": int(part.confirmed_at),
    }


def _is_key(scope: str) -> bool:
    return scope.startswith("k:")
