"""Receipts: what was taken back, when each CDN confirmed it, and what lives on; sealed.

    {"receipt": {…}, "seal": "1.k1.…"}

The seal is of the receipt's canonical JSON (members sorted, no spaces, ASCII).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from gateway.state import witness
from gateway.state.database import Database
from gateway.state.witness import Json
from signing.receipts import Sealer, Verdict

LONGEST = 1024 * 1024
"""Octets of a receipt that is looked at."""

Found: TypeAlias = Verdict | Literal["no-receipt", "unconfirmed", "revoked-key"]


@dataclass(frozen=True, slots=True)
class Receipts:
    """Gives out the receipts of revocations."""

    database: Database
    sealer: Sealer

    async def sealed(self, purge: str) -> dict[str, Json] | None:
        """The receipt of a revocation as it is now, None for what was none.

        Raises `StateUnavailable`.
        """
        said = await self.database.read(lambda connection: witness.statement(connection, purge))
        return None if said is None else sealed(self.sealer, said)


def sealed(sealer: Sealer, said: Mapping[str, Json]) -> dict[str, Json]:
    """What is said, with its seal."""
    return {"receipt": dict(said), "seal": sealer.seal(witness.canonical(said))}


def judged(sealer: Sealer, text: bytes, revoked: Callable[[str], bool] = lambda _: False) -> Found:
    """What a receipt's file is worth; one that is no such file, or says a thing twice, nothing.

    `revoked` says of a key's name whether it was revoked: whoever stole it can seal as well.
    """
    try:
        whole = json.loads(text, object_pairs_hook=_once) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        whole = None
    if not isinstance(whole, dict) or whole.keys() != {"receipt", "seal"}:
        return "no-receipt"
    said, seal = whole["receipt"], whole["seal"]
    if not isinstance(said, dict) or not isinstance(seal, str):
        return "no-receipt"
    receipt = cast("dict[str, Json]", said)
    verdict = sealer.verdict(witness.canonical(receipt), seal)
    if verdict == "good" and revoked(seal.split(".")[1]):
        return "revoked-key"
    if verdict == "good" and receipt.get("state") != "confirmed":
        return "unconfirmed"
    return verdict


def zones_of(found: Mapping[str, Json]) -> list[str | None]:
    """The zones that a sealed receipt tells of; None for what is about all of them."""
    said = cast("dict[str, Json]", found["receipt"])
    taken = cast("list[dict[str, Json]]", said["took_back"])
    everywhere = [None for part in taken if "viewer" in part or "key" in part]
    return [*cast("dict[str, Json]", said["zones"]), *everywhere]


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members
