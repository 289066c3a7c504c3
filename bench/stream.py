"""A large document, streamed: what the copying costs beside nginx's sendfile."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.documents import LARGE, LARGE_OCTETS, Documents
from bench.load import LoadFailed, Target
from bench.ostiary import folder_store, ostiary, s3_store
from bench.peers.nginx import nginx, secure_link
from bench.table import Goal, Row

NGINX, LOCAL, REMOTE = "nginx sendfile", "ostiary, from a folder", "ostiary, from S3"
GOALS = {LOCAL: Goal(2, most=True), REMOTE: Goal(6, most=True)}
_ABREAST, _EACH, _ROUNDS = 4, 2, 3


def run(folder: Path) -> list[Row]:
    """Fetch it with four curls at once from each in turn; nginx plays S3 as well."""
    documents = Documents(folder / "docs")
    documents.large()
    with ExitStack() as started:
        static = started.enter_context(nginx(folder, documents))
        local = started.enter_context(ostiary(folder, folder_store(documents.root)))
        remote = started.enter_context(ostiary(folder, s3_store(static.port)))
        targets = {
            NGINX: Target(static, static.base + secure_link(LARGE)),
            LOCAL: Target(local.server, local.url(LARGE)),
            REMOTE: Target(remote.server, remote.url(LARGE)),
        }
        found: dict[str, list[float]] = {name: [] for name in targets}
        for _ in range(_ROUNDS):
            for name, target in targets.items():
                found[name].append(_transfers(target))
        return rows(found)


def rows(found: Mapping[str, Sequence[float]]) -> list[Row]:
    """CPU ms of one transfer in each server, then the ratios to nginx round by round."""
    n = _ABREAST * _EACH * _ROUNDS
    told = [Row(name, f"{statistics.median(ms):.0f} ms CPU", n) for name, ms in found.items()]
    for name, goal in GOALS.items():
        pairs = zip(found[name], found[NGINX], strict=True)
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        told.append(Row.judged(f"{name}, to nginx", ratio, "x", n, goal))
    return told


def _transfers(target: Target) -> float:
    """Fetch several times over; CPU ms of one transfer."""
    command = ["curl", "-sf", "-w", "%{size_download}\n"]
    command += ["-o", "/dev/null", target.url] * _EACH
    before = target.server.cpu()
    curls = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(_ABREAST)]
    sizes = [size for curl in curls for size in curl.communicate()[0].split()]
    used = target.server.cpu() - before
    if sizes != [b"%d" % LARGE_OCTETS] * (_ABREAST * _EACH):
        raise LoadFailed("a transfer was cut short")
    return used / len(sizes) * 1e3
