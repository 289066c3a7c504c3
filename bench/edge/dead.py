"""The origin dead: what caches still answer after SIGKILL, and that dead links stay dead."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bench.documents import Documents
from bench.edge.fronts import cdn, nginx_edge, proven, public, varnish_edge
from bench.edge.links import Links
from bench.edge.operators import documents, tell
from bench.edge.traffic import Visit, name, zipf
from bench.edge.visitors import Visitor
from bench.load import LoadFailed
from bench.ostiary import Ostiary, folder_store, ostiary
from bench.peers.varnish import varnish
from bench.processes import Server, free_port, tree, wait_until
from bench.table import Goal, Row

WINDOWED, VARNISH, NGINX = "Varnish, windowed", "Varnish that verifies", "nginx that verifies"
NONE = Goal(0, most=True)
ALL = Goal(100)
TTL, STALE = 12, 3_600
DOCUMENTS, VISITS = 400, 1_500
"""So many reads fill each front; as many more come once the gateway is dead."""

_DOOMED = range(DOCUMENTS, DOCUMENTS + 20)
_DYING = range(DOCUMENTS + 20, DOCUMENTS + 40)
_LIFE, _SOON = 7_200, 75

Make: TypeAlias = Callable[[Visit], str]


@dataclass(frozen=True, slots=True)
class Asked:
    """Reads, how many of them were answered, and the same of those for documents once kept."""

    reads: int
    answered: int
    kept: int
    answered_kept: int


@dataclass(frozen=True, slots=True)
class Found:
    """One front: its copies fresh, then stale; and answers to revoked and to expired links."""

    fresh: Asked
    stale: Asked
    revoked: int
    expired: int


@dataclass(frozen=True, slots=True)
class Place:
    """A front, the gateway behind it, and what makes the links of its readers."""

    what: str
    gateway: Ostiary
    front: Server
    make: Make

    def read(self, targets: Iterable[str]) -> list[int]:
        """The statuses of all of them, one after the other."""
        with Visitor(self.front.port) as visitor:
            return [visitor.get(target).status for target in targets]

    def fill(self, targets: Iterable[str]) -> None:
        """Read all of them; raises `LoadFailed` unless each is answered."""
        wait_until(lambda: self.status("/readyz") < 500)
        if bad := set(self.read(targets)) - {200}:
            raise LoadFailed(f"{self.what}: statuses {bad}")

    def status(self, target: str) -> int:
        return self.read([target])[0]


def run(folder: Path) -> list[Row]:
    """Fill three fronts, kill the gateways, and ask again at once and when copies are old.

    One gateway is `windowed`; the other is in mode `edge`, behind both fronts that verify.
    """
    put = Documents(folder / "docs")
    for number in [*range(DOCUMENTS), *_DOOMED, *_DYING]:
        put.add(name(number), b"what is read; " * 1_000)
    with ExitStack() as started:
        found = _found(list(_places(folder, put, started)))
        return [row for what, one in found.items() for row in rows(what, one)]


def rows(what: str, found: Found) -> list[Row]:
    """Shares of the reads that were answered, and what no dead link may get."""
    stale = found.stale
    kept = 100 * stale.answered_kept / stale.kept
    shares = (100 * one.answered / one.reads for one in (found.fresh, stale))
    told = " %, stale ".join(f"{share:.1f}" for share in shares)
    whole = f"{what}: reads of what was kept, stale"
    shared = Row.judged(whole, kept, " %", stale.kept, ALL)
    if what == NGINX:  # It is told for how long copies are fresh, and nothing else.
        shared = Row(whole, f"{kept:.1f} %", stale.kept)
    return [
        Row(f"{what}: all reads", f"fresh {told} %", stale.reads),
        shared,
        Row.judged(f"{what}: revoked links answered", found.revoked, "", len(_DOOMED), NONE),
        Row.judged(f"{what}: expired links answered", found.expired, "", len(_DYING), NONE),
    ]


def _places(folder: Path, put: Documents, started: ExitStack) -> Iterator[Place]:
    store, times = folder_store(put.root), [f"ttl = {TTL}", f"stale_if_error = {STALE}"]
    here, there, purges = free_port(), free_port(), free_port()
    told = [*times, public(there), *cdn("varnish", there), *cdn("nginx", purges)]
    verified = started.enter_context(ostiary(folder, store, cache="edge", more=told))
    edge = started.enter_context(varnish_edge(folder, there, verified))
    nginx = started.enter_context(nginx_edge(folder, free_port(), verified, purges=purges))
    told = [*times, *cdn("varnish", here)]
    windowed = started.enter_context(ostiary(folder, store, more=told))
    front = started.enter_context(varnish(folder, here, windowed.server))
    shared = [windowed.link(name(number)) for number in range(DOCUMENTS)]
    links = Links(verified)

    def own(visit: Visit) -> str:
        return links.ending(name(visit.document), _LIFE + visit.number)

    yield Place(WINDOWED, windowed, front, lambda visit: shared[visit.document])
    yield Place(VARNISH, verified, edge, own)
    yield Place(NGINX, verified, nginx, own)


def _found(places: Sequence[Place]) -> dict[str, Found]:
    windowed, *edges = places
    visits, links = list(zipf(2 * VISITS, DOCUMENTS)), Links(windowed.gateway)
    filling, later = visits[:VISITS], visits[VISITS:]
    known, over = {visit.document for visit in filling}, time.monotonic() + _SOON + 1
    dying = [links.ending(name(number), _SOON) for number in _DYING]
    doomed = [links.ending(name(number), _LIFE) for number in _DOOMED]
    # Now, for later no copy under such a link may be kept; an edge keeps one under any.
    windowed.fill(dying)
    proven(edges[0].gateway)
    for edge in edges:
        edge.fill(dying)
    for place in places:
        place.fill([*doomed, *map(place.make, filling)])
    for place in places:
        _revoke(place, doomed[-1])
    old = time.monotonic() + TTL + 1
    for place in places:
        kill(place.gateway.server)
    fresh = {place.what: _ask(place, later, known) for place in places}
    revoked = {place.what: place.read(doomed).count(200) for place in places}
    time.sleep(max(0.0, max(old, over) - time.monotonic()))
    return {
        place.what: Found(
            fresh[place.what],
            _ask(place, later, known),
            max(revoked[place.what], place.read(doomed).count(200)),
            place.read(dying).count(200),
        )
        for place in places
    }


def _revoke(place: Place, last: str) -> None:
    """Take documents back, and wait until the front was told."""
    with Visitor(place.gateway.server.port) as operator:
        tell(operator, "/admin/revoke", documents(*map(name, _DOOMED)))
    wait_until(lambda: place.status(last) == 410)


def kill(server: Server) -> None:
    """Kill all its processes, so that none can end in order; nothing if they were."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for pid in tree(server.pid):
            os.kill(pid, signal.SIGKILL)


def _ask(place: Place, visits: Sequence[Visit], known: set[int]) -> Asked:
    good = [status == 200 for status in place.read(map(place.make, visits))]
    pairs = zip(visits, good, strict=True)
    kept = [answered for visit, answered in pairs if visit.document in known]
    return Asked(len(good), sum(good), len(kept), sum(kept))
