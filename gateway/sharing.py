"""Sharing: what shared caches are told, in whose words, and what before anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cdn.fields import Profile
from gateway.copies import Copies
from gateway.probing.canary import Canary
from gateway.probing.standings import Standings


@dataclass(frozen=True, slots=True)
class Sharing:
    """The words of each zone's CDNs, whether they are proven, the document that proves it, and
    what those without tags may hold."""

    profiles: Mapping[str, Sequence[Profile]]
    standings: Standings
    canary: Canary
    copies: Copies
