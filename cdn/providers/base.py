"""What a CDN must be able to do for Ostiary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cdn.fields import Profile


@dataclass(frozen=True, slots=True)
class Limits:
    """What a CDN bears: tags in one call, calls per second, calls in a burst."""

    batch: int
    rate: float
    burst: int


@dataclass(frozen=True, slots=True)
class PurgeReceipt:
    """A CDN's word that it took a purge: its own reference if any, and what it said."""

    provider: str
    reference: str
    detail: str


class Provider(Protocol):
    """One configured CDN. `soft` says whether it can mark answers stale; else soft is hard."""

    @property
    def name(self) -> str: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def soft(self) -> bool: ...

    async def purge(self, tags: Sequence[str], *, soft: bool) -> PurgeReceipt:
        """Make the CDN forget `tags`, at most `limits.batch`; raises PurgeRefused."""
        ...
