"""A crowd before a document that no cache holds: how often its store is asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.documents import SMALL, SMALL_OCTETS
from bench.load import LoadFailed
from bench.ostiary import Ostiary, ostiary, s3_store
from bench.peers.source import Source
from bench.table import Goal, Row

CROWD = 1_000
GOAL = Goal(1, most=True)


def run(folder: Path) -> list[Row]:
    """Send a crowd to one process, then to two that share a machine."""
    return [rows(workers, asyncio.run(_asked(folder, workers))) for workers in (1, 2)]


def rows(workers: int, asked: int) -> Row:
    """How many GETs the store saw."""
    what = "one process" if workers == 1 else f"{workers} processes"
    return Row.judged(f"{what}: GETs upstream", asked, "", CROWD, GOAL)


async def _asked(folder: Path, workers: int) -> int:
    async with Source(SMALL_OCTETS) as source:
        # Starting a gateway blocks, and the source must answer meanwhile.
        context = ostiary(folder, s3_store(source.port), workers=workers)
        gateway = await asyncio.to_thread(context.__enter__)
        try:
            before = source.gets
            await _crowd(gateway)
            return source.gets - before
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)


async def _crowd(gateway: Ostiary) -> None:
    target = gateway.link(SMALL)
    request = f"GET {target} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode()
    port = gateway.server.port
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CROWD)]
    for _, writer in opened:
        writer.write(request)
    answers = await asyncio.gather(*(reader.read() for reader, _ in opened))
    for _, writer in opened:
        writer.close()
    good = sum(answer[9:12] == b"200" and len(answer) > SMALL_OCTETS for answer in answers)
    if good < CROWD:
        raise LoadFailed(f"only {good} of {CROWD} were answered whole")
