"""Sections: what a bench is made of, carried out one after the other and printed as tables."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from bench import machine
from bench.load import LoadFailed
from bench.processes import NotStarted
from bench.table import Row, table

Section: TypeAlias = Callable[[Path], list[Row]]
Sections: TypeAlias = Mapping[str, tuple[str, Section]]


def carry_out(sections: Sections, names: Sequence[str], compared: Sequence[str] = ()) -> int:
    """Run the sections named, or all; 2 for a name that is none, 1 when one could not be run.

    `compared` says what else is measured than `machine` knows of, with versions.
    """
    if unknown := [name for name in names if name not in sections]:
        print(f"unknown: {', '.join(unknown)}; sections: {', '.join(sections)}", file=sys.stderr)
        return 2
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    told = ", ".join([machine.described(), *compared])
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {told}\n")
    began = time.monotonic()
    broken = [name for name in names or sections if not _carried_out(name, *sections[name])]
    print(f"{time.monotonic() - began:.0f} s; load at the end: {machine.load()}")
    return 1 if broken else 0


def _carried_out(name: str, title: str, run: Section) -> bool:
    print(f"### {title} (`{name}`)\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="ostiary-bench-") as folder:
        try:
            rows = run(Path(folder))
        except (NotStarted, LoadFailed, TimeoutError, OSError) as error:
            print(f"NOT MEASURED: {type(error).__name__}: {error}\n", flush=True)
            return False
    print(f"{table(rows)}\n", flush=True)
    return True
