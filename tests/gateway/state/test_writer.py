from __future__ import annotations

import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from gateway.errors import StateUnavailable
from gateway.state.database import Database
from gateway.state.filelock import FileLock
from gateway.state.writer import insist, meaning, patiently

Work = Callable[[sqlite3.Connection], object]


@pytest.fixture
def numbers(database: Database) -> Database:
    database.write_now(lambda c: c.execute("CREATE TABLE number (n INTEGER UNIQUE)"))
    return database


def insert(number: int) -> Work:
    return lambda c: c.execute("INSERT INTO number VALUES (?)", (number,)).rowcount


def stored(database: Database) -> list[int]:
    return database.read_now(lambda c: [n for (n,) in c.execute("SELECT n FROM number ORDER BY n")])


class Held:
    """Holds the writer inside a transaction, so that all that is queued becomes one group."""

    def __init__(self, database: Database) -> None:
        self._inside, self._leave = threading.Event(), threading.Event()
        self._database = database
        self._first = database._writer.submit(self._hold)
        assert self._inside.wait(10)

    def _hold(self, connection: sqlite3.Connection) -> None:
        self._inside.set()
        assert self._leave.wait(10)

    def submit(self, work: Work) -> Future[object]:
        return self._database._writer.submit(work)

    def leave(self) -> None:
        self._leave.set()
        self._first.result(10)


def test_what_waits_is_committed_together(numbers: Database) -> None:
    held = Held(numbers)
    counts = list[int]()

    def count(connection: sqlite3.Connection) -> None:
        with sqlite3.connect(numbers.path) as other:
            counts.append(other.execute("SELECT count(*) FROM number").fetchone()[0])
        other.close()

    waiting = [held.submit(work) for work in (insert(1), insert(2), count)]
    held.leave()
    for future in waiting:
        future.result(10)
    assert counts == [0]
    assert stored(numbers) == [1, 2]


def test_one_failing_piece_rolls_back_alone(numbers: Database) -> None:
    def half_done(connection: sqlite3.Connection) -> None:
        insert(7)(connection)
        raise LookupError("halfway")

    held = Held(numbers)
    first, twice, broken, last = (
        held.submit(work) for work in (insert(1), insert(1), half_done, insert(2))
    )
    held.leave()
    assert first.result(10) == last.result(10) == 1
    with pytest.raises(sqlite3.IntegrityError):
        twice.result(10)
    with pytest.raises(LookupError, match="halfway"):
        broken.result(10)
    assert stored(numbers) == [1, 2]


def test_a_piece_cancelled_before_its_group_is_not_done(numbers: Database) -> None:
    held = Held(numbers)
    dropped, kept = held.submit(insert(1)), held.submit(insert(2))
    assert dropped.cancel()
    held.leave()
    kept.result(10)
    assert stored(numbers) == [2]


def test_a_piece_that_ends_the_transaction_fails_and_the_writer_lives(numbers: Database) -> None:
    for word in ("COMMIT", "ROLLBACK"):
        with pytest.raises(sqlite3.OperationalError):
            numbers.write_now(lambda c, word=word: c.execute(word))  # type: ignore[misc]
    assert numbers.write_now(insert(3)) == 1


def test_a_group_whose_transaction_is_gone_fails_as_one(numbers: Database) -> None:
    """So does SQLite on a full disk: it may roll back all of it, not the last statement alone."""

    def gone(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        raise OSError("no space left")

    held = Held(numbers)
    first, broken = held.submit(insert(1)), held.submit(gone)
    held.leave()
    for future in (first, broken):
        with pytest.raises(OSError, match="no space left"):
            future.result(10)
    assert stored(numbers) == []
    assert numbers.write_now(insert(3)) == 1


def test_whatever_a_piece_raises_the_writer_lives(numbers: Database) -> None:
    def leave(connection: sqlite3.Connection) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        numbers.write_now(leave)
    assert numbers.write_now(insert(3)) == 1


def test_a_full_disk_refuses_and_keeps_what_was_acknowledged(numbers: Database) -> None:
    numbers.write_now(insert(1))
    numbers.write_now(limit_pages(0))
    with pytest.raises(StateUnavailable, match="SQLITE_FULL"):
        numbers.write_now(lambda c: c.execute("CREATE TABLE blob AS SELECT zeroblob(1000000)"))
    numbers.write_now(limit_pages(2**30))
    numbers.write_now(insert(2))
    assert stored(numbers) == [1, 2]


def limit_pages(most: int) -> Work:
    """SQLite raises too low a limit to the present size: no page more."""
    return lambda c: c.execute(f"PRAGMA max_page_count = {most or 1}").fetchone()


def test_a_lock_held_too_long_refuses_and_comes_back(path: Path) -> None:
    database = Database.open(path, patience=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateUnavailable, match="locked for too long"):
        database.write_now(lambda c: None)
    other.execute("ROLLBACK")
    other.close()
    assert database.write_now(lambda c: 5) == 5
    database.close()


def test_nothing_is_taken_after_the_end_and_all_before_it_is_written(path: Path) -> None:
    database = Database.open(path)
    database.write_now(lambda c: c.execute("CREATE TABLE number (n INTEGER UNIQUE)"))
    held = Held(database)
    waiting = [held.submit(insert(number)) for number in range(1_000)]
    closing = threading.Thread(target=database.close)
    closing.start()
    held.leave()
    closing.join(10)
    assert all(future.result(0) == 1 for future in waiting)
    with pytest.raises(StateUnavailable):
        database.write_now(lambda c: None)


def test_too_much_waiting_is_refused(numbers: Database) -> None:
    held = Held(numbers)
    for _ in range(10_000):
        held.submit(lambda c: None)
    with pytest.raises(StateUnavailable, match="too much"):
        held.submit(lambda c: None)
    held.leave()


def test_only_outside_causes_become_unavailable() -> None:
    mistake = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError) as caught:
        mistake.execute("SELECT nothing FROM nowhere")
    mistake.close()
    assert meaning(caught.value) is caught.value
    error = ValueError("x")
    assert meaning(error) is error


def test_only_a_lock_is_waited_for() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        insist(connection, "SELECT 1 FROM nowhere", time.monotonic() + 60)
    connection.close()


def test_patience_ends() -> None:
    with pytest.raises(StateUnavailable):
        patiently(lambda: False, time.monotonic())


def test_who_waits_stands_in_the_turnstile_and_who_writes_has_left_it(path: Path) -> None:
    """So a process that always writes has to let the one inside go first."""
    database = Database.open(path, patience=0.05)
    waiting = FileLock(path.with_name(path.name + "-turnstile"))
    assert waiting.take()
    with pytest.raises(StateUnavailable, match="locked for too long"):
        database.write_now(lambda c: None)
    waiting.give_back()
    assert database.write_now(lambda c: waiting.take())
    waiting.close()
    database.close()


BUSY = """
import sys, pathlib
from gateway.state.database import Database
database = Database.open(pathlib.Path(sys.argv[1]))
print("open", flush=True)
while True:
    database.write_now(lambda c: c.execute("INSERT INTO number VALUES (NULL)"))
"""


def test_a_process_that_always_writes_starves_no_other(
    numbers: Database, child: Callable[..., subprocess.Popen[str]]
) -> None:
    for _ in range(2):
        process = child(BUSY)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
    for number in range(30):
        assert numbers.write_now(insert(number)) == 1
