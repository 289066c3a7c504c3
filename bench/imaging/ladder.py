"""A whole ladder of one photograph, as a page with srcset asks for it, beside as many decodes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.documents import Documents
from bench.imaging.copies import Copies
from bench.imaging.pictures import photos
from bench.imaging.readers import drive
from bench.imaging.speed import FORMATS, QUIET
from bench.load import Load, middle
from bench.ostiary import Ostiary, folder_store, ostiary
from bench.table import Row

WIDTHS = (320, 480, 640, 960, 1280, 1920)
NAMES = tuple(f"w{width}-{format}" for width in WIDTHS for format in FORMATS)
TOGETHER = "of one document, side by side"
APART = "each of a document of its own"
_ROUNDS, _PATIENCE, _READERS = 2, 120.0, 6
"""As many readers as a browser has connections."""


def run(folder: Path) -> list[Row]:
    """Ask for the ladder of one document, then for the same renditions of eighteen, twice over."""
    documents = Documents(folder / "docs")
    documents.bucket.mkdir(parents=True)
    copies = Copies(documents, [photos()[0].body])
    found: dict[str, list[Load]] = {TOGETHER: [], APART: []}
    with ExitStack() as started:
        gateway = started.enter_context(ostiary(folder, folder_store(documents.root), more=QUIET))
        for _ in range(_ROUNDS):
            with copies.made(1 + len(NAMES)) as (one, *others):
                found[TOGETHER].append(_asked(gateway, [one] * len(NAMES)))
                found[APART].append(_asked(gateway, others))
    return rows(found[TOGETHER], found[APART])


def rows(together: Sequence[Load], apart: Sequence[Load]) -> list[Row]:
    """CPU seconds of both, and the first to the second."""
    ratio = min(spent(load) for load in together) / min(spent(load) for load in apart)
    return [
        *(
            Row(what, f"{min(map(spent, loads)):.2f} s CPU", middle(loads).requests)
            for what, loads in ((TOGETHER, together), (APART, apart))
        ),
        Row("the first to the second", f"{ratio:.2f}x", len(NAMES)),
    ]


def spent(load: Load) -> float:
    """CPU seconds of a whole round."""
    return load.cpu * load.requests / 1e6


def _asked(gateway: Ostiary, documents: Sequence[str]) -> Load:
    targets = [gateway.link(one, name) for one, name in zip(documents, NAMES, strict=True)]
    return drive(gateway.server, targets, _PATIENCE, _READERS)
