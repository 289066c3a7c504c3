"""Readers who ask for one thing after the other, each for what nobody has asked for before."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import repeat

from bench.load import Load, LoadFailed
from bench.processes import Server

READERS = 4
_PATIENCE = 60


def drive(server: Server, targets: Sequence[str], seconds: float, readers: int = READERS) -> Load:
    """Ask for the targets in turn, as fast as they are answered, for so long or to their end.

    Every request has a connection of its own, so that a server of several processes has its work
    spread evenly. What is under way at the end is waited for, and counts.
    """
    rest, lock = iter(targets), threading.Lock()
    before, until = server.cpu(), time.monotonic() + seconds

    def read() -> list[float]:
        return list(_answers(server.port, _until(until, rest, lock)))

    with ThreadPoolExecutor(readers) as pool:
        done = [made.result() for made in [pool.submit(read) for _ in range(readers)]]
    return load(done, server.cpu() - before)


def load(done: Sequence[Sequence[float]], cpu: float) -> Load:
    """What readers' times (seconds an answer) and the server's CPU seconds come to.

    The rate is the sum of each reader's own, for they do not end at the same moment.
    """
    times = [took for one in done for took in one]
    if len(times) < 2:
        raise LoadFailed("too few requests were answered")
    rate = sum(len(one) / sum(one) for one in done if one)
    late = statistics.quantiles(times, n=100)[-1]
    p50 = statistics.median(times)
    return Load(len(times), rate, p50 * 1e3, late * 1e3, cpu / len(times) * 1e6)


def got(server: Server, target: str, accept: str = "*/*") -> tuple[bytes, dict[str, str]]:
    """One answer's body and its fields, names in lower case. Raises `LoadFailed`."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=_PATIENCE)
    try:
        connection.request("GET", target, headers={"accept": accept, "connection": "close"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200 or not body:
            raise LoadFailed(f"status {answer.status} of {len(body)} octets")
        return body, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def _until(moment: float, rest: Iterator[str], lock: threading.Lock) -> Iterator[str]:
    """What is left, one each, until a moment. An iterator that several threads share."""
    for _ in repeat(None):
        with lock:
            target = next(rest, None)
        if target is None or time.monotonic() > moment:
            return
        yield target


def _answers(port: int, targets: Iterator[str]) -> Iterator[float]:
    server = Server(0, port)
    for target in targets:
        began = time.perf_counter()
        got(server, target)
        yield time.perf_counter() - began
