"""Rounds: the probe for each zone of a configuration."""

from __future__ import annotations

import httpx

from gateway.probing.canary import KEPT
from gateway.probing.findings import Report
from gateway.probing.links import CanaryLinks
from gateway.probing.probe import Probe
from gateway.probing.replies import HttpAsks
from gateway.rules import Rules
from gateway.settings import Settings
from signing.addresses import CANARY


class Rounds:
    """Asks the CDNs of the configured zones, with links signed as the gateway signs."""

    def __init__(self, settings: Settings, rules: Rules, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._rules = rules
        self._client = client

    async def ask(self, zone: str) -> Report:
        """One round where the zone's links point to."""
        return await self.at(zone, self._rules.zones[zone].public_url)

    async def at(self, zone: str, url: str) -> Report:
        """One round about a zone at any URL: scheme, host and port."""
        known = self._rules.zones[zone]
        self._rules.revocations.fresh()
        links = CanaryLinks(
            self._settings.signing.key_ring(),
            zone,
            self._rules.revocations.generation(known, CANARY, KEPT),
            longest_life=known.longest_life,
            sealed=known.sealed,
        )
        return await Probe(HttpAsks(self._client, url)).run(links, known.cache)
