"""Salvage: what is right in faulty settings, so that the rules between tables can still speak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

from pydantic import ValidationError

from gateway.configuration.tree import Values
from gateway.settings import (
    Admin,
    CdnSettings,
    Server,
    Signing,
    StoreSettings,
    SupabaseSettings,
    ZoneSettings,
)
from gateway.settings.rules import Tables
from gateway.settings.table import Table

T = TypeVar("T", bound=Table)


def salvage(values: Values) -> Tables:
    """The tables that are right in themselves, and the names of all that are declared."""
    zones = _tables(values, "zones")
    found = {name: _zone(table) for name, table in zones.items()}
    stores, cdns = _tables(values, "stores"), _tables(values, "cdn")
    known = {name: _valid(CdnSettings, table) for name, table in cdns.items()}
    sound = {name: _valid(StoreSettings, table) for name, table in stores.items()}
    return Tables(
        _valid(Server, values.get("server", {})),
        _valid(Signing, values.get("signing", {})),
        _valid(Admin, values.get("admin", {})),
        {name: zone for name, zone in found.items() if zone},
        _valid(SupabaseSettings, values.get("supabase", {})),
        {name: store for name, store in sound.items() if store},
        zone_names=frozenset(zones),
        store_names=frozenset(stores),
        cdns=frozenset(cdns),
        proving=frozenset(name for name, cdn in known.items() if cdn is None or cdn.proves),
        certified=frozenset(name for name, cdn in known.items() if cdn and cdn.certificates),
    )


def _tables(values: Values, name: str) -> Values:
    found = values.get(name)
    return cast(Values, found) if isinstance(found, dict) else {}


def _valid(model: type[T], table: object) -> T | None:
    try:
        return model.model_validate(table)
    except ValidationError:
        return None


def _zone(table: object) -> ZoneSettings | None:
    """A zone, where need be without its faulty values, as long as none of them is needed."""
    try:
        return ZoneSettings.model_validate(table)
    except ValidationError as error:
        faulty = {detail["loc"][0] for detail in error.errors() if detail["loc"]}
    if not isinstance(table, Mapping):
        return None
    sound = {name: value for name, value in table.items() if name not in faulty}
    return _valid(ZoneSettings, sound)
