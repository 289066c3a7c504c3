"""The composition root: settings become the parts that a process works with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from time import monotonic, time

import httpx

from cdn.errors import ProviderMisconfigured
from cdn.fields import NONE, Profile
from cdn.providers import Provider, Tools
from cdn.providers import build as build_provider
from gateway.caches.budget import ByteBudget
from gateway.caches.coalesce import Stripes
from gateway.caches.disk import DiskCache
from gateway.caches.memory import MemoryCache
from gateway.catalogue import REMOTE_TTL, Catalogue
from gateway.deliver import Deliverer
from gateway.derive import Deriver
from gateway.descriptions import Descriptions
from gateway.documents import Zone
from gateway.errors import ConfigurationError, Fault
from gateway.gauges import Gauges
from gateway.improvements import Improver, Neighbours, Prefetcher, Wishes
from gateway.issue import Issuer
from gateway.looks import Looks
from gateway.masters import Masters
from gateway.measure import Measurer, NoDescriber
from gateway.measurements import Measurements
from gateway.news import News
from gateway.originals import Levels, Originals
from gateway.parts import Parts
from gateway.placeholders import Placeholders
from gateway.project import Project
from gateway.purges import Purges, PurgeTraces, Refreshes
from gateway.purges.distributions import distribution
from gateway.regions import Residency
from gateway.representations import Ready, Representation, ready
from gateway.rules import Rules
from gateway.selections import Selector
from gateway.settings import Settings
from gateway.shelves import Shelf
from gateway.sights import Sights
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
from imaging.workers.processes import BACKGROUND
from signing.links import SignedZone, Signer

READERS_BUDGET = 256 << 20
LONGEST_IMPROVEMENT = 300.0


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
    metrics = metrics or Metrics()
    zones = settings.zone_values()
    database = Database.open(settings.server.database)
    client = httpx.AsyncClient(timeout=10, verify=trusted())
    providers = _providers(settings, client, PurgeTraces(database, zones))
    stores = _stores(settings, opener, metrics.fetched)
    purges = _purges(database, providers, zones, serves=serves)
    rules = _rules(settings, database)
    levels, dress = _levels(settings), _dresser(settings)
    originals = Originals(levels, lambda document: stores[zones[document.ref.zone].store], dress)
    catalogue = _catalogue(rules, stores, originals, levels, purges)
    pool = RenderPool(_render_workers(settings), timeout=settings.renditions.timeout)
    wishes, shelf = _shelf(settings, levels, originals)
    deriver = Deriver(levels, originals, pool, shelf, monotonic, metrics.rendered)
    measurer = Measurer(levels, originals, pool if serves else NoDescriber())
    looks = Placeholders(levels, originals, measurer, deriver)
    sights = Sights(levels, originals, pool, monotonic)
    first = Neighbours(rules, wishes).tell
    selector = Selector(rules.renditions, originals, deriver, sights, first)
    budget, gauges = ByteBudget(READERS_BUDGET), Gauges(purges)
    gauges.register(metrics, pool, levels.memory, budget, wishes)
    profiles, ledger = _profiles(zones, providers), Ledger(database)
    wanted = wishes, shelf, originals, levels
    issuer = Issuer(rules, catalogue, measurer, ledger)
    costs = Costs(metrics.asked, metrics.decided)
    project = Project.of(settings, rules, trusted(), (issuer, ledger), (purges, catalogue), costs)
    return Parts(
        settings=settings,
        rules=rules,
        stores=stores,
        providers=providers,
        database=database,
        ledger=ledger,
        purges=purges,
        catalogue=catalogue,
        deliverer=Deliverer(rules, profiles, catalogue, originals, selector, budget),
        issuer=issuer,
        descriptions=Descriptions(rules, catalogue, looks, sights),
        levels=levels,
        pool=pool,
        improver=_improver(settings, wanted, pool, (rules, catalogue), (purges, metrics)),
        gauges=gauges,
        client=client,
        project=project,
    )


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


def _shelf(settings: Settings, levels: Levels, originals: Originals) -> tuple[Wishes, Shelf]:
    """The shelf, and what is wished for when it gives a first answer."""
    wishes = Wishes(monotonic)
    wish = wishes.want if settings.renditions.improve else None
    return wishes, Shelf(levels, originals, _dresser(settings), wish)


def _dresser(settings: Settings) -> Callable[[Representation], Ready]:
    zones = settings.zone_values()

    def dress(representation: Representation) -> Ready:
        zone = zones[representation.document.ref.zone]
        return ready(representation, zone, corp=settings.server.corp)

    return dress


def _profiles(
    zones: Mapping[str, Zone], providers: Mapping[str, Provider]
) -> dict[str, tuple[Profile, ...]]:
    """How each zone's CDNs are spoken to; the general way where there is none."""
    return {
        name: tuple(providers[cdn].profile for cdn in zone.cdn) or (NONE,)
        for name, zone in zones.items()
    }


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


def _improver(
    settings: Settings,
    wanted: tuple[Wishes, Shelf, Originals, Levels],
    pool: RenderPool,
    known: tuple[Rules, Catalogue],
    told: tuple[Purges, Metrics],
) -> Improver:
    """Its workshop is one worker that gives way to all else: its turn may be long in coming."""
    (wishes, shelf, originals, levels), (purges, metrics) = wanted, told
    workshop = RenderPool(1, queue=0, timeout=LONGEST_IMPROVEMENT, module=BACKGROUND)
    prefetcher = Prefetcher(
        *known,
        (originals, shelf, Measurements(levels.disk)),
        Masters(levels.disk, workshop),
        wishes,
        metrics.prefetched,
        clock=monotonic,
    )
    return Improver(
        wishes,
        shelf,
        originals,
        workshop,
        Path(settings.server.data) / "improver.lock",
        busy=lambda: pool.depth > 0,
        announce=Refreshes(settings.zone_values(), purges).improved,
        make=prefetcher.make,
        observe=metrics.improved,
        clock=monotonic,
    )


def _render_workers(settings: Settings) -> int:
    """As many as set, else the cores shared among the serving processes."""
    cores = len(os.sched_getaffinity(0))
    return settings.renditions.workers or max(1, cores // settings.server.workers)
