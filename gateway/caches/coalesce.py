"""One load per key: among the tasks of a process, and among the processes of a machine."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import zlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable
from pathlib import Path
from typing import Generic, TypeVar

from gateway.errors import Overloaded

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_NONE = -1


class Coalescer(Generic[K, V]):
    """Lets tasks that want the same key at the same time share one load.

    The load is a task of its own: no caller that leaves, not even the first, stops it for the
    others, and with all of them gone it still ends. Nothing is kept once it has ended.
    """

    def __init__(self) -> None:
        self._loads: dict[K, asyncio.Task[V]] = {}

    def __len__(self) -> int:
        """How many loads are under way."""
        return len(self._loads)

    def __contains__(self, key: K) -> bool:
        """Whether a load of `key` is under way: the next caller's is collapsed (RFC 9211 2.4)."""
        return key in self._loads

    async def load(self, key: K, loader: Callable[[], Coroutine[None, None, V]]) -> V:
        """The value of `loader()`, or of the same key's load that is already under way.

        Raises what the loader raised, for every waiter; `Overloaded` when the load was stopped.
        """
        task = self._loads.get(key)
        if task is None:
            task = self._loads[key] = asyncio.create_task(loader())
            task.add_done_callback(lambda done: self._forget(key, done))
        # Not `shield`: with the caller gone, it reports the load's error to the loop's handler.
        await asyncio.wait([task])
        if task.cancelled():
            raise Overloaded("load")
        return task.result()

    async def aclose(self) -> None:
        """Stop every load; its waiters get `Overloaded`."""
        tasks = list(self._loads.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, key: K, task: asyncio.Task[V]) -> None:
        del self._loads[key]
        if not task.cancelled():
            task.exception()  # seen, though every waiter may have gone


class Stripes:
    """Locks that worker processes share: `count` files, each locked by flock(2).

    A key belongs to one stripe, and so may others, which then wait for what is none of theirs:
    hold one at a time, and have many. The kernel lets go of a dead process's locks. They save work
    and guard nothing: where a file cannot be opened, the holder goes on without.
    """

    def __init__(self, folder: Path, count: int = 4_096) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._paths = [folder / f"{number:04}.lock" for number in range(count)]

    @contextlib.asynccontextmanager
    async def hold(self, key: str, patience: float = 20.0) -> AsyncGenerator[bool]:
        """Hold the key's stripe; yields whether it is really held.

        Raises `Overloaded` when another has held it for `patience` seconds.
        """
        path = self._paths[zlib.crc32(key.encode()) % len(self._paths)]
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            lock = _NONE
        try:
            yield lock != _NONE and await _acquire(lock, patience)
        finally:
            if lock != _NONE:
                os.close(lock)


async def _acquire(lock: int, patience: float) -> bool:
    """Poll, since a waiting flock(2) would take a thread for each waiter."""
    pause = 0.005
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while not _locked(lock):
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 0.05)
            return True
    raise Overloaded("stripe")


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
