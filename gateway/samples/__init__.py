"""The demo's documents, made by code: nothing is downloaded, and nobody in them exists."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.samples.papers import discharge_letter, intake_form, report
from gateway.samples.photo import hills


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample document: where it lies, and what to call it in a list."""

    bucket: str
    key: str
    title: str


_MAKERS: tuple[tuple[Sample, Callable[[], bytes]], ...] = (
    (Sample("documents", "photos/hills.jpg", "A photograph, 12 megapixels"), hills),
    (Sample("documents", "reports/Befund März.pdf", "A report, two pages of text"), report),
    (Sample("scans", "discharge letter.pdf", "A letter, three scanned pages"), discharge_letter),
    (Sample("scans", "intake form.tif", "A form, three pages in black and white"), intake_form),
)


def write_samples(folder: Path) -> list[Sample]:
    """Writes each sample to `folder`/bucket/key unless a file is there, and lists them all.

    A file appears under its name only when it is whole, so an interrupted demo heals itself.
    """
    for sample, make in _MAKERS:
        path = folder / sample.bucket / sample.key
        if not path.exists():
            _write_whole(path, make)
    return [sample for sample, _ in _MAKERS]


def _write_whole(path: Path, make: Callable[[], bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(prefix=".", suffix=".partial", dir=path.parent)
    try:
        with open(handle, "wb") as file:
            file.write(make())
        # mkstemp's files are for their maker alone; a document is for whoever serves it.
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise
