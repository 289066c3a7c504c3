"""A small document from memory: the path that nearly every request takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.documents import SMALL, Documents
from bench.load import Load, Target, cheaper, interleaved, middle, times
from bench.ostiary import folder_store, ostiary
from bench.peers.nginx import nginx, secure_link
from bench.peers.plain import link
from bench.peers.python import bare, plain
from bench.table import Goal, Row

OSTIARY, NGINX, BARE = "ostiary", "nginx secure_link, static", "uvicorn, doing nothing"
PLAIN = "Starlette + itsdangerous, from memory"
FILE = "Starlette + itsdangerous, FileResponse"

NGINX_GOAL = Goal(0.18)
PLAIN_GOAL = Goal(3.0)


def run(folder: Path) -> list[Row]:
    """Drive all five in turn over three rounds."""
    documents = Documents(folder / "docs")
    documents.small()
    with ExitStack() as started:
        gateway = started.enter_context(ostiary(folder, folder_store(documents.root)))
        static = started.enter_context(nginx(folder, documents))
        ceiling = started.enter_context(bare(folder))
        simple = started.enter_context(plain(folder, documents))
        targets = {
            NGINX: Target(static, static.base + secure_link(SMALL)),
            OSTIARY: Target(gateway.server, gateway.url(SMALL)),
            BARE: Target(ceiling, ceiling.base + "/"),
            PLAIN: Target(simple, simple.base + link(SMALL, file=False)),
            FILE: Target(simple, simple.base + link(SMALL, file=True)),
        }
        return rows(interleaved(targets))


def rows(found: Mapping[str, Sequence[Load]]) -> list[Row]:
    """Every server's figures, then what Ostiary's are to the others'."""
    told = {name: middle(loads) for name, loads in found.items()}
    ours, n = found[OSTIARY], told[OSTIARY].requests
    return [
        *(Row(name, str(load), load.requests) for name, load in told.items()),
        Row.judged("ostiary to nginx, by rate", times(ours, found[NGINX]), "x", n, NGINX_GOAL),
        Row.judged("ostiary to nginx, by CPU", cheaper(ours, found[NGINX]), "x", n, NGINX_GOAL),
        Row("nothing at all in uvicorn to nginx, by CPU", _times(found[BARE], found[NGINX]), n),
        Row.judged("ostiary to plain, by rate", times(ours, found[PLAIN]), "x", n, PLAIN_GOAL),
        Row.judged("ostiary to plain, by CPU", cheaper(ours, found[PLAIN]), "x", n, PLAIN_GOAL),
        Row("ostiary to plain with FileResponse, by CPU", _times(ours, found[FILE]), n),
    ]


def _times(loads: Sequence[Load], others: Sequence[Load]) -> str:
    return f"{cheaper(loads, others):.3g}x"
