"""createSignedUrls where every call has to be asked upstream: what comes on top of its time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bench import calls
from bench.load import Load, LoadFailed, Target, drive, middle, slower
from bench.processes import Server
from bench.project import Project, before, call, keys, project, signed
from bench.table import Goal, Row

STRAIGHT = "upstream, straight"
KNOWN = "ostiary, links in the ledger already"
NEW = "ostiary, links written into the ledger"
GOAL = Goal(1.2, most=True)
ONE = Goal(1, most=True)
PATHS = 100
# What the real server takes for a hundred paths, in ms.
THINK = 9.3
CONNECTIONS = (1, 8)
_ROUNDS, _SECONDS, _CALLERS, _COUNTED = 3, 1, 800, 20


@dataclass(frozen=True, slots=True)
class Visitors:
    """Makes Authorization values that nobody has seen, of one user or each of another."""

    project: Project
    _number: count[int] = field(default_factory=count)

    def again(self) -> str:
        return self.project.bearer("reader", next(self._number))

    def new(self) -> str:
        number = next(self._number)
        return self.project.bearer(f"reader-{number}", number)


@dataclass(frozen=True, slots=True)
class Way:
    """A server and who asks it, for the same hundred paths each time."""

    server: Server
    visitor: Callable[[], str]

    def drive(self, folder: Path, fields: Mapping[str, str], connections: int) -> Load:
        """Ask in the name of one caller after the other; raises `LoadFailed` when they run out."""
        callers = [self.visitor() for _ in range(_CALLERS)]
        target, body = call(PATHS)
        script = calls.in_turn(folder / "asked.lua", fields, body, callers)
        load = drive(Target(self.server, self.server.base + target, script), _SECONDS, connections)
        if load.requests + connections > _CALLERS:
            raise LoadFailed("a caller came twice")
        return load


def run(folder: Path) -> list[Row]:
    """Drive upstream, then the gateway before it in both cases, round by round."""
    with ExitStack() as started:
        upstream = started.enter_context(project(folder, THINK, recording=True))
        upstream.keep(keys(PATHS), b"x")
        gateway = started.enter_context(before(folder, upstream)).server
        visitors = Visitors(upstream)
        ways = {
            STRAIGHT: Way(upstream.server, visitors.again),
            KNOWN: Way(gateway, visitors.again),
            NEW: Way(gateway, visitors.new),
        }
        asked = _asked(upstream, ways[NEW]), _asked(upstream, ways[KNOWN])
        fields = upstream.fields("")
        found = {number: _interleaved(folder, ways, fields, number) for number in CONNECTIONS}
        return [*rows(found), _calls(max(asked))]


def rows(found: Mapping[int, Mapping[str, Sequence[Load]]]) -> list[Row]:
    """What a call took, by the connections; then the gateway's p50 to upstream's own."""
    return [row for connections in found for row in _compared(connections, found[connections])]


def _compared(connections: int, found: Mapping[str, Sequence[Load]]) -> list[Row]:
    over = f"over {connections} connection{'s' if connections > 1 else ''}"
    told = {name: middle(loads) for name, loads in found.items()}
    return [
        *(Row(f"{over}: {name}", str(load), load.requests) for name, load in told.items()),
        *(
            Row.judged(
                f"{over}: {name}, p50 to upstream's",
                slower(found[name], found[STRAIGHT]),
                "x",
                told[name].requests,
                GOAL,
            )
            for name in (KNOWN, NEW)
        ),
    ]


def _calls(asked: float) -> Row:
    return Row.judged("calls upstream for one call", asked, "", 2 * _COUNTED, ONE)


def _asked(upstream: Project, way: Way) -> float:
    """How many calls upstream one call makes."""
    upstream.forget()
    for _ in range(_COUNTED):
        signed(way.server.base, PATHS, upstream.fields(way.visitor()))
    return upstream.asked() / _COUNTED


def _interleaved(
    folder: Path, ways: Mapping[str, Way], fields: Mapping[str, str], connections: int
) -> dict[str, list[Load]]:
    found: dict[str, list[Load]] = {name: [] for name in ways}
    for _ in range(_ROUNDS):
        for name, way in ways.items():
            found[name].append(way.drive(folder, fields, connections))
    return found
