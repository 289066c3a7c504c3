"""Python peers under uvicorn with uvloop and httptools, one process, without an access log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.documents import Documents
from bench.peers.plain import FOLDER
from bench.processes import Server, free_port, serving


@contextmanager
def bare(folder: Path) -> Iterator[Server]:
    """uvicorn with an application that does nothing."""
    with _uvicorn("bench.peers.bare:app", folder / "bare.log", {}) as server:
        yield server


@contextmanager
def plain(folder: Path, documents: Documents) -> Iterator[Server]:
    """Starlette and itsdangerous over the documents."""
    environ = {FOLDER: str(documents.bucket)}
    with _uvicorn("bench.peers.plain:app", folder / "plain.log", environ) as server:
        yield server


@contextmanager
def _uvicorn(app: str, log: Path, environ: dict[str, str]) -> Iterator[Server]:
    port = free_port()
    options = ["--port", str(port), "--no-access-log", "--loop", "uvloop", "--http", "httptools"]
    with serving(
        [sys.executable, "-m", "uvicorn", app, *options], port, log, environ=environ
    ) as up:
        yield up
