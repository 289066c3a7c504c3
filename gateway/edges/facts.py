"""Facts: what an edge has to know of one zone to verify its links."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.settings import Settings
from imaging.names.renditions import LADDER, Renditions
from imaging.rendered import MEDIA_TYPES
from signing.grammar import ZONE

ALWAYS: Final = ("auto", "linear")
"""Names declared in every installation, beside `pN-text`; like that they carry the original."""

MARGIN: Final = 60
"""Seconds by which a link may seem to live longer than the longest life: clocks differ."""

_KID = re.compile(r"[a-z0-9]{1,8}")
_HEX_KEY = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class EdgeFacts:
    """One zone as an edge sees it; every text in it is safe to write into code as it is.

    `keys` has the zone's key for reading, as 64 lower-case hex digits, under each kid. `names`
    are the declared renditions without page and format, each with the formats that may be added
    to it; one without any has a format of its own. `longest_life` is in seconds; `cors` says
    whether pages of any origin may read. Raises ValueError for what can be no such facts.
    """

    zone: str
    keys: Mapping[str, str] = field(repr=False)
    names: Mapping[str, tuple[str, ...]]
    longest_life: int
    cors: bool = False

    def __post_init__(self) -> None:
        if not ZONE.fullmatch(self.zone):
            raise ValueError("no name of a zone")
        if not self.keys or not all(
            _KID.fullmatch(kid) and _HEX_KEY.fullmatch(key) for kid, key in self.keys.items()
        ):
            raise ValueError("no keys, or one that is no edge key")
        if self.longest_life < 1:
            raise ValueError("no life")
        if not all(map(_NAME.fullmatch, self.names)) or set(self.names) & set(ALWAYS):
            raise ValueError("no name of a rendition")
        if not all(set(formats) <= set(MEDIA_TYPES) for formats in self.names.values()):
            raise ValueError("no format of renditions")

    @property
    def farthest(self) -> int:
        """How many seconds ahead of now a link may end."""
        return self.longest_life + MARGIN

    @property
    def automatic(self) -> tuple[str, ...]:
        """The names whose format depends on what the browser shows."""
        return tuple(name for name, formats in self.names.items() if formats)

    @property
    def fixed(self) -> tuple[str, ...]:
        """The names that have a format of their own."""
        return tuple(name for name, formats in self.names.items() if not formats)


def facts_of(settings: Settings, zone: str) -> EdgeFacts:
    """The facts of a configured zone; raises KeyError for any other."""
    ring, asked = settings.signing.key_ring(), settings.zones[zone]
    return EdgeFacts(
        zone=zone,
        keys={kid: ring.edge_key(kid, "read", zone).decode() for kid in ring},
        names=_names(settings.renditions.presets),
        longest_life=asked.longest_life,
        cors=asked.cors,
    )


def _names(presets: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    renditions = Renditions(presets)
    bases = [*(f"w{rung}" for rung in LADDER), *presets]
    return {
        base: tuple(name for name in MEDIA_TYPES if renditions.declared(f"{base}-{name}"))
        for base in bases
    }
