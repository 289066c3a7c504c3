"""Reading a log with several processes: its portions go out, and come back in their order."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from threading import Thread
from typing import Final, TypeAlias

from gateway.simulation.logs import Reader, Tally
from gateway.simulation.portions import Portion
from gateway.simulation.visits import Visits

Part: TypeAlias = tuple[Tally, Visits]

# A log of fewer portions is read in less time than other processes take to start.
_FEW: Final = 4
# Portions under way for each process: enough to read while 50,000 visits are simulated.
_AHEAD: Final = 16


def read(reader: Reader, portions: Iterator[Portion], processes: int) -> Iterator[Part]:
    """What each portion tells, in their order; the same however many processes there are.

    Raises `concurrent.futures.process.BrokenProcessPool` when one of them is killed.
    """
    first = list(islice(portions, _FEW))
    if processes < 2 or len(first) < _FEW:
        yield from map(reader.read, chain(first, portions))
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, _begin) as pool:
        yield from _in_order(pool, reader, chain(first, portions), processes * _AHEAD)


def _in_order(
    pool: ProcessPoolExecutor, reader: Reader, portions: Iterable[Portion], ahead: int
) -> Iterator[Part]:
    waiting: deque[Future[Part]] = deque()
    try:
        for portion in portions:
            waiting.append(pool.submit(reader.read, portion))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _begin() -> None:
    """Leave interruptions to the process that started this one; visits make no cycles."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Nothing else tells a process that waits for work that nobody is left to send any."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
