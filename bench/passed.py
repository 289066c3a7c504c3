"""What is passed on to Supabase: a list of 30 KB, and an upload of 50 MB."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import calls
from bench.documents import BUCKET
from bench.load import Load, LoadFailed, Target, interleaved, middle, slower
from bench.processes import Server
from bench.project import STORAGE, before, keys, project
from bench.table import Row

STRAIGHT, THROUGH = "upstream, straight", "through ostiary"
_LISTED = 100
_CALL = json.dumps({"prefix": "shared/letters", "limit": _LISTED})
_OCTETS = 50 << 20
_USER = "uploader"
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Uploads:
    """Seconds of each upload, by the way it went; the gateway's MB before the first, at most."""

    seconds: Mapping[str, Sequence[float]]
    before: float
    peak: float


def run(folder: Path) -> list[Row]:
    """Upload in turn straight and through a gateway that has done nothing yet; then list so."""
    with project(folder) as upstream, before(folder, upstream) as gateway:
        upstream.keep(keys(_LISTED), b"x")
        servers = {STRAIGHT: upstream.server, THROUGH: gateway.server}
        fields = upstream.fields(upstream.bearer(_USER))
        uploads = _uploads(folder, servers, fields)
        script = calls.same(folder / "list.lua", "POST", fields, _CALL)
        place = f"{STORAGE}/object/list/{BUCKET}"
        targets = {
            name: Target(server, server.base + place, script) for name, server in servers.items()
        }
        return [*listed(interleaved(targets, seconds=1, connections=1)), *uploaded(uploads)]


def listed(found: Mapping[str, Sequence[Load]]) -> list[Row]:
    """Both ways' figures, and what the latencies are to each other."""
    told = {name: middle(loads) for name, loads in found.items()}
    ratio = slower(found[THROUGH], found[STRAIGHT])
    return [
        *(Row(f"list: {name}", str(load), load.requests) for name, load in told.items()),
        Row("list: p50 to upstream's", f"{ratio:.3g}x", told[THROUGH].requests),
    ]


def uploaded(uploads: Uploads) -> list[Row]:
    """Both ways' times and their ratio round by round; what memory it took on the way."""
    told = {name: statistics.median(seconds) for name, seconds in uploads.seconds.items()}
    pairs = zip(uploads.seconds[THROUGH], uploads.seconds[STRAIGHT], strict=True)
    ratio, n = statistics.median(ours / theirs for ours, theirs in pairs), _ROUNDS
    return [
        *(Row(f"upload: {name}", f"{seconds * 1e3:.0f} ms", n) for name, seconds in told.items()),
        Row("upload: time to upstream's", f"{ratio:.3g}x", n),
        Row("upload: ostiary's memory before", f"{uploads.before:.0f} MB", 1),
        Row("upload: ostiary's memory at most", f"{uploads.peak:.0f} MB", n),
    ]


def _uploads(folder: Path, servers: Mapping[str, Server], fields: Mapping[str, str]) -> Uploads:
    document = folder / "scan.bin"
    document.write_bytes(os.urandom(_OCTETS))
    gateway = servers[THROUGH]
    before = gateway.memory()
    seconds: dict[str, list[float]] = {name: [] for name in servers}
    for _ in range(_ROUNDS):
        for name, server in servers.items():
            seconds[name].append(_upload(server, document, fields))
    return Uploads(seconds, before, gateway.peak())


def _upload(server: Server, document: Path, fields: Mapping[str, str]) -> float:
    """Seconds that curl takes to have it stored."""
    url = f"{server.base}{STORAGE}/object/{BUCKET}/{_USER}/{document.name}"
    given = [f"-H{name}: {value}" for name, value in fields.items()]
    options = ["-sf", "-o", os.devnull, "-w", "%{time_total} %{size_upload}", "-T", str(document)]
    curl = ["curl", *options, "-X", "PUT", *given, url]
    told = subprocess.run(curl, capture_output=True, text=True, check=False)
    seconds, _, size = told.stdout.partition(" ")
    if told.returncode or size != str(_OCTETS):
        raise LoadFailed("an upload failed")
    return float(seconds)
