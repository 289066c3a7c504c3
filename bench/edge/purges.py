"""Purges through the whole way: how long until a cache shows the new bytes of a document."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench import project
from bench.documents import BUCKET, SMALL_OCTETS
from bench.edge.fronts import cdn, varnish_edge
from bench.edge.operators import documents, tell
from bench.edge.visitors import Visitor
from bench.load import LoadFailed
from bench.ostiary import ZONE, Ostiary, folder_store, ostiary
from bench.peers.varnish import SECRET
from bench.processes import free_port
from bench.table import Goal, Row
from cdn.tags import document_tag

CALL, ASKED, TOLD = "one PURGE at Varnish", "POST /admin/purge", "POST /hooks/purge"
GOALS = {ASKED: Goal(50, most=True), TOLD: Goal(2_000, most=True)}
TIMES = {CALL: 200, ASKED: 200, TOLD: 100}
_HOOK = "the-webhook-secret-of-the-bench"
_KEY = f"{project.SHARED}/letter.jpg"
_PAUSE = 0.001
_PATIENCE = 30.0


def run(folder: Path) -> list[Row]:
    """A document of 30 KB changes again and again; what changed is told in either way."""
    found = {}
    with ExitStack() as started:
        port, bucket = free_port(), folder / "docs" / BUCKET
        (bucket / _KEY).parent.mkdir(parents=True)
        store = folder_store(bucket.parent)
        gateway = started.enter_context(ostiary(folder, store, more=cdn("varnish", port)))
        started.enter_context(varnish_edge(folder, port, gateway))
        put = _put(bucket / _KEY)
        put(_version(0))
        found[CALL] = _calls(gateway, port)
        found[ASKED] = _changes(ASKED, gateway, port, put)
    with ExitStack() as started:
        port = free_port()
        supabase = started.enter_context(project.project(folder))
        more = [f'webhook_secret = "{_HOOK}"', *cdn("varnish", port)]
        gateway = started.enter_context(project.before(folder, supabase, more=more))
        started.enter_context(varnish_edge(folder, port, gateway))
        keep = partial(supabase.keep, [_KEY])
        found[TOLD] = _changes(TOLD, gateway, port, keep)
    return [row for what, seconds in found.items() for row in rows(what, seconds)]


def rows(what: str, seconds: Sequence[float]) -> list[Row]:
    """The median and the slowest percent, in ms."""
    n, cuts = len(seconds), statistics.quantiles(seconds, n=100)
    half, late = cuts[49] * 1e3, cuts[98] * 1e3
    told = what if what == CALL else f"{what} to new bytes"
    if what not in GOALS:
        return [Row(told, f"p50 {half:.1f} ms, p99 {late:.1f} ms", n)]
    return [
        Row(f"{told}, p50", f"{half:.1f} ms", n),
        Row.judged(f"{told}, p99", late, " ms", n, GOALS[what]),
    ]


def _calls(gateway: Ostiary, port: int) -> list[float]:
    """Purges of the document's tag, as the gateway makes them, each of one kept copy."""
    target, tag = gateway.link(_KEY), document_tag(ZONE, BUCKET, _KEY)
    fields, seconds = f"purge-key: {SECRET}\r\nxkey-purge: {tag}\r\n", list[float]()
    with Visitor(port) as visitor:
        for _ in range(TIMES[CALL]):
            _expect(visitor, target, _version(0))
            began = time.perf_counter()
            reply = visitor.get("/", "PURGE", fields)
            seconds.append(time.perf_counter() - began)
            if reply.status != 200:
                raise LoadFailed(f"PURGE: {reply.status}")
    return seconds


def _put(path: Path) -> Callable[[bytes], None]:
    """What puts a new version into the folder, whole at once."""

    def put(octets: bytes) -> None:
        path.with_suffix(".new").write_bytes(octets)
        path.with_suffix(".new").replace(path)

    return put


def _changes(what: str, gateway: Ostiary, port: int, put: Callable[[bytes], object]) -> list[float]:
    """Change the document, tell of it, and look until Varnish shows the change; seconds of each.

    It is looked at over a connection of its own, a millisecond apart.
    """
    put(_version(0))
    target, seconds = gateway.link(_KEY), list[float]()
    with Visitor(port) as viewer, Visitor(gateway.server.port) as operator:
        for number in range(1, TIMES[what] + 1):
            _expect(viewer, target, _version(number - 1))
            put(_version(number))
            began = time.perf_counter()
            _tell(operator, what)
            _look(viewer, target, _version(number))
            seconds.append(time.perf_counter() - began)
    return seconds


def _version(number: int) -> bytes:
    """A JPEG to whoever looks at its first octets."""
    return (b"\xff\xd8\xff\xe0version %d" % number).ljust(SMALL_OCTETS, b"\0")


def _tell(operator: Visitor, what: str) -> None:
    if what == ASKED:
        tell(operator, "/admin/purge", documents(_KEY))
    else:
        event = {"type": "object", "bucketId": BUCKET, "objectName": _KEY}
        tell(operator, "/hooks/purge", event, _HOOK)


def _expect(viewer: Visitor, target: str, octets: bytes) -> None:
    """See the document as a hit; a purge still under way may make it a miss once more."""
    deadline = time.monotonic() + _PATIENCE
    while (reply := viewer.get(target)).field("x-cache") != "hit" or reply.body != octets:
        if time.monotonic() > deadline:
            raise LoadFailed(f"Varnish keeps nothing: {reply.status}")
        time.sleep(_PAUSE)


def _look(viewer: Visitor, target: str, octets: bytes) -> None:
    deadline = time.monotonic() + _PATIENCE
    while (reply := viewer.get(target)).body != octets:
        if reply.status != 200 or time.monotonic() > deadline:
            raise LoadFailed(f"no new bytes: {reply.status}")
        time.sleep(_PAUSE)
