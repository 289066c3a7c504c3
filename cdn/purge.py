"""A purge: which tags a shared cache must forget, and how far it has come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from cdn.tags import is_tag


class PurgeState(StrEnum):
    """Queued with its change; sent to the CDN; confirmed by its second pass; failed for good."""

    QUEUED = "queued"
    SENT = "sent"
    CONFIRMED = "confirmed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Purge:
    """Forget every answer that has one of `tags`.

    Soft marks answers stale, so that they are asked for again; hard removes them, as a revocation
    needs it. Raises ValueError without tags and for one outside the grammar.
    """

    tags: tuple[str, ...]
    soft: bool = False

    def __post_init__(self) -> None:
        if not self.tags:
            raise ValueError("a purge names at least one tag")
        if not all(map(is_tag, self.tags)):
            raise ValueError("a tag is outside [a-z0-9][a-z0-9._-]{0,31}")

    def batches(self, size: int) -> Iterator[Purge]:
        """The same purge in parts of at most `size` tags, none twice."""
        tags = tuple(dict.fromkeys(self.tags))
        for start in range(0, len(tags), size):
            yield Purge(tags[start : start + size], self.soft)
