"""The Supabase project: its users, its policies and its changes, as the gateway works with them."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic, time

import httpx

from gateway.admissions import Admissions
from gateway.catalogue import Catalogue
from gateway.hints import Hints
from gateway.issuing.issue import Issuer
from gateway.issuing.storagelinks import StorageIssuer
from gateway.issuing.viewers import NoViewers, Viewers, Viewing
from gateway.news import DecisionNews
from gateway.purges import Purges
from gateway.rules import Rules
from gateway.settings import Settings, SupabaseSettings
from gateway.state.ledger import Ledger
from gateway.stores.lanes import Lanes
from gateway.supabase.callers import Callers
from gateway.supabase.costs import FREE, Costs
from gateway.supabase.decisions import Decisions
from gateway.supabase.jwks import Jwks
from gateway.supabase.keys import Keyring
from gateway.supabase.oracle import Oracle
from gateway.supabase.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Project:
    """What a process knows of the project; one without any answers nobody and hears nothing.

    `zones` tells the zone of each of the project's buckets.
    """

    zones: Mapping[str, str]
    callers: Callers
    admissions: Admissions
    oracle: Oracle
    storage_issuer: StorageIssuer
    viewers: Viewing
    hints: Hints
    client: httpx.AsyncClient

    @classmethod
    def of(
        cls,
        settings: Settings,
        rules: Rules,
        tls: ssl.SSLContext,
        issuing: tuple[Issuer, Ledger],
        changing: tuple[Purges, Catalogue],
        costs: Costs = FREE,
    ) -> Project:
        """Make it of the settings; nothing is asked of the project yet."""
        supabase, zones = settings.supabase, settings.supabase_zones()
        client = httpx.AsyncClient(transport=Lanes(tls))
        callers = Callers(
            _keyring(supabase, client),
            clock=time,
            issuer=supabase.jwt_issuer,
            audience=supabase.jwt_audience,
        )
        decisions = Decisions(time)
        oracle = Oracle(Upstream(client, supabase.url), decisions, costs)
        revocations, (issuer, ledger) = rules.revocations, issuing
        admissions = Admissions(callers, revocations)
        revocations.follower.subscribe(DecisionNews(decisions, zones).tell)
        viewers = Viewers(admissions, oracle, issuer, zones)
        return cls(
            zones=zones,
            callers=callers,
            admissions=admissions,
            oracle=oracle,
            storage_issuer=StorageIssuer(rules, ledger),
            viewers=viewers if supabase.configured else NoViewers(),
            hints=Hints(*changing, zones, revocations.fresh, monotonic),
            client=client,
        )

    async def aclose(self) -> None:
        """Let go of the project's server."""
        await self.oracle.aclose()
        await self.admissions.aclose()
        await self.client.aclose()


def _keyring(supabase: SupabaseSettings, client: httpx.AsyncClient) -> Keyring:
    secret = supabase.jwt_secret.get_secret_value()
    if not supabase.jwks_url:
        return Keyring(secret)
    return Keyring(secret, Jwks(client, supabase.jwks_url, monotonic))
