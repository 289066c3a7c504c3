"""Settings: what `ostiary.toml` and the environment may say, as frozen and checked values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import Field, model_validator

from gateway.documents import Zone
from gateway.settings.addresses import Credentials, StoreAddress
from gateway.settings.admin import SCOPES, Admin, Scope, Token
from gateway.settings.cdn import CdnSettings
from gateway.settings.limits import LimitSettings
from gateway.settings.renditions import RenditionSettings
from gateway.settings.rules import RulesBroken, Tables, breaches
from gateway.settings.server import Server
from gateway.settings.signing import Signing
from gateway.settings.stores import StoreSettings
from gateway.settings.supabase import SupabaseSettings
from gateway.settings.table import Name, Table
from gateway.settings.viewers import ViewerSettings
from gateway.settings.zones import ZoneSettings

__all__ = [
    "SCOPES",
    "Admin",
    "CdnSettings",
    "Credentials",
    "LimitSettings",
    "RenditionSettings",
    "Scope",
    "Server",
    "Settings",
    "Signing",
    "StoreAddress",
    "StoreSettings",
    "SupabaseSettings",
    "Token",
    "ViewerSettings",
    "ZoneSettings",
]


class Settings(Table):
    """Everything that can be set. One that breaks a rule can not be built."""

    server: Server = Field(default=Server(), description="The process itself.")
    signing: Signing = Field(description="The keys under which links are made and verified.")
    admin: Admin = Field(default=Admin(), description="Operators and the port for them.")
    stores: Mapping[Name, StoreSettings] = Field(default={}, description="Where documents are.")
    supabase: SupabaseSettings = Field(
        default=SupabaseSettings(), description="The Supabase project behind `supabase:` stores."
    )
    zones: Mapping[Name, ZoneSettings] = Field(
        default={}, description="Policy domains of documents."
    )
    viewers: ViewerSettings = Field(
        default=ViewerSettings(),
        description="How browsers prove who looks at links that are bound to a viewer.",
    )
    renditions: RenditionSettings = Field(
        default=RenditionSettings(),
        description="The names of renditions and the pool that makes them.",
    )
    limits: LimitSettings = Field(
        default=LimitSettings(), description="How often somebody may ask; what is over gets 429."
    )
    cdn: Mapping[Name, CdnSettings] = Field(default={}, description="The CDNs in front.")

    @model_validator(mode="after")
    def _hold_the_rules_between_tables(self) -> Self:
        tables = Tables(
            self.server,
            self.signing,
            self.admin,
            self.zones,
            self.supabase,
            self.stores,
            zone_names=frozenset(self.zones),
            store_names=frozenset(self.stores),
            cdns=frozenset(self.cdn),
            proving=frozenset(name for name, cdn in self.cdn.items() if cdn.proves),
            certified=frozenset(name for name, cdn in self.cdn.items() if cdn.certificates),
        )
        if broken := list(breaches(tables)):
            raise RulesBroken(broken)
        return self

    def zone_values(self) -> dict[str, Zone]:
        """The zones by name, as the gateway works with them; CDNs not named are all of them."""
        every_cdn = tuple(self.cdn)
        return {name: zone.zone(name, every_cdn) for name, zone in self.zones.items()}

    def addresses(self) -> dict[str, StoreAddress]:
        """Where each store is, by its name."""
        return {name: store.address(self.supabase) for name, store in self.stores.items()}

    def supabase_zones(self) -> dict[str, str]:
        """The zone of each bucket whose documents are the Supabase project's."""
        return {
            bucket: name
            for name, zone in self.zones.items()
            if self.stores[zone.store].of_supabase
            for bucket in zone.buckets
        }
