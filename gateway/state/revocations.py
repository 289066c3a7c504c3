"""Revocations: monotone counters whose sum is the generation that a link must not be behind.

A viewer has a counter as well, of another meaning: while it is odd, the viewer gets no new links.
So has a key: with one, nothing that it signed is good, and that is never taken back.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable

from gateway.documents import DocumentRef, Zone
from gateway.errors import ViewerRefused
from gateway.state import feed
from gateway.state.database import Database
from gateway.state.guards import Guard

_KEY = "k:"
_KID = re.compile(r"k:[a-z0-9]{1,8}")


def zone_scope(zone: str) -> str:
    return f"z:{zone}"


def bucket_scope(zone: str, bucket: str) -> str:
    return f"b:{zone}/{bucket}"


def prefix_scope(zone: str, prefix: str) -> str:
    """`prefix` as it is declared: "bucket/prefix/"."""
    return f"p:{zone}/{prefix}"


def document_scope(document: DocumentRef) -> str:
    return f"d:{document.zone}/{document.bucket}/{document.key}"


def viewer_scope(subject: str) -> str:
    """`subject` is the `sub` of a viewer's token."""
    return f"v:{subject}"


def is_viewer(scope: str) -> bool:
    return scope.startswith("v:") and scope != "v:"


def key_scope(kid: str) -> str:
    """`kid` is the name of a signing key."""
    return f"{_KEY}{kid}"


def is_key(scope: str) -> bool:
    return _KID.fullmatch(scope) is not None


def revoke(connection: sqlite3.Connection, scope: str, at: float) -> None:
    """Take back what a scope covers, in the caller's transaction.

    A viewer who is refused already stays refused, a revoked key revoked; anything else is bumped
    each time.
    """
    counter = _counter(connection, scope)
    if (is_viewer(scope) and _refuses(counter)) or (is_key(scope) and counter):
        return
    bump(connection, scope, at)


def reinstate(connection: sqlite3.Connection, scope: str, at: float) -> None:
    """Let a viewer have links again, in the caller's transaction; who may, still may."""
    if _refuses(_counter(connection, scope)):
        bump(connection, scope, at)


def bump(connection: sqlite3.Connection, scope: str, at: float) -> int:
    """Revoke every link of a scope, in the caller's transaction; the scope's new counter."""
    return _raise_to(connection, scope, _counter(connection, scope) + 1, at)


def declare(
    connection: sqlite3.Connection, zones: Iterable[Zone], at: float, *, only_add: bool = False
) -> list[str]:
    """Make the declared prefixes of `zones` those of their configuration.

    Returns the scopes of the zones whose links that has killed: their copies have to go too.
    With `only_add` none goes: one command with another configuration must kill no links.

    A prefix that goes takes its counter out of its documents' sums: the zone's counter makes up
    for it first. Zones that are not named keep theirs. Doing it again changes nothing, so any
    number of processes may start at once.
    """
    killed: list[str] = []
    for zone in zones:
        before, after = _declared(connection, zone.name), set(zone.revocable)
        if gone := [] if only_add else sorted(before - after):
            _make_up(connection, zone.name, gone, at)
            killed.append(zone_scope(zone.name))
        for prefix in gone:
            connection.execute(
                "DELETE FROM declared_prefix WHERE zone = ? AND prefix = ?", (zone.name, prefix)
            )
            feed.append(connection, "undeclared", prefix_scope(zone.name, prefix), at)
        for prefix in sorted(after - before):
            connection.execute("INSERT INTO declared_prefix VALUES (?, ?)", (zone.name, prefix))
            feed.append(connection, "declared", prefix_scope(zone.name, prefix), at)
    return killed


def restored(connection: sqlite3.Connection, zones: Iterable[Zone], at: float) -> None:
    """Kill every link of `zones`: a restored backup does not know what was revoked after it."""
    for zone in zones:
        _make_up(connection, zone.name, [], at)


def _refuses(counter: int) -> bool:
    """Counters never fall, so that taking a viewer's refusal back counts up as well."""
    return counter % 2 == 1


def _make_up(connection: sqlite3.Connection, zone: str, gone: list[str], at: float) -> None:
    """links.md "Revoking": max(counter + all prefix counters removed + 1, Unix time)."""
    counter = _counter(connection, zone_scope(zone))
    removed = sum(_counter(connection, prefix_scope(zone, prefix)) for prefix in gone)
    _raise_to(connection, zone_scope(zone), max(counter + removed + 1, int(at)), at)


def _counter(connection: sqlite3.Connection, scope: str) -> int:
    row: tuple[int] | None = connection.execute(
        "SELECT counter FROM revocation WHERE scope = ?", (scope,)
    ).fetchone()
    return row[0] if row else 0


def _declared(connection: sqlite3.Connection, zone: str) -> set[str]:
    found = connection.execute("SELECT prefix FROM declared_prefix WHERE zone = ?", (zone,))
    return {prefix for (prefix,) in found}


def _raise_to(connection: sqlite3.Connection, scope: str, counter: int, at: float) -> int:
    connection.execute(
        "INSERT INTO revocation VALUES (?, ?, ?) ON CONFLICT (scope)"
        " DO UPDATE SET counter = excluded.counter, changed_at = excluded.changed_at",
        (scope, counter, at),
    )
    feed.append(connection, "revoked", scope, at, counter)
    return counter


class Revocations:
    """All counters in memory, kept equal to the database's by the feed.

    Which prefixes count is the database's business as well, not this process's configuration:
    otherwise two processes would differ about a sum while a new configuration is rolled out.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counters: dict[str, int] = {}
        self._changed: dict[str, float] = {}
        self._prefixes: dict[str, tuple[str, ...]] = {}
        self._guards: set[Guard] = set()
        self.keys: frozenset[str] = frozenset()
        """The keys of which nothing is good any more; `fresh` first, as for a generation."""
        self.follower = feed.Follower(database)
        self.follower.subscribe(self._apply)
        self._load()

    def generation(self, zone: Zone, bucket: str, key: str) -> int:
        """The sum of the counters of the zone, the bucket, the declared prefixes, the document."""
        if not self._counters:
            return 0
        name, count = zone.name, self._counters.get
        place = f"{name}/{bucket}/{key}"
        total = count(f"z:{name}", 0) + count(f"b:{name}/{bucket}", 0) + count(f"d:{place}", 0)
        for scope in self._prefixes.get(name, ()):
            if place.startswith(scope[2:]):
                total += count(scope, 0)
        return total

    def alone_at(self, zone: Zone, bucket: str, key: str, folder: str) -> float:
        """When a document was last revoked without all of its `folder` (Unix seconds), 0 for never.

        That is by itself, or by a declared prefix below the folder.
        """
        place, above = f"{zone.name}/{bucket}/{key}", f"{zone.name}/{bucket}/{folder}"
        scopes = [f"d:{place}"]
        for scope in self._prefixes.get(zone.name, ()):
            if place.startswith(scope[2:]) and not above.startswith(scope[2:]):
                scopes.append(scope)
        return max(self._changed.get(scope, 0.0) for scope in scopes)

    def check_viewer(self, viewer: str) -> None:
        """Raise `ViewerRefused` for one who was revoked before now; anybody on this host knows."""
        self.fresh()
        if self.refused(viewer):
            raise ViewerRefused

    def refused(self, subject: str) -> bool:
        """Whether a viewer gets no new links; `fresh` first, as for a generation."""
        return _refuses(self._counters.get(viewer_scope(subject), 0))

    def returns(self, subject: str) -> int:
        """How often a viewer was reinstated; `fresh` first, as for a generation.

        What was bound to them before the last time stays dead.
        """
        return self._counters.get(viewer_scope(subject), 0) // 2

    def fresh(self) -> None:
        """Know every revocation acknowledged on this host before now. Raises `StateUnavailable`."""
        self.follower.fresh()

    async def refresh(self) -> None:
        """Read the database again, for a link whose generation is above the known one."""
        await self.follower.refresh()

    def register(
        self,
        zone: Zone,
        bucket: str,
        key: str,
        generation: int,
        abort: Callable[[], None],
        *,
        viewer: str = "",
        kid: str = "",
    ) -> Guard:
        """Have `abort` called, once, as soon as `generation` is behind: now if it is already.

        So it is when the `viewer` that it is for is refused, or the key that signed for it.
        """
        guard = Guard(zone, bucket, key, generation, abort, self._guards, viewer, kid)
        self._guards.add(guard)
        self._judge(guard)
        return guard

    def _apply(self, row: feed.FeedRow) -> None:
        if row.kind == "revoked":
            self._count(row.scope, row.value, row.at)
        elif row.kind in ("declared", "undeclared"):
            self._redeclare(row.scope, row.kind == "declared")
        elif row.kind == "lost":
            self._load()
        else:
            return
        for guard in tuple(self._guards):
            self._judge(guard)

    def _count(self, scope: str, counter: int, at: float) -> None:
        self._counters[scope] = max(self._counters.get(scope, 0), counter)
        self._changed[scope] = max(self._changed.get(scope, 0.0), at)
        if is_key(scope):
            self.keys |= {scope.removeprefix(_KEY)}

    def _redeclare(self, scope: str, declared: bool) -> None:
        zone = scope[2:].partition("/")[0]
        others = (known for known in self._prefixes.get(zone, ()) if known != scope)
        self._prefixes[zone] = (*others, scope) if declared else tuple(others)

    def _load(self) -> None:
        counters, prefixes = self._database.read_now(_everything)
        for counter in counters:
            self._count(*counter)
        self._prefixes = {}
        for zone, prefix in prefixes:
            self._redeclare(prefix_scope(zone, prefix), declared=True)

    def _judge(self, guard: Guard) -> None:
        behind = self.generation(guard.zone, guard.bucket, guard.key) > guard.generation
        if behind or self.refused(guard.viewer) or guard.kid in self.keys:
            guard.end()


def _everything(
    connection: sqlite3.Connection,
) -> tuple[list[tuple[str, int, float]], list[tuple[str, str]]]:
    return (
        connection.execute("SELECT scope, counter, changed_at FROM revocation").fetchall(),
        connection.execute("SELECT zone, prefix FROM declared_prefix").fetchall(),
    )
