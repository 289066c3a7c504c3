"""A viewer far from the origin: a document of 2 MB across 250 ms, and from an edge nearby.

The way is modelled by `bench.edge.distance`, which says how.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from bench.documents import Documents
from bench.edge.distance import far
from bench.edge.fronts import cdn, varnish_edge
from bench.edge.visitors import Visitor
from bench.load import LoadFailed
from bench.ostiary import folder_store, ostiary
from bench.processes import free_port
from bench.table import Goal, Row
from gateway.samples.photo import hills

FAR, NEAR = 0.250, 0.020
OCTETS = 2_000_000
RENDITION = "w1280-q80-webp"
ORIGIN, MISS, HIT, SMALLER = (
    "from the origin",
    "from the edge, which fetches it",
    "from the edge",
    f"from the edge, {RENDITION}",
)
GOALS = {HIT: Goal(90), SMALLER: Goal(95)}
_ROUNDS = 5
_QUALITY = 88


@dataclass(frozen=True, slots=True)
class Fetched:
    """How long a fetch took from the call to the last octet, and how many octets came."""

    seconds: float
    octets: int


def run(folder: Path) -> list[Row]:
    """Fetch over new connections in each way, in turn."""
    return rows(_measured(folder))


def rows(found: Mapping[str, Sequence[Fetched]]) -> list[Row]:
    """The median of each way, and by how much it is shorter than from the origin."""
    middles = {way: statistics.median(one.seconds for one in got) for way, got in found.items()}
    rows: list[Row] = []
    for way, got in found.items():
        told = f"{middles[way] * 1e3:,.0f} ms, {got[0].octets / 1e6:.2f} MB"
        rows.append(Row(way, told, len(got)))
    for way in (way for way in found if way != ORIGIN):
        cut, what = 100 * (1 - middles[way] / middles[ORIGIN]), f"{way}: shorter by"
        n = len(found[way])
        if way in GOALS:
            rows.append(Row.judged(what, cut, " %", n, GOALS[way]))
        else:
            rows.append(Row(what, f"{cut:.3g} %", n))
    return rows


def _measured(folder: Path) -> dict[str, list[Fetched]]:
    documents, photo = Documents(folder / "docs"), _photo()
    for number in range(_ROUNDS):
        documents.add(f"{number}.jpg", photo)
    port = free_port()
    with ExitStack() as started:
        store = folder_store(documents.root)
        gateway = started.enter_context(ostiary(folder, store, more=cdn("varnish", port)))
        behind = started.enter_context(far(gateway.server.port, FAR))
        started.enter_context(varnish_edge(folder, port, gateway, origin=behind))
        origin = started.enter_context(far(gateway.server.port, FAR))
        edge = started.enter_context(far(port, NEAR))
        smaller = gateway.exact("0.jpg", RENDITION)
        for target in (gateway.link("0.jpg"), smaller):
            _fetch(port, target, "miss")
        found: dict[str, list[Fetched]] = {ORIGIN: [], MISS: [], HIT: [], SMALLER: []}
        for number in range(_ROUNDS):
            link = gateway.link(f"{number}.jpg")
            found[ORIGIN].append(_fetch(origin, link))
            if number:
                found[MISS].append(_fetch(edge, link, "miss"))
            found[HIT].append(_fetch(edge, link, "hit"))
            found[SMALLER].append(_fetch(edge, smaller, "hit"))
        return found


def _fetch(port: int, target: str, cache: str = "") -> Fetched:
    """Fetch over a new connection; raises `LoadFailed` unless the cache says so of it."""
    began = time.perf_counter()
    with Visitor(port) as visitor:
        reply = visitor.get(target)
    seconds = time.perf_counter() - began
    if reply.status != 200 or reply.field("x-cache") != cache:
        raise LoadFailed(f"status {reply.status}, {reply.field('x-cache') or 'no cache'}")
    return Fetched(seconds, len(reply.body))


def _photo() -> bytes:
    """A photograph of twelve megapixels, filled up to two megabytes."""
    out = BytesIO()
    Image.open(BytesIO(hills())).save(out, "JPEG", quality=_QUALITY)
    return out.getvalue().ljust(OCTETS, b"\0")
