"""Asking for purges and revocations: one transaction holds the change, its news and its jobs."""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from cdn.copies import copy_tag
from cdn.providers.base import Provider
from cdn.purge import PurgeState
from gateway.documents import Zone
from gateway.errors import RequestRefused
from gateway.purges.named import Address, PurgeRequest
from gateway.purges.plans import Plan, plan_of
from gateway.purges.scopes import UNKNOWN, tag_of, tags_of
from gateway.state import feed, listing, outbox, receipts, repeats, witness
from gateway.state.database import Database
from gateway.state.outbox import Target
from gateway.state.receipts import ORDINARY, URGENT, PurgeRow, PurgeStatus
from gateway.state.repeats import ANEW, Once
from gateway.state.revocations import (
    declare,
    document_scope,
    is_viewer,
    reinstate,
    revoke,
    viewer_scope,
    zone_scope,
)


class Purges:
    """Takes down purges and revocations, and tells how far they are."""

    def __init__(
        self, database: Database, providers: Mapping[str, Provider], zones: Mapping[str, Zone]
    ) -> None:
        self._database = database
        self._providers = providers
        self._zones = zones

    async def ask(
        self,
        request: PurgeRequest,
        *,
        soft: bool,
        by: str,
        reason: str,
        now: float,
        once: Once = ANEW,
    ) -> PurgeStatus:
        """Take down a purge, durable on return; every process drops what it remembers of it.

        What was asked `once` before is not asked again: the first purge is told. Raises
        `RequestRefused` (422) for what no zone has, or what was asked `once` for another purge,
        and `StateUnavailable`.
        """
        work = self._asking(request, soft, (by, reason), now)
        return await self._database.write(lambda c: _asked_once(c, work, by, once, now))

    async def ask_each(
        self, asked: Sequence[tuple[PurgeRequest, bool]], *, by: str, reason: str, now: float
    ) -> list[PurgeStatus]:
        """`ask` for some requests at once, each soft or not: all of them are taken down, or none.

        It is one transaction, so one wait for the disk.
        """
        works = [self._asking(request, soft, (by, reason), now) for request, soft in asked]
        return await self._database.write(lambda connection: [work(connection) for work in works])

    def ask_now(
        self, request: PurgeRequest, *, soft: bool, by: str, reason: str, now: float
    ) -> PurgeStatus:
        """`ask` for the CLI."""
        return self._database.write_now(self._asking(request, soft, (by, reason), now))

    async def plan(self, request: PurgeRequest, *, soft: bool) -> Plan:
        """What `ask` would have whom forget; nothing is written.

        Raises `RequestRefused` (422) as it does, and `StateUnavailable`.
        """
        targets = self._named(request, soft)
        return await self._database.read(lambda c: plan_of(c, targets, self._providers, soft))

    async def revoke(
        self, scopes: Sequence[str], *, by: str, now: float, once: Once = ANEW
    ) -> PurgeStatus:
        """Kill every link of `scopes` issued so far, and have shared caches drop its answers.

        A viewer's scope kills nothing: from now on the viewer gets no new links. On return every
        later request on this host knows. The purges are hard and go first. What was asked `once`
        before is not done again, so that links made since live on.
        Raises `RequestRefused` (422) for a scope that no zone has, and `StateUnavailable`.
        """
        work = self._revoking(scopes, "revoked", by, now)
        return await self._database.write(lambda c: _asked_once(c, work, by, once, now))

    def revoke_now(self, scopes: Sequence[str], *, by: str, now: float) -> PurgeStatus:
        """`revoke` for the CLI."""
        return self._database.write_now(self._revoking(scopes, "revoked", by, now))

    async def reinstate(self, viewers: Sequence[str], *, by: str, now: float) -> PurgeStatus:
        """Let revoked viewers, named by their subjects, have new links again.

        Raises `RequestRefused` (422) for nobody or an empty name, and `StateUnavailable`.
        """
        return await self._database.write(self._reinstating(viewers, by, now))

    def reinstate_now(self, viewers: Sequence[str], *, by: str, now: float) -> PurgeStatus:
        """`reinstate` for the CLI."""
        return self._database.write_now(self._reinstating(viewers, by, now))

    def declare_now(self, now: float, *, only_add: bool = False) -> None:
        """Declare the zones' revocable prefixes, before anything else is done.

        Where that kills a zone's links, its copies are purged in the same transaction.
        """
        self._database.write_now(lambda connection: self._declare(connection, now, only_add))

    def _declare(self, connection: sqlite3.Connection, now: float, only_add: bool) -> None:
        killed = declare(connection, self._zones.values(), now, only_add=only_add)
        if killed:
            self._forgotten(connection, killed, "undeclared", now)

    def withdraw(self, connection: sqlite3.Connection, zone: str, now: float) -> None:
        """Have caches forget all of a zone that they give away, in the caller's transaction."""
        self._forgotten(connection, [zone_scope(zone)], "given away", now)

    def _forgotten(
        self, connection: sqlite3.Connection, scopes: Sequence[str], reason: str, now: float
    ) -> None:
        asked = json.dumps({"scopes": scopes, "tags": []}, sort_keys=True)
        purge = PurgeRow(_name(), asked, False, reason, "gateway", now, URGENT)
        _enqueue(connection, purge, self._targets(scopes, soft=False))

    async def status(self, purge: str) -> PurgeStatus | None:
        """How far a purge is; None for an unknown one."""
        return await self._database.read(lambda connection: receipts.status(connection, purge))

    async def wait(self, purge: str, seconds: float) -> PurgeStatus | None:
        """`status` as soon as the first pass is done everywhere or failed, or after `seconds`."""
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + seconds, 0.005
        while True:
            status = await self.status(purge)
            left = deadline - loop.time()
            if status is None or status.state is not PurgeState.QUEUED or left <= 0:
                return status
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 1.5, 0.1)

    async def requeue(self, provider: str, *, now: float) -> int:
        """Try a provider's dead jobs again, say after its secret was set right; how many."""
        return await self._database.write(
            lambda connection: outbox.requeue(connection, provider, now)
        )

    async def retry(self, purge: str, *, now: float) -> int:
        """Try the dead jobs again that a purge waits for; how many."""
        return await self._database.write(lambda connection: outbox.retry(connection, purge, now))

    async def latest(self, *, failed: bool, limit: int, before: str = "") -> list[PurgeStatus]:
        """The latest purges, or those of them that failed; the ones before another, if one is
        named. Raises `StateUnavailable`."""
        return await self._database.read(
            lambda connection: listing.latest(connection, failed, limit, before)
        )

    async def depths(self) -> list[receipts.Depth]:
        """What waits at each provider, for metrics and `ostiary doctor`."""
        return await self._database.read(receipts.depths)

    async def last_asked(self, begins: str) -> float:
        """When anybody whose name begins so last asked, in Unix seconds; 0 if not of late."""
        return await self._database.read(lambda connection: receipts.last_asked(connection, begins))

    def _asking(
        self, request: PurgeRequest, soft: bool, origin: tuple[str, str], now: float
    ) -> Callable[[sqlite3.Connection], PurgeStatus]:
        by, reason = origin
        purge = PurgeRow(_name(), request.as_json(), soft, reason, by, now, ORDINARY)
        scopes, targets = request.scopes(), self._named(request, soft)

        def work(connection: sqlite3.Connection) -> PurgeStatus:
            for scope in scopes:
                feed.append(connection, "changed", scope, now)
            return _enqueue(connection, purge, targets)

        return work

    def _revoking(
        self, scopes: Sequence[str], reason: Literal["revoked", "reinstated"], by: str, now: float
    ) -> Callable[[sqlite3.Connection], PurgeStatus]:
        if not scopes:
            raise _refused("nothing-named", f"name what is to be {reason}")
        if any(scope.startswith("f:") for scope in scopes):
            raise _refused("unknown-scope", UNKNOWN)  # nobody reads a counter of theirs
        once = list(dict.fromkeys(scopes))
        asked = json.dumps({"scopes": once, "tags": []}, ensure_ascii=False, sort_keys=True)
        purge = PurgeRow(_name(), asked, False, reason, by, now, URGENT)
        targets = list(self._targets(once, soft=False))
        change = revoke if reason == "revoked" else reinstate

        def work(connection: sqlite3.Connection) -> PurgeStatus:
            deaths = witness.deaths(connection, once, now)
            for scope in once:
                change(connection, scope, now)
            if reason == "revoked":
                witness.write(connection, purge, deaths, self._touched(once))
            return _enqueue(connection, purge, targets)

        return work

    def _touched(self, scopes: Iterable[str]) -> list[Zone]:
        """The zones that lose links, each once."""
        named = [known for scope in scopes for known in tags_of(scope, self._zones)]
        return list({known.zone.name: known.zone for known in named}.values())

    def _reinstating(
        self, viewers: Sequence[str], by: str, now: float
    ) -> Callable[[sqlite3.Connection], PurgeStatus]:
        return self._revoking(list(map(viewer_scope, viewers)), "reinstated", by, now)

    def _targets(self, scopes: Iterable[str], soft: bool) -> Iterator[Target]:
        for scope in scopes:
            if is_viewer(scope):
                continue  # no copy is a viewer's own
            named = tags_of(scope, self._zones)
            if not named:
                raise _refused("unknown-scope", UNKNOWN)
            for zone, tag, within in named:
                for name in zone.cdn:
                    yield replace(self._target(name, tag, soft), within=within)

    def _named(self, request: PurgeRequest, soft: bool) -> list[Target]:
        scoped = self._targets(request.scopes(), soft)
        return [*scoped, *self._everywhere(request.tags, soft), *self._copies(request.urls)]

    def _copies(self, urls: Iterable[Address]) -> Iterator[Target]:
        """A cache without tags is told the URL itself as well, whatever the index knows of it."""
        for document, digest in urls:
            named = tag_of(document_scope(document), self._zones)
            for name in named.zone.cdn if named else ():
                if not self._providers[name].profile.tag_field and named:
                    yield Target(name, copy_tag(digest), False, named.within)

    def _everywhere(self, tags: Iterable[str], soft: bool) -> Iterator[Target]:
        for tag in tags:
            for name in self._providers:
                yield self._target(name, tag, soft)

    def _target(self, name: str, tag: str, soft: bool) -> Target:
        return Target(name, tag, soft and self._providers[name].soft)


def _asked_once(
    connection: sqlite3.Connection,
    work: Callable[[sqlite3.Connection], PurgeStatus],
    by: str,
    once: Once,
    now: float,
) -> PurgeStatus:
    """Do the work, unless it was done under the same key; both are written, or neither."""
    if once == ANEW:
        return work(connection)
    found = repeats.first(connection, by, once, now)
    if found is not None:
        purge, same = found
        status = receipts.status(connection, purge)
        if same and status is not None:
            return status
        raise _refused("idempotency.reused", "This Idempotency-Key was used for another purge.")
    status = work(connection)
    repeats.keep(connection, by, once, status.id, now)
    return status


def _enqueue(
    connection: sqlite3.Connection, purge: PurgeRow, targets: Iterable[Target]
) -> PurgeStatus:
    outbox.enqueue(connection, purge, targets)
    return receipts.status(connection, purge.id) or PurgeStatus(purge, ())


def _refused(code: str, detail: str) -> RequestRefused:
    return RequestRefused(422, code, detail)


def _name() -> str:
    return f"p-{secrets.token_hex(8)}"
