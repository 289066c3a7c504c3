"""Residency: whether a zone's documents may be held and served where this gateway stands."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.documents import Zone


@dataclass(frozen=True, slots=True)
class Residency:
    """The region of this gateway; empty when it is not known, which admits no bound zone."""

    region: str = ""

    def admits(self, zone: Zone) -> bool:
        """Whether the zone may be here. Decided from the settings alone, so nothing is read."""
        if not zone.home:
            return True
        return bool(self.region) and self.region in (zone.home, *zone.allowed)
