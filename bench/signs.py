"""createSignedUrls where the decisions are known: the storage routes' own cost of a signed URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import calls
from bench.load import Load, LoadFailed, Target, drive
from bench.ostiary import Ostiary
from bench.project import Project, before, call, keys, project, signed
from bench.table import Goal, Row

GOAL = Goal(20_000)
REAL = "100 in a call, Supabase's own, measured on the real server on 2026-11-22"
_REAL_RATE = "10,700 URLs/s"
_MANY = (100, 1_000)
_CONNECTIONS, _SECONDS, _MEETING = 8, 1, 4


@dataclass(frozen=True, slots=True)
class Case:
    """How many URLs one call asks for, of a gateway of how many workers."""

    count: int
    workers: int

    def __str__(self) -> str:
        return f"{self.count:,} in a call, {self.workers} worker{'s'[: self.workers - 1]}"


def run(folder: Path) -> list[Row]:
    """One user over eight connections: one URL at a time, a hundred, a thousand."""
    with project(folder) as upstream:
        upstream.keep(keys(max(_MANY)), b"x")
        found: dict[Case, Load] = {}
        with before(folder, upstream) as gateway:
            for count in (1, *_MANY):
                _known(gateway, upstream, count)
                found[Case(count, 1)] = _drive(folder, gateway, upstream, count)
        with before(folder, upstream, workers=2) as gateway:
            # Each worker has decisions and links of its own, and comes to know them all here.
            _drive(folder, gateway, upstream, max(_MANY), _MEETING)
            for count in _MANY:
                found[Case(count, 2)] = _drive(folder, gateway, upstream, count)
        return rows(found)


def rows(found: Mapping[Case, Load]) -> list[Row]:
    """URLs per second, held to the goal where a call asks for many; then what a call took."""
    return [Row(REAL, _REAL_RATE, 0), *(row for case in found for row in _told(case, found[case]))]


def _told(case: Case, load: Load) -> list[Row]:
    rate, n = load.rate * case.count, load.requests * case.count
    if case.count == 1:
        return [Row(str(case), str(load), n)]
    spent = f"{load.cpu / case.count:.1f} µs CPU a URL"
    took = f"p50 {load.p50:.1f} ms, p99 {load.p99:.1f} ms, {spent}"
    return [
        Row.judged(str(case), rate, " URLs/s", n, GOAL),
        Row(f"{case}: a call", took, load.requests),
    ]


def _known(gateway: Ostiary, upstream: Project, count: int) -> None:
    """Ask once, so that the decisions are there, and see that the URLs are the gateway's own."""
    urls = signed(gateway.server.base, count, _fields(upstream))
    if not all("?token=1." in url for url in urls):
        raise LoadFailed("a URL is not the gateway's own")


def _drive(
    folder: Path, gateway: Ostiary, upstream: Project, count: int, seconds: int = _SECONDS
) -> Load:
    target, body = call(count)
    script = calls.same(folder / f"{count}.lua", "POST", _fields(upstream), body)
    server = gateway.server
    return drive(Target(server, server.base + target, script), seconds, _CONNECTIONS)


def _fields(upstream: Project) -> dict[str, str]:
    return upstream.fields(upstream.bearer("reader"))
