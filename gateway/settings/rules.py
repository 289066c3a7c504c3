"""Rules that hold between tables, told of every table that is right in itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.settings.admin import Admin
from gateway.settings.server import Server
from gateway.settings.signing import Signing
from gateway.settings.stores import StoreSettings
from gateway.settings.supabase import SupabaseSettings
from gateway.settings.zones import ZoneSettings

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that is broken at `path`."""

    path: Path
    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables that are right in themselves; None and absence mean: not to be judged.

    `store_names`, `cdns` and `zone_names` hold every name that is declared, right or wrong, so that
    one fault does not breed another; `proving` those of CDNs that can prove themselves, or may,
    `certified` those that do so by a certificate.
    """

    server: Server | None
    signing: Signing | None
    admin: Admin | None
    zones: Mapping[str, ZoneSettings]
    supabase: SupabaseSettings | None
    stores: Mapping[str, StoreSettings]
    zone_names: frozenset[str]
    store_names: frozenset[str]
    cdns: frozenset[str]
    proving: frozenset[str]
    certified: frozenset[str]


class RulesBroken(ValueError):
    """Carries every breach at once."""

    def __init__(self, breaches: list[Breach]) -> None:
        super().__init__("rules between tables are broken")
        self.breaches = tuple(breaches)


def breaches(tables: Tables) -> Iterator[Breach]:
    """Every rule between tables that does not hold."""
    for name, zone in tables.zones.items():
        yield from _names(("zones", name), zone, tables)
        yield from _places(("zones", name), zone, tables)
        yield from _pulled(("zones", name), zone, tables)
        yield from _verified(("zones", name), zone, tables)
    yield from _buckets(tables.zones)
    yield from _admin(tables)
    yield from _tls(tables)
    yield from _fronts(tables)
    if tables.supabase:
        yield from _supabase(tables.supabase, tables.stores)


def _names(path: Path, zone: ZoneSettings, tables: Tables) -> Iterator[Breach]:
    if zone.store not in tables.store_names:
        yield Breach((*path, "store"), "names no store", _known(tables.store_names))
    for name in zone.cdn or ():
        if name not in tables.cdns:
            yield Breach((*path, "cdn"), f"{name} is no configured CDN", _known(tables.cdns))
    if zone.sealed and tables.signing and not tables.signing.seal_octets:
        hint = "give signing.seal_key, 128 hex digits"
        yield Breach((*path, "sealed"), "needs a seal key", hint)


def _places(path: Path, zone: ZoneSettings, tables: Tables) -> Iterator[Breach]:
    if zone.home and tables.server and not tables.server.region:
        hint = "say in server.region where this gateway stands"
        yield Breach((*path, "home"), "binds the zone, but this gateway has no region", hint)


def _pulled(path: Path, zone: ZoneSettings, tables: Tables) -> Iterator[Breach]:
    names = tables.cdns if zone.cdn is None else zone.cdn
    if zone.pull == "cdn" and tables.proving.isdisjoint(names):
        hint = "give one of its [cdn.NAME] a shield, made with: openssl rand -hex 32"
        yield Breach((*path, "pull"), "lets nobody in: no CDN of the zone can prove itself", hint)


def _verified(path: Path, zone: ZoneSettings, tables: Tables) -> Iterator[Breach]:
    """Mode `edge` trusts an edge that shows what it is, at an address where it can be tried."""
    names = tables.cdns if zone.cdn is None else zone.cdn
    if zone.cache == "edge" and tables.proving.isdisjoint(names):
        hint = "give one of its [cdn.NAME] a shield; make a secret with: openssl rand -hex 32"
        yield Breach((*path, "cache"), "edge needs a CDN that can prove itself", hint)
    if zone.cache == "edge" and not zone.public_url:
        hint = "give public_url: a canary is asked for there"
        yield Breach((*path, "cache"), "edge needs the address of the CDN", hint)


def _buckets(zones: Mapping[str, ZoneSettings]) -> Iterator[Breach]:
    owners: dict[str, str] = {}
    for name, zone in zones.items():
        for bucket in zone.buckets:
            owner = owners.setdefault(bucket, name)
            if owner != name or zone.buckets.count(bucket) > 1:
                what = f"{bucket} is a bucket of zone {owner} already"
                yield Breach(("zones", name, "buckets"), what, "a bucket belongs to one zone")


def _admin(tables: Tables) -> Iterator[Breach]:
    admin, server = tables.admin, tables.server
    if admin and server and admin.port and admin.port == server.port:
        hint = "leave it out to answer on the main port"
        yield Breach(("admin", "port"), "is the port of the server too", hint)
    for index, token in enumerate(admin.token if admin else ()):
        for name in token.zones:
            if name not in tables.zone_names:
                where = ("admin", "token", str(index), "zones")
                yield Breach(where, f"{name} is no zone", _known(tables.zone_names))


def _tls(tables: Tables) -> Iterator[Breach]:
    server = tables.server
    if server is None:
        return
    if bool(server.certificate) != bool(server.key):
        missing = "key" if server.certificate else "certificate"
        yield Breach(("server", missing), "is missing beside its other half")
    if server.client_ca and not server.certificate:
        yield Breach(("server", "client_ca"), "needs certificate and key: only TLS asks for one")
    if server.client_ca and not tables.certified:
        hint = "give a [cdn.NAME] the certificates that are its own"
        yield Breach(("server", "client_ca"), "proves no CDN: others have that authority too", hint)
    for name in tables.certified if not server.client_ca else ():
        hint = "the PEM file of the authority that signed them"
        yield Breach(("cdn", name, "certificates"), "needs server.client_ca", hint)


def _fronts(tables: Tables) -> Iterator[Breach]:
    server = tables.server
    if server is None:
        return
    if server.trusted_proxies and not server.client_field:
        hint = "such as X-Forwarded-For"
        yield Breach(("server", "client_field"), "is needed with trusted_proxies", hint)
    for name in ("client_field", "host_field"):
        trusting = server.trusted_proxies or tables.proving
        if getattr(server, name) and not trusting:
            hint = "give trusted_proxies, or a [cdn.NAME] with a shield"
            yield Breach(("server", name), "is believed of nobody", hint)


def _supabase(supabase: SupabaseSettings, stores: Mapping[str, StoreSettings]) -> Iterator[Breach]:
    for name, store in stores.items():
        if not store.of_supabase:
            continue
        if not supabase.configured:
            hint = "such as https://ref.supabase.co"
            yield Breach(("stores", name, "url"), "needs [supabase] url", hint)
        elif not store.s3_access_key and not supabase.service_key.get_secret_value():
            hint = "or s3_access_key and s3_secret_key beside url"
            yield Breach(("stores", name, "url"), "needs [supabase] service_key", hint)


def _known(names: frozenset[str]) -> str:
    return f"known: {', '.join(sorted(names))}" if names else "none is configured"
