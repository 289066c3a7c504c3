"""Uses of one-time links: one for all processes, and kept as long as the link could be used."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.errors import StateUnavailable
from gateway.state.database import Database
from gateway.state.uses import Uses, trim, used_at

NAME = "Zm9vYmFyYmF6cXV4"


def test_the_first_use_is_the_only_one(database: Database) -> None:
    uses = Uses(database)
    assert not uses.used("clinic", NAME)
    assert asyncio.run(uses.use("clinic", NAME, 200, 100))
    assert uses.used("clinic", NAME)
    assert not asyncio.run(uses.use("clinic", NAME, 300, 150))
    assert database.read_now(lambda connection: used_at(connection, "clinic", NAME)) == 100


def test_a_name_is_used_in_its_zone_alone(database: Database) -> None:
    uses = Uses(database)
    assert asyncio.run(uses.use("clinic", NAME, 200, 100))
    assert not uses.used("lab", NAME)
    assert asyncio.run(uses.use("lab", NAME, 200, 100))
    assert asyncio.run(uses.use("clinic", NAME[::-1], 200, 100))


def test_of_many_at_once_in_two_databases_one_is_first(database: Database, tmp_path: Path) -> None:
    other = Database.open(database.path)

    async def race() -> list[bool]:
        uses = [Uses(database), Uses(other)]
        works = [uses[number % 2].use("clinic", NAME, 200, 100) for number in range(50)]
        return await asyncio.gather(*works)

    try:
        assert sorted(asyncio.run(race())) == [False] * 49 + [True]
    finally:
        other.close()


def test_a_use_outlives_its_process(database: Database) -> None:
    asyncio.run(Uses(database).use("clinic", NAME, 200, 100))
    database.close()
    again = Database.open(database.path)
    try:
        assert Uses(again).used("clinic", NAME)
    finally:
        again.close()


@pytest.mark.parametrize(("now", "left"), [(199, True), (86_600, True), (86_601, False)])
def test_a_use_is_kept_when_its_link_is_dead(database: Database, now: int, left: bool) -> None:
    uses = Uses(database)
    asyncio.run(uses.use("clinic", NAME, 200, 100))
    database.write_now(lambda connection: trim(connection, now))
    assert uses.used("clinic", NAME) is left


def test_a_state_that_is_closed_gives_no_use(database: Database) -> None:
    database.close()
    with pytest.raises(StateUnavailable):
        asyncio.run(Uses(database).use("clinic", NAME, 200, 100))
