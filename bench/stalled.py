"""Readers that take nothing of what they asked for: the memory and the descriptors they hold."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.documents import LARGE, Documents
from bench.ostiary import Ostiary, folder_store, ostiary, s3_store
from bench.peers.nginx import nginx
from bench.processes import wait_until
from bench.table import Goal, Row

READERS = 200
LOCAL, REMOTE = "from a folder", "from S3"
GOALS = {LOCAL: Goal(200, most=True), REMOTE: Goal(350, most=True)}
BACK = Goal(2, most=True)
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Held:
    """What one gateway held: MB before and with the readers, and how they were answered.

    `back` is how many seconds after the last reader left its descriptors were as before.
    """

    before: float
    during: float
    served: int
    back: float


def run(folder: Path) -> list[Row]:
    """Let 200 readers stand still before a gateway over a folder, then before one over S3."""
    documents = Documents(folder / "docs")
    documents.large()
    with ExitStack() as started:
        source = started.enter_context(nginx(folder, documents))
        local = started.enter_context(ostiary(folder, folder_store(documents.root)))
        remote = started.enter_context(ostiary(folder, s3_store(source.port)))
        return [*rows(LOCAL, _hold(local, documents)), *rows(REMOTE, _hold(remote, documents))]


def rows(where: str, held: Held) -> list[Row]:
    """Memory of all the gateway's processes, readers that were served, time to let go."""
    return [
        Row(f"{where}: memory before", f"{held.before:.0f} MB", 1),
        Row.judged(f"{where}: memory with them", held.during, " MB", READERS, GOALS[where]),
        Row.judged(f"{where}: readers served", held.served, "", READERS, Goal(READERS)),
        Row.judged(f"{where}: descriptors back", held.back, " s", READERS, BACK),
    ]


def _hold(gateway: Ostiary, documents: Documents) -> Held:
    server = gateway.server
    with _readers(gateway, 1) as [one]:
        _status(one)
    time.sleep(0.5)
    before, opened = server.memory(), server.descriptors(documents.root)
    with _readers(gateway, READERS) as readers:
        served = sum(_status(reader) == b"200" for reader in readers)
        time.sleep(1)
        during = server.memory()
    try:
        back = wait_until(lambda: server.descriptors(documents.root) <= opened, _PATIENCE)
    except TimeoutError:
        back = _PATIENCE
    return Held(before, during, served, back)


@contextmanager
def _readers(gateway: Ostiary, count: int) -> Iterator[list[socket.socket]]:
    """Connections that have asked for the large document and have little room for it."""
    request = f"GET {gateway.link(LARGE)} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
    with ExitStack() as opened:
        readers: list[socket.socket] = []
        for _ in range(count):
            reader = opened.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", gateway.server.port))
            reader.sendall(request)
            readers.append(reader)
        yield readers


def _status(reader: socket.socket) -> bytes:
    """The status of an answer, once its first octets are here."""
    ready, _, _ = select.select([reader], [], [], _PATIENCE)
    return reader.recv(12)[9:] if ready else b""
