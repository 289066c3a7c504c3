"""Nothing is confirmed before the CDN says so, or its time is over."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import httpx
import pytest

from cdn.errors import PurgeLost, PurgeRefused
from cdn.facts import FACTS, Settling
from cdn.providers import Tools, build
from cdn.providers.null import Null
from cdn.purge import PurgeState
from gateway.documents import Zone
from gateway.errors import StateUnavailable
from gateway.purges import Pacing, PurgeRequest, Purges, PurgeTraces, PurgeWorker
from gateway.purges.distributions import distribution
from gateway.purges.settler import Settler
from gateway.state.database import Database
from tests.stub_cdn import StubCdn, serving, setup_for
from tests.stub_cdn.contracts import hastened

CLINIC = Zone("clinic", "main", ("documents",), cdn=("edge",))
BRISK = Pacing(second_pass=0.0, call=0.2, poll=0.01, tick=0.005, lead=0.01)
Said = bool | BaseException | float


class Edge(Null):
    """A CDN that is asked, and says what it is told to say: at the end that it is done."""

    settling = Settling(1.0, asked=True)

    def __init__(self, *says: Said) -> None:
        super().__init__("edge")
        self.says = list(says)
        self.asked_about = list[str]()

    async def settled(self, reference: str) -> bool:
        self.asked_about.append(reference)
        said = self.says.pop(0) if self.says else True
        if isinstance(said, BaseException):
            raise said
        if isinstance(said, bool):
            return said
        await asyncio.sleep(said)
        return True


class Works:
    """A worker with a clock that is set by hand."""

    def __init__(self, database: Database, edge: Edge, pacing: Pacing = BRISK) -> None:
        self.now = 1_000.0
        self.edge = edge
        self.purges = Purges(database, {"edge": edge}, {"clinic": CLINIC})
        self.worker = PurgeWorker(database, {"edge": edge}, pacing, clock=lambda: self.now)
        request = PurgeRequest(tags=("d-1",))
        asked = self.purges.ask_now(request, soft=True, by="", reason="", now=self.now)
        self.purge = asked.id

    def after(self, seconds: float) -> tuple[str, str]:
        """How far the purge is so much later, and what is wrong."""
        self.now += seconds
        asyncio.run(self.worker.drain())
        status = asyncio.run(self.purges.status(self.purge))
        assert status is not None
        return status.state.value, status.providers[0].error


def test_it_is_asked_until_it_says_so_for_each_pass(database: Database) -> None:
    works = Works(database, Edge(False, False, True, False))
    assert works.after(0)[0] == "sent"
    assert works.edge.asked_about == []
    for _ in range(3):
        assert works.after(1)[0] == "sent"
    assert works.edge.asked_about == ["1", "1", "1"]
    assert works.after(0)[0] == "sent"
    assert len(works.edge.asked) == 2
    assert works.after(1)[0] == "sent"
    assert works.after(1)[0] == "confirmed"
    assert works.edge.asked_about[3:] == ["2", "2"]


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (PurgeRefused("not allowed to look", dead=True), "not allowed to look"),
        (PurgeRefused("slower", retry_after=3_600.0), "slower"),
        (ConnectionResetError("with a secret"), "edge can not be asked: ConnectionResetError"),
        (30.0, "edge can not be asked: TimeoutError"),
        (asyncio.CancelledError(), "edge can not be asked: cancelled"),
    ],
)
def test_trouble_confirms_nothing_and_loses_nothing(
    trouble: Said, told: str, database: Database
) -> None:
    works = Works(database, Edge(trouble))
    works.after(0)
    assert works.after(1) == ("sent", told)
    assert works.after(60) == ("sent", "")
    works.after(0)
    assert works.after(1)[0] == "confirmed"


def test_what_the_cdn_lost_is_purged_again(database: Database) -> None:
    works = Works(database, Edge(PurgeLost("gone")))
    works.after(0)
    assert works.after(1) == ("queued", "gone")
    works.after(1)
    assert len(works.edge.asked) == 2
    assert works.after(1)[0] == "sent"


def test_a_day_without_an_answer_is_a_failure(database: Database) -> None:
    works = Works(database, Edge(*[PurgeRefused("not allowed to look", dead=True)] * 9))
    works.after(0)
    assert works.after(86_000)[0] == "sent"
    assert works.after(1_000) == ("failed", "not allowed to look")


def test_a_cdn_that_takes_longer_than_usual_says_so(database: Database) -> None:
    class Slow(Edge):
        async def purge(self, tags: Any, *, soft: bool, key: str = "") -> Any:
            return replace(await super().purge(tags, soft=soft, key=key), seconds=50.0)

    works = Works(database, Slow())
    works.after(0)
    assert works.after(49) == ("sent", "")
    assert works.edge.asked_about == []
    works.after(1)
    assert works.edge.asked_about == ["1"]


def test_a_database_that_fails_ends_no_asking(database: Database) -> None:
    class Failing:
        def __init__(self) -> None:
            self.errors: list[Exception] = [StateUnavailable("full"), ValueError("a bug")]

        async def read(self, work: object) -> list[object]:
            if self.errors:
                raise self.errors.pop()
            over.set()
            return []

    async def asked() -> None:
        settler = Settler(Failing(), Edge(), BRISK, time.time)  # type: ignore[arg-type]
        task = asyncio.create_task(settler.run())
        async with asyncio.timeout(10):
            await over.wait()
        task.cancel()

    over = asyncio.Event()
    asyncio.run(asked())


@pytest.mark.parametrize("kind", sorted(k for k, facts in FACTS.items() if facts.settling.asked))
def test_a_vendor_who_can_be_asked_is_believed_and_not_the_clock(
    kind: str, database: Database
) -> None:
    """The CDN takes far longer than it is first asked after."""
    stub = StubCdn(kind, contract=replace(hastened(kind, 1), delay=0.4))
    zones = {"clinic": CLINIC}

    async def work() -> None:
        async with serving(stub) as url, httpx.AsyncClient(timeout=10) as client:
            tools = Tools(client, time.time, PurgeTraces(database, zones), distribution)
            providers = {"edge": build(kind, setup_for(kind, url), tools)}
            purges = Purges(database, providers, zones)
            pacing = replace(BRISK, settling=0.001, call=5.0)
            worker = asyncio.create_task(PurgeWorker(database, providers, pacing).run())
            stub.keep("/a", "z-1")
            request = PurgeRequest(tags=("z-1",))
            purge = purges.ask_now(request, soft=False, by="", reason="", now=time.time()).id
            async with asyncio.timeout(30):
                while True:
                    status = await purges.status(purge)
                    felt = all(at <= time.monotonic() for at, _ in stub._felt)
                    if status is not None and status.state is PurgeState.CONFIRMED:
                        break
                    await asyncio.sleep(0.01)
            assert felt, "both passes are carried out"
            assert stub.serves("/a") == "miss"
            worker.cancel()

    asyncio.run(work())
    assert (len(stub.taken), stub.asked >= 4) == (2, True)
    assert not stub.refused
