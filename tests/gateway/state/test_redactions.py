"""A version of a redaction is written once, and is the same for everybody ever after."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest

from gateway.errors import StateUnavailable
from gateway.state.database import Database
from gateway.state.redactions import StoredRedactions
from imaging.names.areas import Area
from imaging.names.redactions import Box

FACE = (Box(Area(1, 2, 3, 4)),)
OTHER = (Box(Area(1, 2, 3, 4), white=True),)


@pytest.fixture
def stored(database: Database) -> StoredRedactions:
    return StoredRedactions(database)


def put(stored: StoredRedactions, boxes: tuple[Box, ...], name: str = "face") -> tuple[int, bool]:
    found, new = stored.put_now(name, boxes, by="token-1", now=7.5)
    assert (found.redaction.name, found.redaction.boxes) == (name, boxes)
    return found.redaction.version, new


def test_versions_count_on_and_equal_boxes_make_none(stored: StoredRedactions) -> None:
    assert [put(stored, boxes) for boxes in (FACE, FACE, OTHER, OTHER, FACE)] == [
        (1, True), (1, False), (2, True), (2, False), (3, True),
    ]  # fmt: skip
    assert put(stored, FACE, "head") == (1, True)
    assert (stored.newest("face"), stored.newest("head"), stored.newest("foot")) == (3, 1, 0)


def test_every_version_is_found_with_who_put_it_and_when(stored: StoredRedactions) -> None:
    async def through_the_loop() -> None:
        first, _ = await stored.put("face", FACE, by="token-1", now=7.5)
        second, _ = await stored.put("face", OTHER, by="cli", now=9.0)
        assert await stored.find("face", 1) == first
        assert await stored.find("face") == second
        assert (second.by, second.at) == ("cli", 9.0)
        assert await stored.find("face", 3) is None
        assert await stored.find("foot") is None
        assert await stored.all() == [second]

    asyncio.run(through_the_loop())
    assert [one.redaction.text for one in stored.all_now()] == ["face_2"]


def test_what_one_process_puts_another_knows_at_once(
    database: Database, stored: StoredRedactions
) -> None:
    with closing(Database.open(database.path)) as elsewhere:
        other = StoredRedactions(elsewhere)
        assert other.boxes("face", 1) == ()
        put(stored, FACE)
        assert other.boxes("face", 1) == other.boxes("face", 1) == FACE
        assert other.boxes("face", 2) == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE redaction SET boxes = '[]'",
        "UPDATE redaction SET version = 2",
        "DELETE FROM redaction",
        "INSERT INTO redaction VALUES ('face', 3, '[]', 'x', 0)",
        "INSERT INTO redaction VALUES ('face', 1, '[]', 'x', 0)",
        "INSERT OR REPLACE INTO redaction VALUES ('face', 1, '[]', 'x', 0)",
        "INSERT INTO redaction VALUES ('head', 2, '[]', 'x', 0)",
    ],
)
def test_the_database_lets_nobody_change_a_version(
    database: Database, stored: StoredRedactions, statement: str
) -> None:
    put(stored, FACE)
    with pytest.raises(sqlite3.IntegrityError):
        database.write_now(lambda connection: connection.execute(statement))
    assert stored.boxes("face", 1) == FACE


@pytest.mark.parametrize("boxes", ["", "[]", "[[0,1,2,3]]", "nonsense", "[[0,9,2,3,4,0]]"])
def test_a_row_that_can_not_be_read_is_no_redaction_without_boxes(
    database: Database, stored: StoredRedactions, boxes: str
) -> None:
    database.write_now(
        lambda connection: connection.execute(
            "INSERT INTO redaction VALUES ('face', 1, ?, 'x', 0)", (boxes,)
        )
    )
    with pytest.raises(StateUnavailable):
        stored.boxes("face", 1)
    with pytest.raises(StateUnavailable):
        stored.find_now("face")


def test_what_is_remembered_is_bounded(database: Database) -> None:
    stored = StoredRedactions(database, remembered=2)
    for number in (1, 2, 3):
        put(stored, (Box(Area(0, 0, number, 9)),))
        assert stored.boxes("face", number)
    database.close()
    assert stored.boxes("face", 2)
    assert stored.boxes("face", 3)
    with pytest.raises(sqlite3.ProgrammingError):
        stored.boxes("face", 1)
