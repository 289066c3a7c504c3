"""What providers ask of their user: which answers have a tag, and boto3's client."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Place:
    """What a tag stands for: a document, all of a bucket (`key` empty), or of a zone (neither)."""

    bucket: str = ""
    key: str = ""


class Traces(Protocol):
    """The index behind CDNs that know no tags."""

    async def places(self, provider: str, tag: str) -> Sequence[Place]:
        """What a tag stands for among the purges asked of `provider`; nothing if unknown."""
        ...

    async def copies(self, tag: str) -> Collection[bytes]:
        """The digest (`cdn.copies`) of every answer with the tag that a cache without tags may
        hold."""
        ...


class Distribution(Protocol):
    """What boto3's client for CloudFront does for us. It may block."""

    def create_invalidation(
        self, *, DistributionId: str, InvalidationBatch: Mapping[str, Any]
    ) -> Mapping[str, Any]: ...

    def get_invalidation(self, *, DistributionId: str, Id: str) -> Mapping[str, Any]: ...

    def get_distribution_config(self, *, Id: str) -> Mapping[str, Any]: ...
