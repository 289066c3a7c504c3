"""Octets of renditions by kind of document: beside a fixed quality, and beside the original."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from bench.documents import Documents
from bench.imaging.pictures import SCANNED, Picture, pictures
from bench.imaging.readers import got
from bench.imaging.speed import QUIET
from bench.load import LoadFailed
from bench.ostiary import Ostiary, folder_store, ostiary
from bench.table import Goal, Row

WIDTHS = (640, 1280)
FIXED = 80
NEVER_HEAVIER, LIGHTER, PAGE_ONE = Goal(100), Goal(60), Goal(5, most=True)
_BROWSER = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
_LANES = ("JPEG", "WebP", "automatic")


@dataclass(frozen=True, slots=True)
class Weight:
    """What one document weighs at one width, in octets: as we choose, and in a fixed quality.

    By lanes: JPEG beside JPEG, WebP beside WebP, and what a browser gets of itself beside WebP.
    """

    kind: str
    width: int
    original: int
    chosen: Mapping[str, int]
    fixed: Mapping[str, int]

    def against(self, lane: str) -> float:
        return self.chosen[lane] / self.fixed[lane]

    @property
    def part(self) -> float:
        """What a browser gets, as a part of the original."""
        return self.chosen["automatic"] / self.original


def run(folder: Path) -> list[Row]:
    """Ask for every document at two widths, as we choose and in a fixed quality."""
    documents = Documents(folder / "docs")
    named = [(f"{number:03}", one) for number, one in enumerate(pictures())]
    for name, one in named:
        documents.add(name, one.body)
    with (
        ostiary(folder, folder_store(documents.root), more=QUIET) as gateway,
        ThreadPoolExecutor(2) as readers,
    ):
        asked = list(readers.map(lambda one: _weights(gateway, *one), named))
        refused = Row("documents that can not be shown", f"{asked.count([])}", len(asked))
        return [*rows([weight for weights in asked for weight in weights]), refused]


def rows(weights: Sequence[Weight]) -> list[Row]:
    """Each kind's medians, then what holds over all of them."""
    by_kind = sorted(weights, key=lambda weight: (weight.kind, weight.width))
    told = [
        _told(kind, width, list(some))
        for (kind, width), some in groupby(by_kind, key=lambda one: (one.kind, one.width))
    ]
    return [*told, *_over_all(weights)]


def _told(kind: str, width: int, weights: Sequence[Weight]) -> Row:
    against = ", ".join(
        f"{lane} {statistics.median(one.against(lane) for one in weights):.2f}x" for lane in _LANES
    )
    part = statistics.median(one.part for one in weights)
    return Row(f"{kind}, w{width}", f"{against}; {part:.1%} of the original", len(weights))


def _over_all(weights: Sequence[Weight]) -> Iterator[Row]:
    lighter = sum(one.part <= 1 for one in weights) / len(weights)
    what = "no heavier than the original, a browser's choice"
    yield Row.judged(what, 100 * lighter, " %", len(weights), NEVER_HEAVIER)
    for width in WIDTHS:
        parts = [one.part for one in weights if one.width == width]
        less = 100 * (1 - statistics.median(parts))
        yield Row.judged(f"octets saved, median, w{width}", less, " %", len(parts), LIGHTER)
    scanned = [one.part for one in weights if one.kind == SCANNED]
    if scanned:
        most = 100 * max(scanned)
        what = "page one of a scanned PDF, of the PDF, at most"
        yield Row.judged(what, most, " %", len(scanned), PAGE_ONE)


def _weights(gateway: Ostiary, name: str, picture: Picture) -> list[Weight]:
    """None of them for a document that is refused."""
    try:
        return [_weight(gateway, name, picture, width) for width in WIDTHS]
    except LoadFailed:
        return []


def _weight(gateway: Ostiary, name: str, picture: Picture, width: int) -> Weight:
    base = f"{picture.page}w{width}"
    chosen = {lane: gateway.link(name, f"{base}{end}") for lane, end in _ends("")}
    fixed = {
        lane: gateway.exact(name, f"{base}-q{FIXED}{end or '-webp'}")
        for lane, end in _ends("-webp")
    }
    return Weight(
        picture.kind,
        width,
        len(picture.body),
        dict(_octets(gateway, chosen.items())),
        dict(_octets(gateway, fixed.items())),
    )


def _ends(automatic: str) -> Sequence[tuple[str, str]]:
    return tuple(zip(_LANES, ("-jpeg", "-webp", automatic), strict=True))


def _octets(gateway: Ostiary, links: Iterable[tuple[str, str]]) -> Iterator[tuple[str, int]]:
    for lane, link in links:
        yield lane, len(got(gateway.server, link, _BROWSER)[0])
