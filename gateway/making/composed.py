"""Making: what finds, makes, measures and chooses the renditions of documents, put together."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from gateway.catalogue import Catalogue
from gateway.making.derive import Deriver
from gateway.making.improvements import Improver, Neighbours, Prefetcher, Wishes
from gateway.making.masters import Masters
from gateway.making.measure import Describer, Measurer
from gateway.making.measurements import Measurements
from gateway.making.placeholders import Placeholders
from gateway.making.selections import Selector
from gateway.making.shelves import Shelf
from gateway.making.sights import Sights
from gateway.originals import Levels, Originals
from gateway.purges import Purges, Refreshes
from gateway.representations import Ready, Representation, ready
from gateway.rules import Rules
from gateway.settings import Settings
from gateway.telemetry import Metrics
from imaging.workers.pool import RenderPool
from imaging.workers.processes import BACKGROUND

LONGEST_IMPROVEMENT = 300.0


@dataclass(frozen=True, slots=True)
class Making:
    """What finds, makes, measures and chooses the renditions of documents."""

    levels: Levels
    originals: Originals
    wishes: Wishes
    shelf: Shelf
    measurer: Measurer
    looks: Placeholders
    sights: Sights
    selector: Selector


def make(
    settings: Settings,
    rules: Rules,
    held: tuple[Levels, Originals],
    workers: tuple[RenderPool, Describer],
    metrics: Metrics,
) -> Making:
    """All of it, over one cache and its originals, by the workers that render and describe."""
    (levels, originals), (pool, describer) = held, workers
    wishes, shelf = _shelf(settings, levels, originals)
    deriver = Deriver(levels, originals, pool, shelf, monotonic, metrics.rendered)
    measurer = Measurer(levels, originals, describer)
    sights = Sights(levels, originals, pool, monotonic)
    first = Neighbours(rules, wishes).tell
    return Making(
        levels=levels,
        originals=originals,
        wishes=wishes,
        shelf=shelf,
        measurer=measurer,
        looks=Placeholders(levels, originals, measurer, deriver),
        sights=sights,
        selector=Selector(rules.renditions, originals, deriver, sights, first),
    )


def improver_of(
    settings: Settings,
    making: Making,
    pool: RenderPool,
    known: tuple[Rules, Catalogue],
    told: tuple[Purges, Metrics],
) -> Improver:
    """Its workshop is one worker that gives way to all else: its turn may be long in coming."""
    wishes, shelf, originals = making.wishes, making.shelf, making.originals
    purges, metrics = told
    workshop = RenderPool(1, queue=0, timeout=LONGEST_IMPROVEMENT, module=BACKGROUND)
    prefetcher = Prefetcher(
        *known,
        (originals, shelf, Measurements(making.levels.disk)),
        Masters(making.levels.disk, workshop),
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


def _shelf(settings: Settings, levels: Levels, originals: Originals) -> tuple[Wishes, Shelf]:
    """The shelf, and what is wished for when it gives a first answer."""
    wishes = Wishes(monotonic)
    wish = wishes.want if settings.renditions.improve else None
    return wishes, Shelf(levels, originals, dresser(settings), wish)


def dresser(settings: Settings) -> Callable[[Representation], Ready]:
    zones = settings.zone_values()

    def dress(representation: Representation) -> Ready:
        zone = zones[representation.document.ref.zone]
        return ready(representation, zone, corp=settings.server.corp)

    return dress


def render_workers(settings: Settings) -> int:
    """As many as set, else the cores shared among the serving processes."""
    cores = len(os.sched_getaffinity(0))
    return settings.renditions.workers or max(1, cores // settings.server.workers)
