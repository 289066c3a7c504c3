"""Witness: what a revocation took back and what lives on, written down with it and kept for good.

Documents and viewers are told by hashes: a receipt goes to people who must not learn names.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from cdn.modes import browser_longest
from cdn.purge import PurgeState
from cdn.tags import document_id, folder_tag
from gateway.documents import Zone
from gateway.state import receipts
from gateway.state.living import MOST_LISTED, Count, dying, unbound
from gateway.state.receipts import ProviderStatus, PurgeRow, PurgeStatus

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

Deaths: TypeAlias = Mapping[str, Count]


def deaths(connection: sqlite3.Connection, scopes: Iterable[str], now: float) -> Deaths:
    """How many links each scope is about to kill, in the transaction that will do so."""
    return {scope: dying(connection, scope, int(now)) for scope in scopes}


def write(
    connection: sqlite3.Connection, purge: PurgeRow, deaths: Deaths, zones: Iterable[Zone]
) -> None:
    """Write down what `purge` takes back, in the transaction that has just done so.

    `zones` are those whose links it kills, or whose copies.
    """
    touched = sorted(zones, key=lambda zone: zone.name)
    listed, count = _left(connection, deaths, int(purge.at))
    facts: dict[str, Json] = {
        "purge": purge.id,
        "reason": purge.reason,
        "asked_by": purge.by,
        "asked_at": int(purge.at),
        "took_back": [_taken(connection, *death) for death in deaths.items()],
        "zones": {zone.name: _told(zone) for zone in touched},
        "lives_on": {
            "links": [*listed],
            "links_in_all": count,
            "edges": [zone.name for zone in touched] if any(map(_is_key, deaths)) else [],
            "other_caches": {
                zone.name: int(purge.at) + zone.longest_life
                for zone in touched
                if zone.cache in ("windowed", "edge")
            },
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
    said: dict[str, Any] = json.loads(done or facts)
    if done:
        return said
    status = receipts.status(connection, purge)
    if status is None:  # forgotten before receipts were completed
        return said | {"state": "forgotten", "providers": []}
    said["lives_on"]["browsers"] = _browsers(said, status)
    return said | {
        "state": status.state.value,
        "providers": [_provider(part, said["asked_at"]) for part in status.providers],
        "confirmed_at": _confirmed_at(said, status),
    }


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


def _told(zone: Zone) -> Json:
    """What of a zone's settings says how long copies may live."""
    return {
        "cache": zone.cache,
        "cdn": list(zone.cdn),
        "browser_seconds": browser_longest(zone.cache),
        "longest_life": zone.longest_life,
        "ttl": zone.ttl,
        "window": zone.window,
    }


def _confirmed_at(said: Mapping[str, Any], status: PurgeStatus) -> int | None:
    """When the last CDN had confirmed; at once where there is none."""
    if status.state is not PurgeState.CONFIRMED:
        return None
    ends = [math.ceil(part.confirmed_at) for part in status.providers]
    return max([int(said["asked_at"]), *ends])


def _browsers(said: Mapping[str, Any], status: PurgeStatus) -> dict[str, Json]:
    """Until when browsers may use their own copies, by zone; None while that is not known.

    A CDN may hand out its copy until it has confirmed, and browsers keep it from then on.
    """
    confirmed = _confirmed_at(said, status)
    found: dict[str, Json] = {}
    for name, zone in said["zones"].items():
        began = confirmed if zone["cdn"] else int(said["asked_at"])
        found[name] = None if began is None else began + zone["browser_seconds"]
    return found


def _taken(connection: sqlite3.Connection, scope: str, death: Count) -> Json:
    links: dict[str, Json] = {"links": death.links}
    if death.partly:
        links["links_at_least"] = True
    kind, _, place = scope.partition(":")
    zone, _, below = place.partition("/")
    bucket, _, key = below.partition("/")
    (generation,) = connection.execute(
        "SELECT counter FROM revocation WHERE scope = ?", (scope,)
    ).fetchone()
    if kind == "v":
        return links | {"viewer": hashlib.sha256(place.encode()).hexdigest()}
    if kind == "k":
        return links | {"key": place}
    named = links | {"zone": zone, "counter": generation}
    if kind == "d":
        return named | {"document": document_id(zone, bucket, key)}
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
        if scope.startswith("v:"):
            found, more = unbound(connection, scope[2:], now)
            listed += [link._asdict() for link in found]
            count += more
    return listed[:MOST_LISTED], count


def _provider(part: ProviderStatus, asked_at: int) -> Json:
    """Nothing was done before it was asked for, though the worker's clock began by a wrong time."""
    sent_at, confirmed_at = int(part.sent_at), int(part.confirmed_at)
    return {
        "provider": part.provider,
        "state": part.state.value,
        "tags": part.tags,
        "references": [*part.references],
        "sent_at": sent_at and max(sent_at, asked_at),
        "confirmed_at": confirmed_at and max(confirmed_at, asked_at),
    }


def _is_key(scope: str) -> bool:
    return scope.startswith("k:")
