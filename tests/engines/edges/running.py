"""Edges that run: started before an origin, asked as viewers ask, ended by their own pid."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.edges import Backend
from tests.engines.edges.origins import Origin, Seen
from tests.engines.edges.renderings import facts_without, purged, shielded, texts
from tests.engines.edges.servers import COMMANDS, absent
from tests.engines.edges.wire import Reply, exchange, free_port, listens

SECRET = "purge-secret-of-the-edges"


@dataclass(frozen=True)
class Edge:
    """A running edge, and what the origin behind it has seen; `purges` is the port for those."""

    kind: str
    port: int
    origin: Origin
    folder: Path
    purges: int

    def get(self, target: str, method: str = "GET", **fields: str) -> Reply:
        return exchange(self.port, target, method, **fields)

    def fetched(self, target: str, method: str = "GET", **fields: str) -> tuple[Reply, list[Seen]]:
        """The answer, and what the origin was asked for it."""
        before = len(self.origin.seen)
        reply = self.get(target, method, **fields)
        return reply, self.origin.seen[before:]


class Starter:
    """Starts edges: `start_edge("nginx", origin, "clinic", spoil=…)`, its files spoilt before."""

    def __init__(self, new_folder: Callable[[str], Path]) -> None:
        self._new_folder = new_folder
        self._running: list[subprocess.Popen[bytes]] = []

    def __call__(
        self,
        kind: str,
        origin: Origin,
        zone: str = "clinic",
        spoil: Callable[[dict[str, str]], dict[str, str]] = lambda files: files,
        drop: tuple[str, ...] = (),
        options: tuple[str, ...] = (),
        shield: str = "",
    ) -> Edge:
        if packages := absent(kind):
            pytest.skip(f"NOT TESTED: {kind} is absent (apt install {packages})")
        port = free_port()
        purges = free_port() if kind == "nginx" else port
        edge = Edge(kind, port, origin, self._new_folder(kind), purges)
        files = spoil(texts(kind, facts_without(zone, drop), Backend("127.0.0.1", origin.port)))
        if kind == "nginx":
            files["nginx"] = purged(shielded(files["nginx"], shield), SECRET, purges)
        command = [*map(str, COMMANDS[kind](edge.folder, files, edge.port)), *options]
        self._run(edge, command, shield)
        return edge

    def _run(self, edge: Edge, command: list[str], shield: str) -> None:
        path = "/usr/sbin:/usr/bin:/bin"
        told = {"PATH": path, "OSTIARY_PURGE_SECRET": SECRET, "OSTIARY_SHIELD": shield}
        log = edge.folder / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(command, env=told, stdout=file, stderr=file)
        self._running.append(process)
        deadline = time.monotonic() + 30
        while not listens(edge.port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"{edge.kind} does not listen"
            time.sleep(0.02)

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(timeout=30)
