"""Issuing over the API: each link is in the ledger, on disk, before it is answered."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.request import Request, urlopen

from bench import calls
from bench.documents import BUCKET, Documents
from bench.load import Load, LoadFailed, Target, drive
from bench.ostiary import TOKEN, ZONE, folder_store, ostiary
from bench.table import Row

MANY = 1_000
_CONNECTIONS = {1: 8, MANY: 1}
_SECONDS = {1: 3, MANY: 6}
_FIELDS = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}


def run(folder: Path) -> list[Row]:
    """Ask for one link at a time over eight connections, then for a thousand over one."""
    documents = Documents(folder / "docs")
    names = [f"letters/{number:04}.jpg" for number in range(MANY)]
    for name in names:
        documents.small(name)
    with ostiary(folder, folder_store(documents.root)) as gateway:
        url = f"{gateway.server.base}/v1/links"
        first = _first(url, names)
        found: dict[int, Load] = {}
        for count in (1, MANY):
            body = _call(names[:count])
            script = calls.same(folder / f"{count}.lua", "POST", _FIELDS, body)
            target = Target(gateway.server, url, script)
            found[count] = drive(target, _SECONDS[count], _CONNECTIONS[count])
        return rows(first, found)


def rows(first: float, found: Mapping[int, Load]) -> list[Row]:
    """Links per second and a call's latency, by the size of the call; `first` is in seconds."""
    return [
        Row(f"the first call, for {MANY:,} unknown photographs", f"{first:.1f} s", MANY),
        *_warm(found),
    ]


def _warm(found: Mapping[int, Load]) -> list[Row]:
    return [
        Row(
            f"calls for {count:,} over {_CONNECTIONS[count]} connections",
            f"{load.rate * count:,.0f} links/s, a call p50 {load.p50:.1f} ms,"
            f" p99 {load.p99:.1f} ms, {load.cpu / count:.0f} µs CPU a link",
            load.requests * count,
        )
        for count, load in found.items()
    ]


def _first(url: str, names: list[str]) -> float:
    """Seconds for the call in which every document is looked at and measured."""
    call = Request(url, _call(names).encode(), _FIELDS)
    began = time.perf_counter()
    with urlopen(call) as answer:
        links = json.load(answer)["links"]
    if any("url" not in link for link in links):
        raise LoadFailed("a link was refused")
    return time.perf_counter() - began


def _call(names: list[str]) -> str:
    wanted = [{"zone": ZONE, "bucket": BUCKET, "key": name} for name in names]
    return json.dumps({"documents": wanted})
