"""Every provider, driven by the worker over real connections against the stub CDN."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from cdn.copies import digest_of
from cdn.facts import FACTS
from cdn.providers import Provider, Tools, build
from cdn.purge import PurgeState
from gateway.documents import DocumentRef, Zone
from gateway.purges import Pacing, PurgeRequest, Purges, PurgeTraces, PurgeWorker
from gateway.purges.distributions import distribution
from gateway.state import copies
from gateway.state.database import Database
from tests.stub_cdn import KINDS, Faults, StubCdn, serving, setup_for
from tests.stub_cdn.contracts import hastened

CLINIC = Zone("clinic", "main", ("documents",), cdn=("edge",))
ZONES = {"clinic": CLINIC}
SOONER = 500
BRISK = Pacing(
    second_pass=0.2,
    settling=1 / SOONER,
    shortest_pause=0.01,
    longest_pause=0.05,
    call=0.5,
    lease=2.0,
    poll=0.05,
    tick=0.005,
    lead=0.01,
)
KNOWN = sorted(KINDS)
STORM = ("429", "500", "cut", "503", "lost", "hang", "")


class Works:
    """A provider, the stub that it purges, and the purges of one zone."""

    def __init__(self, database: Database, stub: StubCdn, provider: Provider) -> None:
        providers = {"edge": provider}
        self.stub, self.provider = stub, provider
        self.purges = Purges(database, providers, ZONES)
        self.database = database
        self.worker = PurgeWorker(database, providers, BRISK)

    def ask(self, *keys: str, soft: bool = False) -> str:
        documents = tuple(DocumentRef("clinic", "documents", key) for key in keys)
        for document in documents:
            self.note(document)
        request = PurgeRequest(documents)
        return self.purges.ask_now(request, soft=soft, by="", reason="", now=time.time()).id

    def note(self, document: DocumentRef) -> None:
        """An answer of the document was sent, and nginx may hold it."""
        digests = [digest_of(document.key.encode())]
        until = time.time() + 600
        self.database.write_now(lambda c: copies.note(c, [document.id], digests, until, 1_000))

    async def until(self, purge: str, *states: PurgeState) -> None:
        async with asyncio.timeout(60):
            while True:
                status = await self.purges.status(purge)
                assert status is not None
                if status.state in states:
                    return
                assert status.state is not PurgeState.FAILED, status
                await asyncio.sleep(0.01)


def worked(
    database: Database, stub: StubCdn, work: Callable[[Works], Awaitable[Any]], **changed: str
) -> Any:
    """Do `work` while the worker runs."""

    async def all_of_it() -> Any:
        async with serving(stub) as url, httpx.AsyncClient(timeout=10) as client:
            tools = Tools(client, time.time, PurgeTraces(database, ZONES), distribution)
            setup = replace(setup_for(stub.kind, url), **changed)
            works = Works(database, stub, build(stub.kind, setup, tools))
            async with asyncio.TaskGroup() as group:
                worker = group.create_task(works.worker.run())
                try:
                    return await work(works)
                finally:
                    worker.cancel()

    return asyncio.run(all_of_it())


def names_of(kind: str, *keys: str) -> set[str]:
    """What the stub's cache knows documents by."""
    if kind == "supabase":
        return {
            name for key in keys for name in (f"documents/{key}", f"documents/{key}?transforms")
        }
    if kind == "nginx":
        return {digest_of(key.encode()).hex() for key in keys}
    return {DocumentRef("clinic", "documents", key).id for key in keys}


@pytest.mark.parametrize("kind", KNOWN)
def test_a_purge_is_confirmed_when_no_reader_can_get_it_any_more(
    kind: str, database: Database
) -> None:
    stub = StubCdn(kind, contract=hastened(kind, SOONER))

    async def work(works: Works) -> None:
        for name in names_of(kind, "a", "b", "c"):
            stub.keep(name, name)
        await works.until(works.ask("a", "b"), PurgeState.CONFIRMED)
        assert {stub.serves(name) for name in names_of(kind, "a", "b")} == {"miss"}
        assert {stub.serves(name) for name in names_of(kind, "c")} == {"hit"}

    worked(database, stub, work)
    assert not stub.refused


@pytest.mark.parametrize("kind", KNOWN)
def test_a_soft_purge_is_soft_where_the_cdn_can_and_hard_elsewhere(
    kind: str, database: Database
) -> None:
    stub = StubCdn(kind, contract=hastened(kind, SOONER))
    worked(
        database, stub, lambda works: works.until(works.ask("a", soft=True), PurgeState.CONFIRMED)
    )
    assert {order.soft for order in stub.taken} == {"soft" in FACTS[kind].abilities}


@pytest.mark.parametrize("kind", KNOWN)
def test_through_a_storm_nothing_is_lost_and_no_limit_exceeded(
    kind: str, database: Database
) -> None:
    stub = StubCdn(kind, Faults(STORM * 2), contract=hastened(kind, SOONER))
    keys = [f"{n}" for n in range(3)]

    async def work(works: Works) -> None:
        for key in keys:
            works.ask(key)
        await works.until(works.ask(*keys), PurgeState.CONFIRMED)

    worked(database, stub, work)
    assert {name for order in stub.taken for name in order.names} >= names_of(kind, *keys)
    assert stub.throttled == 0
    assert not stub.refused


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"google"}))
def test_a_purge_that_the_cdn_denies_is_dead_and_says_why(kind: str, database: Database) -> None:
    stub = StubCdn(kind, contract=hastened(kind, SOONER))

    async def work(works: Works) -> str:
        purge = works.ask("a")
        await works.until(purge, PurgeState.FAILED)
        status = await works.purges.status(purge)
        assert status is not None
        return status.providers[0].error

    error = worked(database, stub, work, secret="a-wrong-one")
    assert "edge" in error
    assert "a-wrong-one" not in error
    assert not stub.taken


def test_a_call_whose_maker_was_killed_before_its_end_is_none() -> None:
    stub = StubCdn("fastly")
    scope = {"type": "http", "method": "POST", "headers": [], "query_string": b""}
    came = iter(
        [
            {"type": "http.request", "body": b'{"surrogate_k', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )

    async def receive() -> Any:
        return next(came)

    async def send(message: Any) -> None:
        raise AssertionError(message)

    asyncio.run(stub({**scope, "raw_path": b"/service/thing-1/purge"}, receive, send))
    assert (stub.calls, stub.refused) == (0, {})
