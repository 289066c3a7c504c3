"""Standings: whether each zone's CDN is proven to guard links, and so may be told to share.

A zone that shares through a CDN under a known address keeps a canary: until it has come through
every question put to that CDN, and again when that is too long ago, the zone answers as `private`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from math import inf
from time import time
from typing import Final, Literal

from gateway.documents import CacheMode, Zone
from gateway.settings import Settings
from gateway.state import proofs
from gateway.state.database import Database
from gateway.state.feed import FeedRow
from gateway.state.proofs import SCOPE, Proof
from gateway.telemetry import Metrics

PERIOD: Final = 300.0
"""Seconds between two rounds of questions."""

LAPSE: Final = 3 * PERIOD + 60
"""Seconds after which a proof is none any more: three rounds that found nothing out."""

# Stands before Supabase and not before us: no request of ours comes through it.
_ASIDE = ("supabase",)

State = Literal["unwatched", "proven", "failed", "unproven"]


def bindings(settings: Settings) -> dict[str, str]:
    """The zones that keep a canary, each with a digest of all that a proof of it is about."""
    return {
        name: _digest(settings, zone)
        for name, zone in settings.zone_values().items()
        if zone.cache in ("windowed", "edge") and zone.public_url and _in_front(settings, zone)
    }


def binding(settings: Settings, zone: str) -> str:
    """The digest of one zone, whether it keeps a canary or not."""
    return _digest(settings, settings.zone_values()[zone])


def _in_front(settings: Settings, zone: Zone) -> list[str]:
    return [name for name in zone.cdn if settings.cdn[name].provider not in _ASIDE]


def _digest(settings: Settings, zone: Zone) -> str:
    ring = settings.signing.key_ring()
    facts = {
        "zone": [zone.name, zone.cache, zone.public_url, zone.longest_life, zone.sealed],
        "keys": [[kid, ring.edge_key(kid, "read", zone.name).decode()] for kid in sorted(ring)],
        "cdn": [_told(settings, name) for name in _in_front(settings, zone)],
    }
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _told(settings: Settings, name: str) -> list[object]:
    cdn = settings.cdn[name]
    shield = [secret.get_secret_value() for secret in cdn.shield]
    return [name, cdn.provider, cdn.url, cdn.id, shield, list(cdn.certificates)]


class Standings:
    """What this process knows of the proofs; every process of the host hears of each at once.

    `until` has for each zone when it begins to answer as `private` (Unix seconds): never for one
    that keeps no canary.
    """

    def __init__(
        self, zones: Mapping[str, Zone], bindings: Mapping[str, str], database: Database
    ) -> None:
        self.bindings = bindings
        self._zones = zones
        self._database = database
        self._proofs: Mapping[str, Proof] = {}
        self.until: dict[str, float] = {name: 0.0 if name in bindings else inf for name in zones}
        if bindings:
            self._load()

    def tell(self, row: FeedRow) -> None:
        """Take a row of the feed; raises `StateUnavailable`."""
        kind = row.scope.partition(":")[0]
        if self.bindings and (row.kind == "lost" or (row.kind == "changed" and kind == SCOPE)):
            self._load()

    def mode(self, zone: str, now: float) -> CacheMode:
        """The cache mode by which a zone answers now."""
        return self._zones[zone].cache if now < self.until[zone] else "private"

    def distrust(self, zone: str) -> None:
        """Answer as `private` in this process until something is written down about the zone."""
        self.until[zone] = 0.0

    def state(self, zone: str, now: float) -> State:
        """How a zone stands; `unwatched` is one that keeps no canary."""
        if zone not in self.bindings:
            return "unwatched"
        if now < self.until[zone]:
            return "proven"
        proof = self.proof(zone)
        return "failed" if proof and proof.outcome == "failed" else "unproven"

    def proof(self, zone: str) -> Proof | None:
        """The last finding about the zone as it is configured here; None before the first."""
        proof = self._proofs.get(zone)
        return proof if proof and proof.config == self.bindings.get(zone) else None

    def register(self, metrics: Metrics) -> None:
        """Let the metrics ask for the zones that keep a canary."""
        for zone in self.bindings:
            metrics.gauge("canary_proven", partial(self._shown, zone), zone=zone)

    def _shown(self, zone: str) -> float:
        return float(time() < self.until[zone])

    def remarks(self, now: float) -> dict[str, str]:
        """The zones that answer as `private` against their setting, each with why."""
        states = {zone: self.state(zone, now) for zone in self.bindings}
        return {
            f"canary {zone}": f"{state}: the zone answers as private"
            for zone, state in states.items()
            if state != "proven"
        }

    def _load(self) -> None:
        self._proofs = self._database.read_now(proofs.known)
        for zone in self.bindings:
            proof = self.proof(zone)
            self.until[zone] = proof.proved_at + LAPSE if proof and proof.proved_at else 0.0
