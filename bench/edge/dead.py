"""The origin dead: what caches still answer after SIGKILL, and that dead links stay dead."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bench.documents import Documents
from bench.edge.fronts import cdn, nginx_edge, varnish_edge
from bench.edge.links import Links
from bench.edge.operators import documents, tell
from bench.edge.traffic import Visit, name, zipf
from bench.edge.visitors import Visitor
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
_LIFE, _SOON = 7_200, 10

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


def run(folder: Path) -> list[Row]:
    """Fill three fronts of one gateway, kill it, and ask again at once and when copies are old."""
    put = Documents(folder / "docs")
    for number in [*range(DOCUMENTS), *_DOOMED, *_DYING]:
        put.add(name(number), b"what is read; " * 1_000)
    ports = {what: free_port() for what in (WINDOWED, VARNISH, NGINX)}
    told = [f"ttl = {TTL}", f"stale_if_error = {STALE}", *cdn("varnish", ports[WINDOWED])]
    told += [*cdn("varnish", ports[VARNISH], "verifying"), *cdn("nginx", ports[NGINX])]
    with ExitStack() as started:
        gateway = started.enter_context(ostiary(folder, folder_store(put.root), more=told))
        fronts = {
            WINDOWED: varnish(folder, ports[WINDOWED], gateway.server),
            VARNISH: varnish_edge(folder, ports[VARNISH], gateway),
            NGINX: nginx_edge(folder, ports[NGINX], gateway),
        }
        servers = {what: started.enter_context(front) for what, front in fronts.items()}
        return [row for what, one in _found(gateway, servers).items() for row in rows(what, one)]


def rows(what: str, found: Found) -> list[Row]:
    """Shares of the reads that were answered, and what no dead link may get."""
    stale = found.stale
    kept = 100 * stale.answered_kept / stale.kept
    shares = (100 * one.answered / one.reads for one in (found.fresh, stale))
    told = " %, stale ".join(f"{share:.1f}" for share in shares)
    judged = what != NGINX  # which keeps no stale copies, as it is told nothing of them
    whole = f"{what}: reads of what was kept, stale"
    return [
        Row(f"{what}: all reads", f"fresh {told} %", stale.reads),
        Row.judged(whole, kept, " %", stale.kept, ALL)
        if judged
        else Row(whole, f"{kept:.1f} %", stale.kept),
        Row.judged(f"{what}: revoked links answered", found.revoked, "", len(_DOOMED), NONE),
        Row.judged(f"{what}: expired links answered", found.expired, "", len(_DYING), NONE),
    ]


def _found(gateway: Ostiary, servers: Mapping[str, Server]) -> dict[str, Found]:
    visits = list(zipf(2 * VISITS, DOCUMENTS))
    filling, later = visits[:VISITS], visits[VISITS:]
    makers, known = _makers(gateway), {visit.document for visit in filling}
    dying = _ending(gateway, _DYING, _SOON)
    doomed = _ending(gateway, _DOOMED, _LIFE)
    for what, server in servers.items():
        wait_until(lambda server=server: _status(server, "/readyz") < 500)  # type: ignore[misc]
        _read(server, map(makers[what], filling))
        _read(server, [*dying, *doomed])
    _revoke(gateway, [servers[WINDOWED], servers[VARNISH]], doomed[-1])
    kept_until = time.monotonic() + TTL
    kill(gateway.server)
    fresh = {what: _ask(server, makers[what], later, known) for what, server in servers.items()}
    revived = {what: _read(server, doomed).count(200) for what, server in servers.items()}
    time.sleep(max(0.0, kept_until + 1 - time.monotonic()))
    return {
        what: Found(
            fresh[what],
            _ask(server, makers[what], later, known),
            max(revived[what], _read(server, doomed).count(200)),
            _read(server, dying).count(200),
        )
        for what, server in servers.items()
    }


def _makers(gateway: Ostiary) -> dict[str, Make]:
    """Links by front: the window's own, or one for each read."""
    links = Links(gateway)
    shared = {number: gateway.link(name(number)) for number in range(DOCUMENTS)}

    def own(visit: Visit) -> str:
        return links.ending(name(visit.document), _LIFE + visit.number)

    return {WINDOWED: lambda visit: shared[visit.document], VARNISH: own, NGINX: own}


def _ending(gateway: Ostiary, numbers: Iterable[int], seconds: int) -> list[str]:
    links = Links(gateway)
    return [links.ending(name(number), seconds) for number in numbers]


def _revoke(gateway: Ostiary, fronts: Sequence[Server], last: str) -> None:
    """Take documents back, and wait until the fronts were told."""
    with Visitor(gateway.server.port) as operator:
        tell(operator, "/admin/revoke", documents(*map(name, _DOOMED)))
    wait_until(lambda: all(_status(front, last) == 410 for front in fronts))


def kill(server: Server) -> None:
    """Kill all its processes, so that none can end in order."""
    for pid in tree(server.pid):
        os.kill(pid, signal.SIGKILL)


def _ask(server: Server, make: Make, visits: Sequence[Visit], known: set[int]) -> Asked:
    statuses = _read(server, map(make, visits))
    good = [status == 200 for status in statuses]
    pairs = list(zip(visits, good, strict=True))
    kept = [answered for visit, answered in pairs if visit.document in known]
    return Asked(len(good), sum(good), len(kept), sum(kept))


def _read(server: Server, targets: Iterable[str]) -> list[int]:
    return list(_statuses(server, targets))


def _statuses(server: Server, targets: Iterable[str]) -> Iterator[int]:
    with Visitor(server.port) as visitor:
        for target in targets:
            yield visitor.get(target).status


def _status(server: Server, target: str) -> int:
    return _read(server, [target])[0]
