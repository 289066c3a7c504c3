from __future__ import annotations

import asyncio
import sqlite3
import subprocess
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from time import time

import pytest

from cdn.errors import PurgeRefused
from cdn.providers.base import Limits, PurgeReceipt
from cdn.providers.null import Null
from cdn.purge import PurgeState
from cdn.tags import folder_tag
from gateway.documents import DocumentRef, Zone
from gateway.errors import StateUnavailable
from gateway.purges import Pacing, PurgeRequest, Purges, PurgeWorker
from gateway.purges.lanes import most_of
from gateway.state import feed
from gateway.state.database import Database
from gateway.state.filelock import FileLock
from gateway.state.uses import Uses

CLINIC = Zone("clinic", "main", ("documents",), cdn=("edge",))
BRISK = Pacing(
    shortest_pause=0.001, longest_pause=0.004, call=0.2, poll=0.05, tick=0.005, lead=0.01
)


class Edge(Null):
    """A provider that first fails in the ways it is told to, then takes everything."""

    limits = Limits(batch=3, rate=10_000, burst=10_000)

    def __init__(self, *failures: BaseException | float) -> None:
        super().__init__("edge")
        self._failures = list(failures)
        self.calls = 0

    async def purge(self, tags: Sequence[str], *, soft: bool, key: str = "") -> PurgeReceipt:
        self.calls += 1
        if self._failures:
            failure = self._failures.pop(0)
            if isinstance(failure, BaseException):
                raise failure
            await asyncio.sleep(failure)
        return await super().purge(tags, soft=soft)

    @property
    def tags(self) -> list[str]:
        return [tag for purge in self.asked for tag in purge.tags]


@dataclass
class Works:
    """A worker, what it works on, and a clock that is set by hand."""

    database: Database
    edge: Edge
    now: float = 1_000.0
    pacing: Pacing = field(default=BRISK)

    def __post_init__(self) -> None:
        providers = {"edge": self.edge}
        self.purges = Purges(self.database, providers, {"clinic": CLINIC})
        self.worker = PurgeWorker(self.database, providers, self.pacing, clock=lambda: self.now)

    def ask(self, *tags: str) -> str:
        return self.purges.ask_now(
            PurgeRequest(tags=tags), soft=True, by="", reason="", now=self.now
        ).id

    async def state(self, purge: str) -> PurgeState:
        status = await self.purges.status(purge)
        assert status is not None
        return status.state

    async def until(self, purge: str, state: PurgeState) -> None:
        async with asyncio.timeout(20):
            while await self.state(purge) is not state:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def running(self, work: Coroutine[None, None, None]) -> None:
        """Do `work` while the worker runs."""
        task = asyncio.create_task(self.worker.run())
        try:
            await work
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def works(database: Database) -> Works:
    return Works(database, Edge())


def test_batches_keep_to_the_provider_s_limit(works: Works) -> None:
    works.ask(*(f"d-{number}" for number in range(8)))
    asyncio.run(works.worker.drain())
    assert [len(purge.tags) for purge in works.edge.asked] == [3, 3, 2]
    assert len(set(works.edge.tags)) == 8


def test_every_purge_goes_twice_with_the_longest_fetch_between(works: Works) -> None:
    purge = works.ask("d-1")
    asyncio.run(works.worker.drain())
    works.now += 19.9
    asyncio.run(works.worker.drain())
    assert works.edge.tags == ["d-1"]
    works.now += 0.1
    asyncio.run(works.worker.drain())
    assert works.edge.tags == ["d-1", "d-1"]
    assert asyncio.run(works.state(purge)) is PurgeState.CONFIRMED


def test_a_revocation_goes_before_the_edits_that_waited_longer(works: Works) -> None:
    works.ask(*(f"d-{number}" for number in range(6)))
    works.purges.revoke_now(["z:clinic"], by="", now=works.now)
    asyncio.run(works.worker.drain())
    first = works.edge.asked[0]
    assert (first.tags[0][:2], first.soft) == ("z-", False)


@pytest.mark.parametrize(
    "failure",
    [
        PurgeRefused("429", retry_after=0.002),
        PurgeRefused("503"),
        ConnectionResetError("cut"),
        KeyError("a mistake of the provider's"),
        asyncio.CancelledError(),
        TimeoutError(),
        5.0,
    ],
    ids=["429", "503", "cut", "mistake", "cancelled", "timeout", "too slow"],
)
def test_whatever_a_provider_does_nothing_is_lost(database: Database, failure: object) -> None:
    edge = Edge(failure, failure)  # type: ignore[arg-type]
    works = Works(database, edge)

    async def work() -> None:
        purge = works.ask("d-1", "d-2")
        async with asyncio.timeout(20):
            while await works.state(purge) is PurgeState.QUEUED:
                works.now += 0.01
                await asyncio.sleep(0.005)
        assert works.now < 1_000 + BRISK.lease, "given back only by the end of the lease"

    asyncio.run(works.running(work()))
    assert set(edge.tags) == {"d-1", "d-2"}
    assert edge.calls >= 3


def test_a_storm_of_refusals_loses_nothing(database: Database) -> None:
    storm: list[BaseException | float] = [
        PurgeRefused("429", retry_after=0.001) if number % 3 else OSError() for number in range(40)
    ]
    works = Works(database, Edge(*storm))

    async def work() -> None:
        purges = [works.ask(f"d-{number % 30}") for number in range(60)]
        async with asyncio.timeout(30):
            while {await works.state(purge) for purge in purges} != {PurgeState.CONFIRMED}:
                works.now += 5
                await asyncio.sleep(0.005)

    asyncio.run(works.running(work()))
    assert set(works.edge.tags) == {f"d-{number}" for number in range(30)}


def test_what_is_refused_for_good_is_dead_and_comes_again_when_requeued(
    database: Database,
) -> None:
    works = Works(database, Edge(PurgeRefused("403", dead=True, hint="the secret differs")))

    async def scenario() -> tuple[PurgeState, int, PurgeState]:
        purge = works.ask("d-1")
        await works.worker.drain()
        dead = await works.state(purge)
        count = await works.purges.requeue("edge", now=works.now)
        await works.worker.drain()
        return dead, count, await works.state(purge)

    assert asyncio.run(scenario()) == (PurgeState.FAILED, 1, PurgeState.SENT)


def test_the_worker_wakes_for_another_process_s_purge(works: Works, database: Database) -> None:
    other = Works(Database.open(database.path), Edge())
    works.pacing = replace(BRISK, poll=60.0)
    works.__post_init__()

    async def work() -> None:
        first = works.ask("d-1")
        await works.until(first, PurgeState.SENT)
        revoked = await other.purges.revoke(["z:clinic"], by="", now=works.now)
        await works.until(revoked.id, PurgeState.SENT)

    asyncio.run(works.running(work()))
    other.database.close()


def test_a_tag_alone_is_found_by_the_poll(works: Works) -> None:
    async def work() -> None:
        await works.until(works.ask("d-0"), PurgeState.SENT)
        await works.until(works.ask("d-1"), PurgeState.SENT)

    asyncio.run(works.running(work()))


def test_a_worker_that_is_told_to_stop_gives_its_jobs_back(database: Database) -> None:
    works = Works(database, Edge(30.0), pacing=replace(BRISK, call=60.0))

    async def work() -> None:
        works.ask("d-1")
        async with asyncio.timeout(10):
            while not works.edge.calls:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    asyncio.run(works.running(work()))
    assert works.edge.tags == []
    asyncio.run(works.worker.drain())
    assert works.edge.tags == ["d-1"]


def test_a_database_that_fails_for_a_while_stops_no_worker(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    claim = works.database.write

    async def failing(work: Callable[[sqlite3.Connection], object]) -> object:
        nonlocal asked
        asked += 1
        if asked <= 3:
            raise StateUnavailable("full") if asked != 2 else RuntimeError("a mistake of ours")
        return await claim(work)

    monkeypatch.setattr(works.database, "write", failing)

    async def work() -> None:
        await works.until(works.ask("d-1"), PurgeState.SENT)

    asyncio.run(works.running(work()))
    assert asked > 3


def test_a_job_taken_by_another_between_look_and_claim_is_no_matter(works: Works) -> None:
    purge = works.ask("d-1")
    lane = works.worker._lanes[0]

    async def both() -> tuple[bool, bool]:
        return await asyncio.gather(lane.step(), lane.step())

    assert sorted(asyncio.run(both())) == [False, True]
    assert asyncio.run(works.state(purge)) is PurgeState.SENT


def test_what_is_old_is_forgotten_by_the_leader(works: Works, database: Database) -> None:
    database.write_now(lambda c: feed.append(c, "changed", "z:clinic", works.now))
    purge = works.purges.ask_now(
        PurgeRequest((DocumentRef("clinic", "documents", "a"),)),
        soft=True,
        by="",
        reason="",
        now=works.now,
    ).id
    asyncio.run(works.worker.drain())
    works.now += 20
    asyncio.run(works.worker.drain())
    works.now += 31 * 86_400

    async def work() -> None:
        async with asyncio.timeout(10):
            while await works.purges.status(purge):  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    asyncio.run(works.running(work()))
    assert database.read_now(lambda c: feed.rows_after(c, feed.end(c))) == []
    assert database.read_now(lambda c: c.execute("SELECT count(*) FROM feed").fetchone()) == (0,)


@pytest.mark.parametrize(
    ("apart", "most"), [(0.001, 1_001), (0.0, 2_500)], ids=["one by one", "at one moment"]
)
def test_of_many_old_purges_some_are_forgotten_at_a_time(
    works: Works, monkeypatch: pytest.MonkeyPatch, apart: float, most: int
) -> None:
    """Whoever wants to write meanwhile does not wait for all of them."""
    write, left = works.database.write, list[int]()
    purges = [(f"p-{n}", works.now + n * apart) for n in range(2_500)]

    def keep(connection: sqlite3.Connection) -> None:
        connection.executemany("INSERT INTO purge VALUES (?, '{}', 1, '', '', ?)", purges)

    async def counted(work: Callable[[sqlite3.Connection], object]) -> object:
        def both(connection: sqlite3.Connection) -> object:
            done = work(connection)
            left.append(connection.execute("SELECT count(*) FROM purge").fetchone()[0])
            return done

        return await write(both)

    async def forgotten() -> None:
        async with asyncio.timeout(20):
            while not left or left[-1]:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    works.database.write_now(keep)
    works.now += 31 * 86_400
    monkeypatch.setattr(works.database, "write", counted)
    asyncio.run(works.running(forgotten()))
    assert max(before - after for before, after in pairwise([2_500, *left])) <= most


def test_who_finds_a_leader_leads_after_it(works: Works, database: Database) -> None:
    leader = FileLock(database.path.with_name("purger.lock"))
    assert leader.take()

    async def work() -> None:
        purge = works.ask("d-1")
        await works.worker.drain()
        assert await works.state(purge) is PurgeState.QUEUED
        leader.close()
        await works.until(purge, PurgeState.SENT)

    asyncio.run(works.running(work()))


ASKER = """
import pathlib, sys, time
from cdn.providers.null import Null
from gateway.purges import PurgeRequest, Purges
from gateway.state.database import Database

database = Database.open(pathlib.Path(sys.argv[1]))
for tag in sys.stdin:
    request = PurgeRequest(tags=(tag.strip(),))
    purges = Purges(database, {"edge": Null("edge")}, {})
    purges.ask_now(request, soft=True, by="", reason="", now=time.time())
"""


def test_a_purge_that_any_process_asks_for_wakes_the_worker(
    works: Works, child: Callable[..., subprocess.Popen[str]]
) -> None:
    """Though it looks for none by itself for longer than this test waits."""
    works.worker = PurgeWorker(
        works.database, {"edge": works.edge}, replace(BRISK, poll=3_600, tick=3_600)
    )
    asker = child(ASKER)
    assert asker.stdin is not None
    there = asker.stdin

    async def work() -> None:
        for number in range(4):
            tag = f"d-{number}"
            if number % 2:
                await asyncio.to_thread(works.ask, tag)
            else:
                print(tag, file=there, flush=True)
            async with asyncio.timeout(20):
                while tag not in works.edge.tags:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)

    asyncio.run(works.running(work()))


LEADER = """
import asyncio, pathlib, sys
from cdn.providers.null import Null
from gateway.purges import Pacing, PurgeWorker
from gateway.state.database import Database

class Edge(Null):
    async def purge(self, tags, *, soft, key):
        print(*tags, flush=True)
        await asyncio.sleep(float(sys.argv[2]))
        return await super().purge(tags, soft=soft)

database = Database.open(pathlib.Path(sys.argv[1]))
pacing = Pacing(poll=0.05, tick=0.005, lead=0.01, call=50, lease=float(sys.argv[3]))
print("open", flush=True)
asyncio.run(PurgeWorker(database, {"edge": Edge("edge")}, pacing).run())
"""


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_one_of_two_leads_and_after_its_death_the_other(
    works: Works, child: Callable[..., subprocess.Popen[str]]
) -> None:
    first = child(LEADER, "0", "1")
    assert line(first) == "open"
    works.ask("d-1")
    assert line(first) == "d-1"
    second = child(LEADER, "0", "1")
    assert line(second) == "open"
    for number in range(2, 12):
        works.ask(f"d-{number}")
        assert line(first) == f"d-{number}"
    asyncio.run(works.worker.drain())
    assert works.edge.tags == []
    first.kill()
    works.ask("d-12")
    assert line(second) == "d-12"


def test_leases_of_a_killed_worker_are_delivered_again(
    works: Works, child: Callable[..., subprocess.Popen[str]]
) -> None:
    purge = works.ask("d-1", "d-2")
    leader = child(LEADER, "60", "0.2")
    assert line(leader) == "open"
    assert line(leader) == "d-1 d-2"
    leader.kill()
    assert leader.communicate()[0] == ""
    assert asyncio.run(works.state(purge)) is PurgeState.QUEUED
    other = child(LEADER, "0", "1")
    assert line(other) == "open"
    assert line(other) == "d-1 d-2"
    asyncio.run(works.until(purge, PurgeState.SENT))


def test_uses_of_dead_links_are_forgotten_by_the_earlier_of_two_clocks(works: Works) -> None:
    """Links die by the time of day; the worker's own clock may have gone on without it."""
    used = Uses(works.database)
    now = int(time())
    for name, until in (("A" * 16, now - 100_000), ("B" * 16, now + 600)):
        assert asyncio.run(used.use("clinic", name, until, now))
    works.now = now + 10_000_000.0

    async def forgotten() -> None:
        async with asyncio.timeout(20):
            while used.used("clinic", "A" * 16):  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    asyncio.run(works.running(forgotten()))
    assert used.used("clinic", "B" * 16)


def test_a_queue_too_deep_for_the_provider_is_collapsed_and_told_of(database: Database) -> None:
    edge, heard = Edge(), list[tuple[str, int]]()
    edge.limits = Limits(batch=3, rate=1, burst=2)
    zones = {"clinic": CLINIC}
    purges = Purges(database, {"edge": edge}, zones)
    pacing = replace(BRISK, backlog=1.0)
    asked = tuple(DocumentRef("clinic", "documents", f"{n % 2}/{n}") for n in range(20))
    purge = purges.ask_now(PurgeRequest(asked), soft=False, by="", reason="", now=1_000.0)
    worker = PurgeWorker(
        database,
        {"edge": edge},
        pacing,
        clock=lambda: 1_000.0,
        collapsed=lambda *told: heard.append(told),
    )
    asyncio.run(worker.drain())
    assert set(edge.tags) == {folder_tag("clinic", "documents", folder) for folder in "01"}
    assert heard == [("edge", 20)]
    status = asyncio.run(purges.status(purge.id))
    assert status is not None
    assert status.state is PurgeState.SENT


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        (Limits(1, 0.5, 20), 170),
        (Limits(100, 5 / 60, 25), 5_000),
        (Limits(500, 1, 10, 2.5, 1_500), 2_250),
    ],
)
def test_a_queue_is_too_deep_when_the_limits_do_not_drain_it_in_time(
    limits: Limits, most: int
) -> None:
    assert most_of(limits, 300.0) == most


@pytest.mark.parametrize("name", ["lease", "second_pass", "longest_pause"])
def test_nothing_is_due_so_late_that_a_clock_seems_set_back(name: str) -> None:
    with pytest.raises(ValueError, match="60 s"):
        replace(Pacing(), **{name: 61.0})
