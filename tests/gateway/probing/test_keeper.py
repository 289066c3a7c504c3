"""The keeper: who asks, how often, and what is written down."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import time
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from gateway.documents import Zone
from gateway.errors import StateUnavailable
from gateway.probing import Finding, Keeper, Report, Rhythm, written
from gateway.probing.standings import Standings
from gateway.state.database import Database
from gateway.state.filelock import FileLock

GOOD = Report((Finding("good link", "ok", "opens the canary"),))
BAD = Report((Finding("no token", "leak", "answered 200 with the canary", "mend it"),))
DOWN = Report((Finding("good link", "unclear", "answered nothing (ConnectError)", "is it up?"),))
QUICK = Rhythm(first=0, period=0.2, retry=0.01, lead=0.01)
ZONES = {
    name: Zone(name, "main", ("documents",), cache="windowed", public_url="https://a.example")
    for name in ("clinic", "ward")
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "ostiary.db")
    yield database
    database.close()


class Asked:
    """Answers with the reports in turn, the last one for ever; `count` of them were asked for."""

    def __init__(self, *reports: Report) -> None:
        self._reports = list(reports)
        self.zones: list[str] = []

    async def __call__(self, zone: str) -> Report:
        self.zones.append(zone)
        return self._reports.pop(0) if len(self._reports) > 1 else self._reports[0]


def standings(database: Database, *zones: str) -> Standings:
    known = Standings(ZONES, dict.fromkeys(zones, "config"), database)
    return known


def kept(keeper: Keeper, enough: Any) -> None:
    """Have the keeper work until it is enough."""

    async def until() -> None:
        work = asyncio.create_task(keeper.run())
        async with asyncio.timeout(20):
            while not enough():  # noqa: ASYNC110  the keeper is what happens meanwhile
                await asyncio.sleep(0.005)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(until())


def test_each_zone_is_asked_about_again_and_again(database: Database) -> None:
    asked = Asked(GOOD)
    keeper = Keeper(database, standings(database, "clinic", "ward"), asked, rhythm=QUICK)
    kept(keeper, lambda: len(asked.zones) >= 4)
    assert set(asked.zones) == {"clinic", "ward"}


def test_what_was_found_is_written_down_and_counted(database: Database) -> None:
    counted: list[str] = []
    known = standings(database, "clinic")
    keeper = Keeper(database, known, Asked(GOOD, BAD), counted.append, QUICK)
    kept(keeper, lambda: len(counted) >= 2)
    assert counted[:2] == ["proven", "failed"]
    later = standings(database, "clinic")
    assert later.state("clinic", 0) == "failed"
    proof = later.proof("clinic")
    assert proof is not None
    assert "answered 200 with the canary" in proof.told


def test_what_nobody_could_find_out_is_asked_again_soon(database: Database) -> None:
    asked = Asked(DOWN)
    slow = Rhythm(first=0, period=3_600, retry=0.001, lead=0.01)
    kept(
        Keeper(database, standings(database, "clinic"), asked, rhythm=slow),
        lambda: len(asked.zones) > 3,
    )
    answered = Asked(GOOD)
    keeper = Keeper(database, standings(database, "clinic"), answered, rhythm=slow)

    async def for_a_moment() -> None:
        work = asyncio.create_task(keeper.run())
        while not answered.zones:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(for_a_moment())
    assert len(answered.zones) == 1


def test_one_process_of_a_host_asks(database: Database) -> None:
    asked = Asked(GOOD)
    keeper = Keeper(database, standings(database, "clinic"), asked, rhythm=QUICK)

    async def second() -> None:
        with closing(FileLock(database.path.with_name("canary.lock"))) as lock:
            assert lock.take()
            work = asyncio.create_task(keeper.run())
            await asyncio.sleep(0.1)
            assert asked.zones == []
        async with asyncio.timeout(20):
            while not asked.zones:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(second())


def test_without_a_canary_nobody_is_asked(database: Database) -> None:
    asked = Asked(GOOD)
    keeper = Keeper(database, standings(database), asked, rhythm=QUICK)

    async def for_a_moment() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await keeper.run()

    asyncio.run(for_a_moment())
    assert asked.zones == []


def test_it_says_loudly_what_is_wrong_and_once_that_all_is_well(database: Database) -> None:
    structlog.reset_defaults()
    counted: list[str] = []
    known = standings(database, "clinic")
    keeper = Keeper(database, known, Asked(GOOD, DOWN, BAD), counted.append, QUICK)
    with capture_logs() as told:
        kept(keeper, lambda: len(counted) >= 3)
    levels = [(one["log_level"], one["zone"]) for one in told[:3]]
    assert levels == [("info", "clinic"), ("error", "clinic"), ("error", "clinic")]
    assert told[1]["found"] == {"good link": "answered nothing (ConnectError)"}
    assert "GIVES DOCUMENTS AWAY" in told[2]["event"]


class Away:
    """A database that can not be written to until it is back."""

    def __init__(self, database: Database) -> None:
        self.path = database.path
        self.back = False
        self.attempts = 0
        self._database = database

    async def write(self, work: Any) -> Any:
        self.attempts += 1
        if not self.back:
            raise StateUnavailable("gone")
        return await self._database.write(work)


HASTY = Rhythm(first=0, period=3_600, retry=0.01, lead=0.01)


def test_what_was_found_while_the_database_is_away_is_written_down_later(
    database: Database,
) -> None:
    away, asked, counted = Away(database), Asked(GOOD), list[str]()
    known: Any = standings(database, "clinic")
    keeper = Keeper(away, known, asked, counted.append, HASTY)  # type: ignore[arg-type]

    def enough() -> bool:
        away.back = away.attempts >= 3
        return bool(counted)

    kept(keeper, enough)
    assert (counted, asked.zones) == (["proven"], ["clinic"])
    assert standings(database, "clinic").state("clinic", time()) == "proven"


def test_a_leak_is_heeded_though_nobody_can_write_it_down(database: Database) -> None:
    now = time()
    database.write_now(lambda c: written(c, ("clinic", "config"), GOOD, now))
    known = standings(database, "clinic")
    assert known.mode("clinic", now) == "windowed"
    away = Away(database)
    keeper = Keeper(away, known, Asked(BAD), rhythm=HASTY)  # type: ignore[arg-type]
    kept(keeper, lambda: away.attempts >= 2)
    assert known.mode("clinic", now) == "private"


def test_what_caches_hold_is_withdrawn_with_the_first_failure(database: Database) -> None:
    withdrawn = list[str]()

    def withdraw(_: object, zone: str, now: float) -> None:
        withdrawn.append(zone)

    def found(report: Report, config: str = "config") -> list[str]:
        withdrawn.clear()
        about = ("clinic", config)
        database.write_now(lambda c: written(c, about, report, time(), withdraw))
        return list(withdrawn)

    asked = [GOOD, DOWN, BAD, BAD, GOOD, BAD]
    assert [found(report) for report in asked] == [[], [], ["clinic"], [], [], ["clinic"]]
    # Failed anew under another configuration: what was kept since is withdrawn as well.
    assert found(BAD, "another") == ["clinic"]


def test_the_keeper_withdraws_what_a_leaking_cdn_holds(database: Database) -> None:
    withdrawn, asked = list[str](), Asked(GOOD, BAD)

    def withdraw(_: object, zone: str, now: float) -> None:
        withdrawn.append(zone)

    known = standings(database, "clinic")
    kept(Keeper(database, known, asked, rhythm=QUICK, withdraw=withdraw), lambda: withdrawn)
    assert withdrawn == ["clinic"]


def test_a_doubt_that_nobody_can_write_down_leaves_a_proof_to_grow_old(database: Database) -> None:
    now = time()
    database.write_now(lambda c: written(c, ("clinic", "config"), GOOD, now))
    known, away = standings(database, "clinic"), Away(database)
    keeper = Keeper(away, known, Asked(DOWN), rhythm=HASTY)  # type: ignore[arg-type]
    kept(keeper, lambda: away.attempts >= 2)
    assert known.mode("clinic", now) == "windowed"


def test_a_clock_that_is_set_back_keeps_nobody_from_asking(database: Database) -> None:
    asked, clock = Asked(GOOD), Clock([1_800_000_000.0, 1_700_000_000.0])
    keeper = Keeper(database, standings(database, "clinic"), asked, rhythm=QUICK, clock=clock)
    kept(keeper, lambda: len(asked.zones) >= 2)


class Clock:
    """Tells the times in turn, the last one for ever."""

    def __init__(self, times: list[float]) -> None:
        self._times = times

    def __call__(self) -> float:
        return self._times.pop(0) if len(self._times) > 1 else self._times[0]
