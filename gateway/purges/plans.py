"""Plans: what a purge would do, told before anything is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from cdn.copies import copy_named
from cdn.providers.base import Provider
from gateway.state import copies
from gateway.state.outbox import Target

_PASSES = 2


@dataclass(frozen=True, slots=True)
class Step:
    """What one provider would be told: its tags, softly or not, in so many calls for both passes
    if nothing else waits there. `copies` is how many it would be told one by one, None where it
    knows tags."""

    provider: str
    tags: tuple[str, ...]
    soft: bool
    calls: int
    copies: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole purge; without any provider only the gateway forgets."""

    soft: bool
    steps: tuple[Step, ...]


def plan_of(
    connection: sqlite3.Connection,
    targets: Sequence[Target],
    providers: Mapping[str, Provider],
    soft: bool,
) -> Plan:
    """The plan of a purge with these targets."""
    told = {target.provider for target in targets}
    return Plan(
        soft,
        tuple(
            _step(connection, provider, [one for one in targets if one.provider == name])
            for name, provider in providers.items()
            if name in told
        ),
    )


def _step(connection: sqlite3.Connection, provider: Provider, targets: Sequence[Target]) -> Step:
    tags = tuple(dict.fromkeys(target.tag for target in targets))
    known = None
    if not provider.profile.tag_field:
        digests: set[bytes] = set()
        for tag in tags:
            named = copy_named(tag)
            digests.update([named] if named else copies.known(connection, tag))
        known = len(digests)
    calls = _PASSES * ceil(len(tags) / provider.limits.batch)
    return Step(provider.name, tags, any(one.soft for one in targets), calls, known)
