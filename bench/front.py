"""A hit in the cache in front: what most viewers of a shared document see."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.documents import SMALL, Documents
from bench.load import Load, Target, cheaper, interleaved, middle, times
from bench.ostiary import folder_store, ostiary
from bench.peers.nginx import nginx, secure_link
from bench.peers.varnish import SECRET, varnish
from bench.processes import NotStarted, free_port
from bench.table import Goal, Row

VARNISH, NGINX = "Varnish with our VCL", "nginx secure_link, static"


def run(folder: Path) -> list[Row]:
    """Drive Varnish over one kept document beside nginx."""
    documents = Documents(folder / "docs")
    documents.small()
    port = free_port()
    cdn = [
        "[cdn.varnish]",
        'provider = "varnish"',
        f'url = "http://127.0.0.1:{port}"',
        f'secret = "{SECRET}"',
    ]
    with (
        ostiary(folder, folder_store(documents.root), more=cdn) as gateway,
        varnish(folder, port, gateway.server) as edge,
        nginx(folder, documents) as static,
    ):
        url = edge.base + gateway.link(SMALL)
        _expect_hit(url)
        targets = {
            NGINX: Target(static, static.base + secure_link(SMALL)),
            VARNISH: Target(edge, url),
        }
        return rows(interleaved(targets))


def rows(found: Mapping[str, Sequence[Load]]) -> list[Row]:
    """Both servers' figures, their ratio, and how much longer the slowest percent waits."""
    edge, static = middle(found[VARNISH]), middle(found[NGINX])
    n = edge.requests
    ours, theirs = found[VARNISH], found[NGINX]
    return [
        Row(NGINX, str(static), static.requests),
        Row(VARNISH, str(edge), n),
        Row.judged("hit in front to nginx, by rate", times(ours, theirs), "x", n, Goal(0.6)),
        Row("hit in front to nginx, by CPU", f"{cheaper(ours, theirs):.3g}x", n),
        Row.judged("its p99 to nginx's", edge.p99 / static.p99, "x", n, Goal(2, most=True)),
    ]


def _expect_hit(url: str) -> None:
    """Ask twice; raises `NotStarted` when the second answer was not kept."""
    for _ in range(2):
        with urllib.request.urlopen(url) as answer:
            answer.read()
            told = answer.headers["cache-status"]
    if "varnish; hit" not in told:
        raise NotStarted(f"Varnish keeps nothing: {told}")
