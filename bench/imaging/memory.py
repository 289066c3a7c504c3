"""Memory of a server while it is driven, looked at again and again."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.processes import Server

_PAUSE = 0.25


@dataclass(slots=True)
class Memory:
    """The most that each server's processes held together, in MB.

    `resident` counts in each process what they share; `own` shares that out among them (PSS).
    """

    resident: dict[str, float] = field(default_factory=dict)
    own: dict[str, float] = field(default_factory=dict)

    def look(self, servers: Mapping[str, Server]) -> None:
        """See what they hold now; a process that ends meanwhile is left out of that look."""
        for name, server in servers.items():
            try:
                resident, own = server.memory(), server.proportional()
            except (OSError, IndexError, ValueError):
                continue
            self.resident[name] = max(resident, self.resident.get(name, 0))
            self.own[name] = max(own, self.own.get(name, 0))


@contextmanager
def watching(servers: Mapping[str, Server]) -> Iterator[Memory]:
    """Look at the servers' memory four times a second, until the end of the block."""
    memory, over = Memory(), threading.Event()

    def watch() -> None:
        while not over.wait(_PAUSE):
            memory.look(servers)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield memory
    finally:
        over.set()
        watcher.join()
