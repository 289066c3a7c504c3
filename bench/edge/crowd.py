"""Three hundred viewers at once before one object that no cache holds: how often it is fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from bench.documents import SMALL_OCTETS
from bench.edge.fronts import cdn, nginx_edge, varnish_edge
from bench.edge.links import Links
from bench.load import LoadFailed
from bench.ostiary import Ostiary, ostiary, s3_store
from bench.peers.source import Source
from bench.peers.varnish import varnish
from bench.processes import Server, free_port
from bench.table import Goal, Row

CROWD = 300
GOAL = Goal(1, most=True)
_LIFE = 3_600


def run(folder: Path) -> list[Row]:
    """Send a crowd to each front, each to an object of its own."""
    return asyncio.run(_measured(folder))


async def _measured(folder: Path) -> list[Row]:
    async with Source(SMALL_OCTETS) as source:
        with ExitStack() as started:
            # Starting a server blocks, and the source must answer meanwhile.
            told = [*cdn("varnish", free_port()), *cdn("nginx", free_port())]
            context = ostiary(folder, s3_store(source.port), more=told)
            gateway = await asyncio.to_thread(started.enter_context, context)
            found: list[Row] = []
            for what, start, links in _crowds(folder, gateway):
                front = await asyncio.to_thread(started.enter_context, start())
                before, asked = await _fetches(gateway), source.gets
                await crowd(front, links)
                fetches = await _fetches(gateway) - before
                found += rows(what, len(set(links)), fetches, source.gets - asked)
            return found


def rows(what: str, texts: int, fetches: int, gets: int) -> list[Row]:
    """How many requests the gateway saw, and its store."""
    told = f"{what}, {texts:,} link{'s' if texts > 1 else ''}"
    return [
        Row.judged(f"{told}: fetches from the gateway", fetches, "", CROWD, GOAL),
        Row.judged(f"{told}: GETs from its store", gets, "", CROWD, GOAL),
    ]


def _crowds(
    folder: Path, gateway: Ostiary
) -> list[tuple[str, Callable[[], AbstractContextManager[Server]], Sequence[str]]]:
    links = Links(gateway)
    own = [[links.ending(f"{n}.jpg", _LIFE + one) for one in range(CROWD)] for n in range(2)]
    same = [gateway.link("2.jpg")] * CROWD
    port = free_port()
    return [
        ("Varnish that verifies", lambda: varnish_edge(folder, free_port(), gateway), own[0]),
        ("nginx that verifies", lambda: nginx_edge(folder, free_port(), gateway), own[1]),
        ("Varnish, windowed", lambda: varnish(folder, port, gateway.server), same),
    ]


async def _fetches(gateway: Ostiary) -> int:
    return await asyncio.to_thread(gateway.fetches)


async def crowd(front: Server, links: Sequence[str]) -> None:
    """Ask for all links at once, each over its own connection; raises `LoadFailed`."""
    opened = [await asyncio.open_connection("127.0.0.1", front.port) for _ in links]
    for (_, writer), link in zip(opened, links, strict=True):
        writer.write(f"GET {link} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
    answers = await asyncio.gather(*(reader.read() for reader, _ in opened))
    for _, writer in opened:
        writer.close()
    good = sum(answer[9:12] == b"200" and len(answer) > SMALL_OCTETS for answer in answers)
    if good < len(links):
        raise LoadFailed(f"only {good} of {len(links)} were answered whole")
