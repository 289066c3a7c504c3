"""Buckets: which are delivered here, and which this region may not touch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from gateway.documents import Zone
from gateway.regions import Residency


@dataclass(frozen=True, slots=True)
class Buckets:
    """The project's buckets that are in zones; of those, `abroad` are at home in other regions.

    `zones` has the name of the zone of each.
    """

    zones: Mapping[str, str]
    abroad: frozenset[str]

    @classmethod
    def of(cls, zones: Mapping[str, Zone], residency: Residency) -> Self:
        """Tell them by the zone of each."""
        abroad = (bucket for bucket, zone in zones.items() if not residency.admits(zone))
        return cls({bucket: zone.name for bucket, zone in zones.items()}, frozenset(abroad))

    def deliver(self, bucket: str) -> bool:
        """Whether its documents are delivered here; all else is passed on."""
        return bucket in self.zones

    def zone(self, bucket: str) -> str:
        """The zone that the bucket is in; empty for one of no zone."""
        return self.zones.get(bucket, "")

    def admit(self, bucket: str) -> bool:
        """Whether this region may touch it; a bucket of no zone is bound to no region."""
        return bucket not in self.abroad
