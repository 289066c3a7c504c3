"""Hit ratios: the same visits through a real Varnish for each way of making URLs.

Six hours pass in seconds. What ends a copy is that nobody asks by its URL any more, as with windows
that pass: each link of a document has the number of its window in its end. No copy grows too old
for its `ttl`, which is longer than the hours, and the cache has room for all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import simulate
from bench.documents import Documents
from bench.edge.fronts import cdn, proven, public, varnish_edge
from bench.edge.links import Links
from bench.edge.traffic import EDGE, HOURS, VIEWERS, WAYS, Period, Visit, name, sizes, zipf
from bench.edge.visitors import Visitor
from bench.load import LoadFailed
from bench.ostiary import Ostiary, folder_store, ostiary
from bench.peers.varnish import varnish
from bench.processes import Server, free_port, wait_until
from bench.table import Goal, Row

GOALS = {"windowed, 1 h": Goal(75), EDGE: Goal(90)}
_LIFE = 7_200


@dataclass(frozen=True, slots=True)
class Played:
    """What came of the visits: how many, their octets, and what of both the origin answered."""

    visits: int
    octets: int
    fetches: int
    fetched: int

    @property
    def hits(self) -> float:
        """Per cent of visits that the origin did not see."""
        return 100 - 100 * self.fetches / self.visits

    @property
    def spared(self) -> float:
        """Per cent of octets that the origin did not send."""
        return 100 - 100 * self.fetched / self.octets


def run(folder: Path) -> list[Row]:
    """Play the visits once for each way, each time through an empty Varnish.

    The one that verifies stands before a gateway in mode `edge`, and has to pass its canary.
    """
    documents, visits = Documents(folder / "docs"), list(zipf())
    for number, octets in enumerate(sizes()):
        documents.add(name(number), (b"what is read; " * (octets // 14 + 1))[:octets])
    store, found, port = folder_store(documents.root), dict[str, Played](), free_port()
    with ExitStack() as started:
        told = [public(port), *cdn("varnish", port)]
        verified = started.enter_context(ostiary(folder, store, cache="edge", more=told))
        edge = started.enter_context(varnish_edge(folder, port, verified))
        gateway = started.enter_context(ostiary(folder, store, more=cdn("varnish", free_port())))
        for way in (way for way in WAYS if way != EDGE):
            own = folder / way
            own.mkdir()
            with varnish(own, free_port(), gateway.server) as front:
                found[way] = _played(front, gateway, visits, WAYS[way])
        proven(verified)
        found[EDGE] = _played(edge, verified, visits, WAYS[EDGE])
    return rows(found, simulated(folder, visits))


def rows(found: Mapping[str, Played], expected: Mapping[str, float]) -> list[Row]:
    """The visits as a line of their own, then each way with what the simulation says of it."""
    some = next(iter(found.values()))
    told = f"{VIEWERS} viewers, {len(sizes()):,} documents by Zipf's law, {HOURS} hours"
    rows = [Row("the visits", f"{told}, {some.octets / 1e6:,.0f} MB", some.visits)]
    for way, played in found.items():
        beside = f"from the origin {100 - played.spared:.1f} % of octets"
        beside += f"; simulated {expected[way] * 100:.1f} %"
        if way in GOALS:
            rows.append(Row.judged(f"{way}: hits", played.hits, " %", played.visits, GOALS[way]))
            rows.append(Row(f"{way}: beside", beside, played.visits))
        else:
            rows.append(Row(f"{way}: hits", f"{played.hits:.1f} %; {beside}", played.visits))
    return rows


def _played(front: Server, gateway: Ostiary, visits: Sequence[Visit], period: Period) -> Played:
    links, octets = Links(gateway), 0
    with Visitor(front.port) as visitor:
        wait_until(lambda: visitor.get("/readyz").status < 500)
        before, sent = gateway.fetches(), gateway.sent()
        for visit in visits:
            reply = visitor.get(links.ending(name(visit.document), _LIFE + period(visit)))
            if reply.status != 200:
                raise LoadFailed(f"status {reply.status}")
            octets += len(reply.body)
        return Played(len(visits), octets, gateway.fetches() - before, gateway.sent() - sent)


def simulated(folder: Path, visits: Sequence[Visit]) -> dict[str, float]:
    """The hit ratios that `ostiary simulate` tells of the log that a URL per view leaves."""
    log = folder / "access.log"
    with log.open("w", encoding="utf-8") as file:
        for visit in visits:
            token = f"{visit.number:043}"
            file.write(simulate.LINE["nginx"](visit.at, visit.document, visit.viewer, token) + "\n")
    command = [sys.executable, "-m", "gateway", "simulate", str(log), "--json"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {one["mode"]: one["plain"]["hit_ratio"] for one in json.loads(told)["modes"]}
