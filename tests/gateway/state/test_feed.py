from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gateway.state import feed
from gateway.state.database import Database
from gateway.state.feed import FeedRow, Follower


def write(database: Database, *scopes: str, at: float = 1.0) -> None:
    for scope in scopes:
        database.write_now(lambda c, scope=scope: feed.append(c, "changed", scope, at))  # type: ignore[misc]


def followed(database: Database) -> tuple[Follower, list[FeedRow]]:
    follower, told = Follower(database), list[FeedRow]()
    follower.subscribe(told.append)
    return follower, told


def scopes(rows: list[FeedRow]) -> list[str]:
    return [row.scope for row in rows]


def test_a_follower_hears_what_was_written_after_it_began_once_and_in_order(
    database: Database,
) -> None:
    write(database, "z:before")
    follower, told = followed(database)
    write(database, "z:a", "z:b")
    follower.fresh()
    write(database, "z:c")
    follower.fresh()
    follower.fresh()
    follower.catch_up()
    assert scopes(told) == ["z:a", "z:b", "z:c"]


class Counting(Follower):
    """Counts how often it looked into the database."""

    looked = 0

    def catch_up(self) -> None:
        self.looked += 1
        super().catch_up()

    async def refresh(self) -> None:
        self.looked += 1
        await super().refresh()


def test_fresh_reads_nothing_while_the_epoch_stands(database: Database) -> None:
    follower = Counting(database)
    follower.fresh()
    assert follower.looked == 0
    write(database, "z:a")
    follower.fresh()
    follower.fresh()
    assert follower.looked == 1


def test_a_row_read_by_two_at_once_is_told_once(database: Database) -> None:
    follower, told = followed(database)
    write(database, "z:a")
    read_by_another = database.read_now(follower._next)
    follower.catch_up()
    follower._tell(read_by_another)
    assert scopes(told) == ["z:a"]


def test_a_subscriber_that_breaks_keeps_the_news_from_no_other(database: Database) -> None:
    follower = Follower(database)
    told = list[FeedRow]()

    def broken(row: FeedRow) -> None:
        raise KeyError(row.scope)

    follower.subscribe(broken)
    follower.subscribe(told.append)
    write(database, "z:a", "z:b")
    with pytest.raises(KeyError):
        follower.fresh()
    assert scopes(told) == ["z:a"]


def test_news_that_broke_a_subscriber_are_told_again(database: Database) -> None:
    follower = Follower(database)
    told, faults = list[FeedRow](), [KeyError("once")]

    def broken_once(row: FeedRow) -> None:
        if faults:
            raise faults.pop()
        told.append(row)

    follower.subscribe(broken_once)
    write(database, "z:a", "z:b")
    with pytest.raises(KeyError):
        follower.fresh()
    follower.fresh()
    assert scopes(told) == ["z:a", "z:b"]


def test_every_commit_that_feeds_renews_the_epoch_and_no_other(database: Database) -> None:
    values = [database.epoch.value]
    write(database, "z:a")
    values.append(database.epoch.value)
    database.write_now(lambda c: c.execute("CREATE TABLE other (x)"))
    values.append(database.epoch.value)
    assert values[0] != values[1] == values[2]


def test_a_row_whose_writer_died_before_the_epoch_is_heard_by_the_poll(database: Database) -> None:
    async def scenario() -> list[str]:
        follower, told = followed(database)
        heard = asyncio.Event()
        follower.subscribe(lambda _: heard.set())
        epoch = database.epoch.value
        write(database, "z:a")
        restore(database, epoch)
        follower.fresh()
        assert told == []
        polling = asyncio.create_task(follower.run(interval=0.01))
        await asyncio.wait_for(heard.wait(), 10)
        polling.cancel()
        return scopes(told)

    assert asyncio.run(scenario()) == ["z:a"]


def restore(database: Database, epoch: int) -> None:
    with database.path.with_name(database.path.name + "-epoch").open("r+b") as file:
        file.write(epoch.to_bytes(8, "little"))


def test_the_poll_outlives_a_database_that_fails(database: Database) -> None:
    async def scenario() -> list[str]:
        follower, told = Counting(database), list[FeedRow]()
        follower.subscribe(told.append)
        away = database.path.rename(database.path.with_name("away"))
        polling = asyncio.create_task(follower.run(interval=0.01))
        await until(lambda: follower.looked > 2)
        away.rename(database.path)
        write(database, "z:a")
        await until(lambda: bool(told))
        polling.cancel()
        return scopes(told)

    assert asyncio.run(scenario()) == ["z:a"]


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def test_one_who_was_away_too_long_hears_that_rows_are_lost(database: Database) -> None:
    follower, told = followed(database)
    write(database, "z:a", at=1.0)
    write(database, "z:b", at=5.0)
    assert database.write_now(lambda c: feed.trim(c, 2.0)) == 1
    follower.fresh()
    follower.catch_up()
    assert [(row.kind, row.scope) for row in told] == [("lost", ""), ("changed", "z:b")]


def test_all_rows_trimmed_are_lost_rows_too(database: Database) -> None:
    follower, told = followed(database)
    write(database, "z:a")
    database.write_now(lambda c: feed.trim(c, 2.0))
    follower.catch_up()
    write(database, "z:b")
    follower.catch_up()
    assert [(row.kind, row.scope) for row in told] == [("lost", ""), ("changed", "z:b")]


def test_trimming_what_was_read_loses_nothing(database: Database) -> None:
    follower, told = followed(database)
    write(database, "z:a")
    follower.catch_up()
    database.write_now(lambda c: feed.trim(c, 2.0))
    write(database, "z:b")
    follower.catch_up()
    assert scopes(told) == ["z:a", "z:b"]


def test_a_row_dated_before_its_elder_makes_no_hole(database: Database) -> None:
    write(database, "z:a", at=9.0)
    write(database, "z:b", at=1.0)
    assert database.write_now(lambda c: feed.trim(c, 5.0)) == 0


def test_a_database_that_went_back_is_a_loss(database: Database) -> None:
    follower, told = followed(database)
    write(database, "z:a", "z:b")
    follower.catch_up()
    database.write_now(lambda c: c.execute("DELETE FROM feed WHERE seq = 2"))
    database.write_now(lambda c: c.execute("UPDATE sqlite_sequence SET seq = 1"))
    follower.catch_up()
    write(database, "z:c")
    follower.catch_up()
    assert scopes(told) == ["z:a", "z:b", "", "z:a", "z:c"]
