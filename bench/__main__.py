"""`python -m bench [SECTION...]`: measure, and print a table for each section."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from bench import (
    asked,
    cold,
    front,
    hit,
    hostile,
    issuing,
    machine,
    passed,
    reads,
    signs,
    stalled,
    store,
    stream,
    verify,
)
from bench.load import LoadFailed
from bench.processes import NotStarted
from bench.table import Row, table

Section: TypeAlias = Callable[[Path], list[Row]]

SECTIONS: Mapping[str, tuple[str, Section]] = {
    "hit": ("A document of 30 KB from memory, one process", hit.run),
    "front": ("The same behind Varnish", front.run),
    "stream": ("200 MB streamed", stream.run),
    "stalled": ("200 readers that stand still in 200 MB", stalled.run),
    "store": ("A small object from S3", store.run),
    "cold": ("1,000 requests at once for one cold object", cold.run),
    "hostile": ("A document of 30 KB while hostile files are rendered", hostile.run),
    "verify": ("Verifying a link", verify.run),
    "issuing": ("Issuing links", issuing.run),
    "signs": ("Signed URLs of the storage routes, decisions known", signs.run),
    "asked": ("A hundred signed URLs in a call, upstream asked each time", asked.run),
    "reads": ("A document of 30 KB by the storage routes", reads.run),
    "passed": ("Passed on to Supabase", passed.run),
}


def main(names: list[str]) -> int:
    """Run the sections named, or all; 2 for a name that is none, 1 when one could not be run."""
    if unknown := [name for name in names if name not in SECTIONS]:
        print(f"unknown: {', '.join(unknown)}; sections: {', '.join(SECTIONS)}", file=sys.stderr)
        return 2
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine.described()}\n")
    began = time.monotonic()
    broken = [name for name in names or SECTIONS if not _section(name)]
    print(f"{time.monotonic() - began:.0f} s; load at the end: {machine.load()}")
    return 1 if broken else 0


def _section(name: str) -> bool:
    title, run = SECTIONS[name]
    print(f"### {title} (`{name}`)\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="ostiary-bench-") as folder:
        try:
            rows = run(Path(folder))
        except (NotStarted, LoadFailed, TimeoutError, OSError) as error:
            print(f"NOT MEASURED: {type(error).__name__}: {error}\n", flush=True)
            return False
    print(f"{table(rows)}\n", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
