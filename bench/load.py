"""Load by wrk: many requests over kept connections, and what they cost the server."""

from __future__ import annotations

import re
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Server

_TIMES = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 60e3}
_PERCENTILE = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m) *$", re.MULTILINE)
_TOTAL = re.compile(r"^\s+(\d+) requests in ([\d.]+)(ms|s|m),", re.MULTILINE)
_BAD = re.compile(r"^\s+Non-2xx or 3xx responses: (\d+)", re.MULTILINE)
_BROKEN = re.compile(
    r"^\s+Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", re.M
)


class LoadFailed(Exception):
    """Requests were refused or broken, so that their figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one server did: requests per second, latencies in ms, its CPU time in µs a request."""

    requests: int
    rate: float
    p50: float
    p99: float
    cpu: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.rate:,.0f} req/s, p50 {self.p50:.2f} ms, p99 {self.p99:.2f} ms,"
            f" {self.cpu:.0f} µs CPU"
        )


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for, and whose CPU time it costs."""

    server: Server
    url: str
    script: Path | None = None


def parse(told: str) -> Load:
    """Read wrk's report. Raises `LoadFailed` when an answer was not 2xx or 3xx."""
    total = _TOTAL.search(told)
    percentiles = {name: float(n) * _TIMES[unit] for name, n, unit in _PERCENTILE.findall(told)}
    bad, broken = _BAD.search(told), _BROKEN.search(told)
    if total is None or len(percentiles) < 2 or bad or (broken and any(map(int, broken.groups()))):
        raise LoadFailed((bad or broken or ["no report"])[0].strip())
    seconds, requests = float(total[2]) * _TIMES[total[3]] / 1e3, int(total[1])
    if not requests:
        raise LoadFailed("no request was answered in time")
    return Load(requests, requests / seconds, percentiles["50"], percentiles["99"])


def drive(target: Target, seconds: float, connections: int = 32) -> Load:
    """Ask for one thing as fast as it is answered, from one thread."""
    script = ["-s", str(target.script)] if target.script else []
    options = ["-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", *script]
    before = target.server.cpu()
    told = subprocess.run(
        ["wrk", *options, target.url], capture_output=True, text=True, check=True
    ).stdout
    used = target.server.cpu() - before
    load = parse(told)
    return Load(load.requests, load.rate, load.p50, load.p99, used / load.requests * 1e6)


def interleaved(
    targets: Mapping[str, Target], *, rounds: int = 3, seconds: int = 2, connections: int = 32
) -> dict[str, list[Load]]:
    """Drive all targets in turn, several times over, so that a noisy moment hits all of them."""
    for target in targets.values():
        drive(target, 1, connections)
    found: dict[str, list[Load]] = {name: [] for name in targets}
    for _ in range(rounds):
        for name, target in targets.items():
            found[name].append(drive(target, seconds, connections))
    return found


def middle(loads: Sequence[Load]) -> Load:
    """The median of each figure; the requests of all rounds."""
    return Load(
        sum(load.requests for load in loads),
        statistics.median(load.rate for load in loads),
        statistics.median(load.p50 for load in loads),
        statistics.median(load.p99 for load in loads),
        statistics.median(load.cpu for load in loads),
    )


def times(loads: Sequence[Load], others: Sequence[Load]) -> float:
    """How many times the others' rate, round by round; the median."""
    pairs = zip(loads, others, strict=True)
    return statistics.median(one.rate / other.rate for one, other in pairs)


def cheaper(loads: Sequence[Load], others: Sequence[Load]) -> float:
    """How many requests for the CPU time that the others take for one; the median."""
    pairs = zip(loads, others, strict=True)
    return statistics.median(other.cpu / one.cpu for one, other in pairs)


def slower(loads: Sequence[Load], others: Sequence[Load]) -> float:
    """How many times the others' median latency, round by round; the median."""
    pairs = zip(loads, others, strict=True)
    return statistics.median(one.p50 / other.p50 for one, other in pairs)
