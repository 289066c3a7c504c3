"""A crowd before a rendition that nobody has made yet: how often it is made."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from bench.documents import Documents
from bench.imaging.copies import Copies
from bench.imaging.pictures import photos
from bench.imaging.readers import drive
from bench.imaging.speed import QUIET, WIDTH
from bench.load import Load
from bench.ostiary import counted, folder_store, ostiary
from bench.table import Goal, Row

CROWD = 100
GOAL = Goal(1, most=True)
_PATIENCE = 60.0
_TOLD = 1.5
"""After how many seconds each process's figures are in what any of them tells."""
_RENDERS = "ostiary_render_seconds_count"


def run(folder: Path) -> list[Row]:
    """Send a hundred readers at once to one process, then to two that share a machine."""
    documents = Documents(folder / "docs")
    documents.bucket.mkdir(parents=True)
    copies = Copies(documents, [photos()[0].body])
    return [row for workers in (1, 2) for row in _sent(folder, documents, copies, workers)]


def rows(workers: int, load: Load, renders: int) -> list[Row]:
    """How often it was made, and how long the crowd waited."""
    what = "one process" if workers == 1 else f"{workers} processes"
    return [
        Row.judged(f"{what}: renders for {CROWD} requests", renders, "", load.requests, GOAL),
        Row(f"{what}: the last of them", f"{load.p99:.0f} ms", load.requests),
    ]


def _sent(folder: Path, documents: Documents, copies: Copies, workers: int) -> list[Row]:
    with ExitStack() as started:
        store = folder_store(documents.root)
        gateway = started.enter_context(ostiary(folder, store, workers=workers, more=QUIET))
        [name] = started.enter_context(copies.made(1))
        before = counted(_RENDERS, gateway.figures())
        targets = [gateway.link(name, f"w{WIDTH}-webp")] * CROWD
        load = drive(gateway.server, targets, _PATIENCE, CROWD)
        time.sleep(_TOLD)
        return rows(workers, load, counted(_RENDERS, gateway.figures()) - before)
