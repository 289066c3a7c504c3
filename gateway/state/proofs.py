"""Proofs: what each zone's CDN was last found to do with links that are no good.

A proof is bound to a configuration: of any other it says nothing.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

from gateway.state import feed

Outcome = Literal["proven", "failed", "unproven"]
"""`failed`: it served what it must not. `unproven`: it could not be found out."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The last finding about a zone; times are in Unix seconds.

    `config` is the digest of the settings that it is about, `proved_at` when the CDN was last
    found to guard them, 0 for never or not since it failed; `told` are the findings as JSON.
    """

    zone: str
    config: str
    outcome: Outcome
    proved_at: float
    checked_at: float
    told: str


def known(connection: sqlite3.Connection) -> dict[str, Proof]:
    """The last finding about each zone, by its name."""
    rows = connection.execute(
        "SELECT zone, config, outcome, proved_at, checked_at, told FROM proof"
    )
    return {row[0]: Proof(*row) for row in rows}


def note(
    connection: sqlite3.Connection, zone: str, config: str, found: tuple[Outcome, str], now: float
) -> Proof:
    """Write a finding and its JSON in the caller's transaction, and tell every process of it.

    What could not be found out leaves an earlier proof of the same configuration to grow old.
    """
    outcome, told = found
    earlier = known(connection).get(zone)
    proved_at = now if outcome == "proven" else 0.0
    if outcome == "unproven" and earlier and earlier.config == config:
        # In the future when the clock was set back since: that must not prove it any longer.
        proved_at = min(earlier.proved_at, now)
    proof = Proof(zone, config, outcome, proved_at, now, told)
    connection.execute(
        "INSERT INTO proof VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (zone) DO UPDATE SET"
        " config = excluded.config, outcome = excluded.outcome, proved_at = excluded.proved_at,"
        " checked_at = excluded.checked_at, told = excluded.told",
        (zone, config, outcome, proved_at, now, told),
    )
    feed.append(connection, "changed", proof_scope(zone), now)
    return proof


def proof_scope(zone: str) -> str:
    """How the feed names it."""
    return f"{SCOPE}:{zone}"


SCOPE = "c"
