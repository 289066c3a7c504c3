"""The composition root: settings become the parts that a process works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from time import monotonic, time

import httpx

from cdn.errors import ProviderMisconfigured
from cdn.fields import NONE
from cdn.providers import Provider, Tools
from cdn.providers import build as build_provider
from gateway.caches.budget import ByteBudget
from gateway.caches.coalesce import Stripes
from gateway.caches.disk import DiskCache
from gateway.caches.memory import MemoryCache
from gateway.catalogue import REMOTE_TTL, Catalogue
from gateway.copies import Copies
from gateway.deliver import Deliverer
from gateway.descriptions import Descriptions
from gateway.documents import Zone
from gateway.errors import ConfigurationError, Fault
from gateway.gates import Gate
from gateway.gauges import Gauges
from gateway.issuing.issue import Issuer
from gateway.looks import Looks
from gateway.making.composed import dresser, improver_of, make, render_workers
from gateway.making.measure import NoDescriber
from gateway.news import News
from gateway.originals import Levels, Originals
from gateway.parts import Parts
from gateway.probing import Keeper, Rounds
from gateway.probing.canary import Canary
from gateway.probing.standings import Standings, bindings
from gateway.project import Project
from gateway.purges import Purges, PurgeTraces, Refreshes
from gateway.purges.distributions import distribution
from gateway.regions import Residency
from gateway.rules import Rules
from gateway.settings import Settings
from gateway.sharing import Sharing
from gateway.state.database import Database
from gateway.state.ledger import Ledger
from gateway.state.redactions import StoredRedactions
from gateway.state.revocations import Revocations
from gateway.stores import Store
from gateway.stores.opening import open_store
from gateway.stores.timed import TimedStore
from gateway.supabase.costs import Costs
from gateway.telemetry import Metrics
from imaging.names.renditions import Renditions
from imaging.workers.pool import RenderPool
from signing.links import SignedZone, Signer

READERS_BUDGET = 256 << 20


def compose(
    settings: Settings,
    *,
    metrics: Metrics | None = None,
    opener: Callable[..., Store] = open_store,
    serves: bool = True,
) -> Parts:
    """Make every part from the settings; `opener` makes a store of an address.

    A process that does not serve measures nothing new, and takes no declared prefix away from
    those that do. Raises `ConfigurationError` and `StateUnavailable`.
    """
    metrics, zones = metrics or Metrics(), settings.zone_values()
    database = Database.open(settings.server.database)
    client = httpx.AsyncClient(timeout=10, verify=trusted())
    providers = _providers(settings, client, PurgeTraces(database, zones))
    stores = _stores(settings, opener, metrics.fetched)
    purges = _purges(database, providers, zones, serves=serves)
    rules = _rules(settings, database)
    levels, dress = _levels(settings), dresser(settings)
    originals = Originals(levels, lambda document: stores[zones[document.ref.zone].store], dress)
    catalogue = _catalogue(rules, stores, originals, levels, purges)
    pool = RenderPool(render_workers(settings), timeout=settings.renditions.timeout)
    describer = pool if serves else NoDescriber()
    making = make(settings, rules, (levels, originals), (pool, describer), metrics)
    budget, gauges = ByteBudget(READERS_BUDGET), Gauges(purges, providers)
    gauges.register(metrics, pool, levels.memory, budget, making.wishes)
    ledger, keeper = Ledger(database), _keeper(settings, rules, (database, purges), client, metrics)
    sharing, gate = _sharing(settings, providers, keeper.standings, database), Gate(rules, ledger)
    issuer = Issuer(rules, catalogue, making.measurer, ledger)
    return Parts(
        settings=settings,
        rules=rules,
        stores=stores,
        providers=providers,
        database=database,
        ledger=ledger,
        purges=purges,
        catalogue=catalogue,
        deliverer=Deliverer(rules, sharing, catalogue, originals, making.selector, budget, gate),
        issuer=issuer,
        descriptions=Descriptions(rules, catalogue, making.looks, making.sights),
        levels=levels,
        pool=pool,
        improver=improver_of(settings, making, pool, (rules, catalogue), (purges, metrics)),
        gauges=gauges,
        client=client,
        project=_project(settings, rules, (issuer, ledger), (purges, catalogue), metrics),
        keeper=keeper,
    )


def _project(
    settings: Settings,
    rules: Rules,
    given: tuple[Issuer, Ledger],
    changed: tuple[Purges, Catalogue],
    metrics: Metrics,
) -> Project:
    costs = Costs(metrics.asked, metrics.decided)
    return Project.of(settings, rules, trusted(), given, changed, costs)


def signer_of(settings: Settings) -> Signer:
    """The signer with the keys and zones of the settings."""
    zones = settings.zone_values().values()
    return Signer(
        settings.signing.key_ring(),
        [SignedZone(zone.name, zone.window, zone.longest_life, zone.sealed) for zone in zones],
    )


def _purges(
    database: Database,
    providers: Mapping[str, Provider],
    zones: Mapping[str, Zone],
    *,
    serves: bool,
) -> Purges:
    """Purges, with the declared prefixes of the zones in force."""
    purges = Purges(database, providers, zones)
    purges.declare_now(time(), only_add=not serves)
    return purges


def _rules(settings: Settings, database: Database) -> Rules:
    zones = settings.zone_values()
    return Rules(
        zones=zones,
        signer=signer_of(settings),
        renditions=Renditions(
            settings.renditions.presets,
            StoredRedactions(database),
            settings.renditions.mark_values(),
        ),
        residency=Residency(settings.server.region),
        revocations=Revocations(database),
    )


def _catalogue(
    rules: Rules,
    stores: Mapping[str, Store],
    originals: Originals,
    levels: Levels,
    purges: Purges,
) -> Catalogue:
    """The catalogue, which hears of every change that any process writes down."""
    catalogue = Catalogue(
        rules.zones,
        stores,
        Looks(levels.disk, levels.sources, REMOTE_TTL),
        clock=monotonic,
        keep=originals.keep,
        changed=Refreshes(rules.zones, purges).changed,
    )
    rules.revocations.follower.subscribe(News(catalogue).tell)
    return catalogue


def _levels(settings: Settings) -> Levels:
    data = Path(settings.server.data)
    return Levels(
        MemoryCache(settings.server.cache_memory),
        DiskCache(data / "cache", settings.server.cache_disk),
        Stripes(data / "locks"),
        Stripes(data / "locks" / "sources"),
    )


def _sharing(
    settings: Settings,
    providers: Mapping[str, Provider],
    standings: Standings,
    database: Database,
) -> Sharing:
    """How each zone's CDNs are spoken to; the general way where there is none."""
    zones = settings.zone_values()
    profiles = {
        name: tuple(providers[cdn].profile for cdn in zone.cdn) or (NONE,)
        for name, zone in zones.items()
    }
    traced = [name for name, told in profiles.items() if not all(one.tag_field for one in told)]
    canary = Canary(zones, profiles, settings.server.corp)
    return Sharing(profiles, standings, canary, Copies(database, traced))


def _keeper(
    settings: Settings,
    rules: Rules,
    state: tuple[Database, Purges],
    client: httpx.AsyncClient,
    metrics: Metrics,
) -> Keeper:
    """Who finds out what the CDNs do; every process hears of it."""
    database, purges = state
    bound = {
        name: digest
        for name, digest in bindings(settings).items()
        if rules.residency.admits(rules.zones[name])
    }
    standings = Standings(rules.zones, bound, database)
    rules.revocations.follower.subscribe(standings.tell)
    standings.register(metrics)
    ask = Rounds(settings, rules, client).ask
    return Keeper(database, standings, ask, metrics.probed, withdraw=purges.withdraw)


# Reading the certificates of all authorities takes 80 ms.
trusted = cache(httpx.create_ssl_context)
"""What TLS connections to others are proved by; made once."""


def _providers(
    settings: Settings, client: httpx.AsyncClient, traces: PurgeTraces
) -> dict[str, Provider]:
    tools = Tools(client, time, traces, distribution)
    built: dict[str, Provider] = {}
    for name, cdn in settings.cdn.items():
        try:
            built[name] = build_provider(cdn.provider, cdn.setup(name), tools)
        except ProviderMisconfigured as error:
            raise ConfigurationError([Fault(f"cdn.{name}", error.fault, error.hint)]) from None
    return built


def _stores(
    settings: Settings, opener: Callable[..., Store], observe: Callable[[str, float], None]
) -> dict[str, Store]:
    """Only stores of zones that this region may serve are opened: the rest is not even there."""
    residency = Residency(settings.server.region)
    buckets: dict[str, list[str]] = {}
    for zone in settings.zone_values().values():
        if residency.admits(zone):
            buckets.setdefault(zone.store, []).extend(zone.buckets)
    return {
        name: TimedStore(
            opener(address, buckets=buckets[name], where=f"stores.{name}.url"), observe
        )
        for name, address in settings.addresses().items()
        if name in buckets
    }
