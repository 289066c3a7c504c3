from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.documents import DocumentRef, Zone
from gateway.state import feed
from gateway.state.database import Database
from gateway.state.revocations import (
    Revocations,
    bucket_scope,
    bump,
    declare,
    document_scope,
    prefix_scope,
    restored,
    zone_scope,
)

CLINIC = Zone("clinic", "main", ("documents", "scans"), revocable=("documents/reports/",))
PLAIN = Zone("clinic", "main", ("documents", "scans"))
OTHER = Zone("other", "main", ("archive",))
REPORT = ("documents", "reports/a.pdf")
LETTER = ("documents", "letter.pdf")
SCAN = ("scans", "reports/a.pdf")


def revoke(database: Database, *scopes: str, at: float = 100.0) -> None:
    def work(connection: sqlite3.Connection) -> None:
        for scope in scopes:
            bump(connection, scope, at)

    database.write_now(work)


def declared(database: Database, zones: Iterable[Zone], at: float) -> Revocations:
    """What a serving process knows after it declared the prefixes of its zones."""
    database.write_now(lambda connection: declare(connection, zones, at))
    return Revocations(database)


@pytest.fixture
def revocations(database: Database) -> Revocations:
    return declared(database, [CLINIC, OTHER], 100.0)


def sums(revocations: Revocations, zone: Zone = CLINIC) -> tuple[int, int, int]:
    revocations.fresh()
    report, letter, scan = (
        revocations.generation(zone, bucket, key) for bucket, key in (REPORT, LETTER, SCAN)
    )
    return report, letter, scan


@pytest.mark.parametrize(
    ("scope", "reached"),
    [
        (zone_scope("clinic"), (1, 1, 1)),
        (bucket_scope("clinic", "documents"), (1, 1, 0)),
        (prefix_scope("clinic", "documents/reports/"), (1, 0, 0)),
        (document_scope(DocumentRef("clinic", "documents", "reports/a.pdf")), (1, 0, 0)),
        (zone_scope("other"), (0, 0, 0)),
        (bucket_scope("clinic", "doc"), (0, 0, 0)),
        (prefix_scope("clinic", "documents/"), (0, 0, 0)),
    ],
)
def test_a_revocation_reaches_what_lies_below_its_scope(
    database: Database, revocations: Revocations, scope: str, reached: tuple[int, int, int]
) -> None:
    assert sums(revocations) == (0, 0, 0)
    revoke(database, scope)
    assert sums(revocations) == reached


def test_the_generation_is_the_sum_of_all_counters(
    database: Database, revocations: Revocations
) -> None:
    document = document_scope(DocumentRef("clinic", *REPORT))
    prefix = prefix_scope("clinic", "documents/reports/")
    revoke(database, "z:clinic", "b:clinic/documents", prefix, document, document)
    assert sums(revocations) == (5, 2, 1)
    assert revocations.generation(OTHER, "archive", "reports/a.pdf") == 0


def test_a_new_process_knows_the_counters(database: Database, revocations: Revocations) -> None:
    revoke(database, "z:clinic", prefix_scope("clinic", "documents/reports/"))
    assert sums(declared(database, [CLINIC], 101.0)) == (2, 1, 1)


def test_a_counter_is_never_lowered_nor_deleted(database: Database) -> None:
    revoke(database, "z:clinic", "z:clinic")
    for statement in ("UPDATE revocation SET counter = 1", "DELETE FROM revocation"):
        with pytest.raises(sqlite3.IntegrityError, match="never"):
            database.write_now(lambda c, statement=statement: c.execute(statement))  # type: ignore[misc]


def test_refresh_reads_the_database_whatever_the_epoch_says(
    database: Database, revocations: Revocations
) -> None:
    epoch = database.path.with_name(database.path.name + "-epoch")
    before = epoch.read_bytes()
    revoke(database, "z:clinic")
    with epoch.open("r+b") as file:
        file.write(before)
    assert sums(revocations) == (0, 0, 0)
    asyncio.run(revocations.refresh())
    assert sums(revocations) == (1, 1, 1)


def test_counters_that_the_feed_forgot_are_read_from_the_table(
    database: Database, revocations: Revocations
) -> None:
    revoke(database, "z:clinic", at=100.0)
    database.write_now(lambda c: feed.trim(c, 200.0))
    assert sums(revocations) == (1, 1, 1)


REVOKER = """
import sys, pathlib
from gateway.state.database import Database
from gateway.state.revocations import bump
database = Database.open(pathlib.Path(sys.argv[1]))
print("open", flush=True)
for line in sys.stdin:
    database.write_now(lambda c: bump(c, line.strip(), 1.0))
    print("revoked", flush=True)
"""


def test_the_next_request_of_every_process_knows(
    revocations: Revocations, child: Callable[..., subprocess.Popen[str]]
) -> None:
    process = child(REVOKER)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "open\n"
    for count in range(1, 101):
        process.stdin.write("d:clinic/documents/letter.pdf\n")
        process.stdin.flush()
        assert process.stdout.readline() == "revoked\n"
        assert sums(revocations) == (0, count, 0)


def test_a_delivery_in_flight_is_aborted_once_when_it_falls_behind(
    database: Database, revocations: Revocations
) -> None:
    aborted = list[str]()
    revocations.register(CLINIC, *REPORT, 0, lambda: aborted.append("report"))
    revocations.register(CLINIC, *LETTER, 0, lambda: aborted.append("letter"))
    revoke(database, document_scope(DocumentRef("clinic", *REPORT)))
    revocations.fresh()
    assert aborted == ["report"]
    revoke(database, "z:clinic")
    revocations.fresh()
    assert aborted == ["report", "letter"]


def test_a_delivery_ends_with_the_key_or_the_viewer_that_it_is_by(
    database: Database, revocations: Revocations
) -> None:
    aborted = list[str]()
    place = (CLINIC, *REPORT, 0)
    for name, by in (
        ("k1", {"kid": "k1"}),
        ("k2", {"kid": "k2"}),
        ("jane", {"viewer": "jane"}),
        ("john", {"viewer": "john", "kid": "k2"}),
        ("nobody", {}),
    ):
        revocations.register(*place, partial(aborted.append, name), **by)
    revoke(database, "k:k1", "v:jane")
    revocations.fresh()
    assert sorted(aborted) == ["jane", "k1"]
    revocations.register(*place, partial(aborted.append, "late"), kid="k1")
    assert aborted[-1] == "late"


def test_a_delivery_that_ended_is_not_aborted(database: Database, revocations: Revocations) -> None:
    aborted = list[str]()
    with revocations.register(CLINIC, *REPORT, 0, lambda: aborted.append("report")) as guard:
        pass
    guard.close()
    revoke(database, "z:clinic")
    revocations.fresh()
    assert aborted == []


def test_a_delivery_of_a_newer_generation_goes_on(
    database: Database, revocations: Revocations
) -> None:
    aborted = list[str]()
    revocations.register(CLINIC, *REPORT, 1, lambda: aborted.append("newer"))
    revocations.register(CLINIC, *REPORT, 0, lambda: aborted.append("older"))
    revoke(database, "z:clinic")
    revocations.fresh()
    assert aborted == ["older"]


def test_a_delivery_that_registers_too_late_is_aborted_at_once(
    database: Database, revocations: Revocations
) -> None:
    aborted = list[str]()
    revoke(database, "z:clinic")
    revocations.fresh()
    revocations.register(CLINIC, *REPORT, 0, lambda: aborted.append("late"))
    assert aborted == ["late"]


def test_one_abort_that_breaks_saves_no_other(database: Database, revocations: Revocations) -> None:
    aborted = list[str]()

    def broken() -> None:
        raise RuntimeError("already closed")

    for abort in (broken, lambda: aborted.append("a"), broken, lambda: aborted.append("b")):
        revocations.register(CLINIC, *REPORT, 0, abort)
    revoke(database, "z:clinic")
    revocations.fresh()
    assert sorted(aborted) == ["a", "b"]


def test_other_news_disturb_nothing(database: Database, revocations: Revocations) -> None:
    aborted = list[str]()
    revocations.register(CLINIC, *REPORT, 0, lambda: aborted.append("report"))
    database.write_now(lambda c: feed.append(c, "changed", "z:clinic", 1.0))
    assert sums(revocations) == (0, 0, 0)
    assert aborted == []


def test_a_prefix_that_goes_is_made_up_for_by_its_zone(
    database: Database, revocations: Revocations
) -> None:
    revoke(database, *[prefix_scope("clinic", "documents/reports/")] * 3)
    assert sums(revocations) == (3, 0, 0)
    later = declared(database, [PLAIN], 50.0)
    assert sums(later) == (50, 50, 50)
    revoke(database, *["z:clinic"] * 50)
    declared(database, [CLINIC], 60.0)
    assert sums(declared(database, [PLAIN], 60.0)) == (104, 104, 104)


def test_all_processes_agree_while_a_configuration_is_rolled_out(
    database: Database, revocations: Revocations
) -> None:
    revoke(database, prefix_scope("clinic", "documents/reports/"))
    newer = declared(database, [PLAIN], 200.0)
    assert sums(revocations, CLINIC) == sums(newer, PLAIN) == (200, 200, 200)
    third = Zone("clinic", "main", ("documents",), revocable=("documents/", "scans/reports/"))
    revoke(database, prefix_scope("clinic", "scans/reports/"))
    declared(database, [third], 300.0)
    assert sums(revocations, CLINIC) == sums(newer, PLAIN) == (200, 200, 201)


def test_a_start_without_a_change_changes_nothing(
    database: Database, revocations: Revocations
) -> None:
    before = database.epoch.value
    for _ in range(3):
        declared(database, [CLINIC, OTHER], 999.0)
    assert database.epoch.value == before


def test_a_zone_that_is_not_configured_keeps_its_prefixes(
    database: Database, revocations: Revocations
) -> None:
    declared(database, [OTHER], 999.0)
    revoke(database, prefix_scope("clinic", "documents/reports/"))
    assert sums(revocations) == (1, 0, 0)


def test_a_restored_backup_kills_every_older_link(
    database: Database, revocations: Revocations
) -> None:
    revoke(database, "z:clinic", "z:clinic", "b:clinic/documents")
    database.write_now(lambda c: restored(c, [CLINIC], 1_800_000_000.5))
    assert sums(revocations) == (1_800_000_001, 1_800_000_001, 1_800_000_000)
    database.write_now(lambda c: restored(c, [CLINIC], 5.0))
    assert sums(revocations) == (1_800_000_002, 1_800_000_002, 1_800_000_001)


STARTER = """
import sys, pathlib
from gateway.documents import Zone
from gateway.state.database import Database
from gateway.state.revocations import declare
database = Database.open(pathlib.Path(sys.argv[1]))
sys.stdin.readline()
zones = [Zone("clinic", "main", ("documents",))]
database.write_now(lambda connection: declare(connection, zones, 0.0))
print("started", flush=True)
"""


def test_processes_that_start_at_once_make_up_once(
    database: Database, revocations: Revocations, child: Callable[..., subprocess.Popen[str]]
) -> None:
    revoke(database, prefix_scope("clinic", "documents/reports/"))
    processes = [child(STARTER) for _ in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
    assert sums(revocations) == (2, 2, 2)


def test_looking_up_costs_next_to_nothing(database: Database, revocations: Revocations) -> None:
    """No time is compared; a request neither reads the database nor grows with the counters."""
    revoke(database, *(f"d:clinic/documents/{number}" for number in range(1_000)))
    revocations.fresh()
    reads = list[str]()
    database._nearby.set_trace_callback(reads.append)
    for number in range(1_000):
        revocations.fresh()
        assert revocations.generation(CLINIC, "documents", str(number)) == 1
    database._nearby.set_trace_callback(None)
    assert reads == []


PREFIXES = ("documents/", "documents/reports/", "documents/reports/2026/", "scans/")
DOCUMENTS = [
    ("documents", "a"),
    ("documents", "reports/a"),
    ("documents", "reports/2026/a"),
    ("scans", "a"),
]
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("revoke"),
            st.sampled_from(
                [
                    "z:clinic",
                    "b:clinic/documents",
                    "d:clinic/documents/a",
                    "d:clinic/documents/reports/a",
                    *(f"p:clinic/{prefix}" for prefix in PREFIXES),
                ]
            ),
        ),
        st.tuples(st.just("declare"), st.sets(st.sampled_from(PREFIXES))),
        st.tuples(st.just("restored"), st.none()),
        st.tuples(st.just("pass"), st.integers(0, 5)),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_no_sum_ever_falls_or_comes_back(steps: list[tuple[str, object]]) -> None:
    """Links carry a sum; were it to fall or come back, a revoked link would live again."""
    with TemporaryDirectory() as folder, closing(Database.open(Path(folder) / "s.db")) as database:
        # Without an fsync per step: nothing here is about crashes.
        database.write_now(lambda c: None)
        database._writer._connection.execute("PRAGMA synchronous = OFF")
        running, now, zone = declared(database, [PLAIN], 0.0), 0.0, PLAIN
        known = all_sums(running)
        for step, what in steps:
            if step == "pass":
                now += what  # type: ignore[operator]
                continue
            if step == "revoke":
                revoke(database, str(what), at=now)
            elif step == "restored":
                database.write_now(lambda c, now=now: restored(c, [PLAIN], now))  # type: ignore[misc]
            else:
                before, zone = zone, Zone("clinic", "main", (), revocable=tuple(what))  # type: ignore[arg-type]
                database.write_now(lambda c, zone=zone, now=now: declare(c, [zone], now))  # type: ignore[misc]
                known = strictly(known, set(before.revocable) - set(zone.revocable))
            sums = all_sums(running)
            assert all(new >= old for new, old in zip(sums, known, strict=True))
            assert sums == all_sums(declared(database, [zone], 0.0))
            if step == "revoke":
                assert_killed(str(what), zone, known, sums)
            known = sums


def all_sums(revocations: Revocations) -> list[int]:
    revocations.fresh()
    return [revocations.generation(PLAIN, bucket, key) for bucket, key in DOCUMENTS]


def strictly(known: list[int], gone: set[str]) -> list[int]:
    """After a prefix went every sum is above the old one: an equal one would have come back."""
    return [value + bool(gone) for value in known]


def assert_killed(scope: str, zone: Zone, before: list[int], after: list[int]) -> None:
    kind, _, place = scope.partition(":")
    for (bucket, key), old, new in zip(DOCUMENTS, before, after, strict=True):
        name = f"clinic/{bucket}/{key}"
        reached = {
            "z": True,
            "b": name.startswith(f"{place}/"),
            "d": name == place,
            "p": name.startswith(place) and place.removeprefix("clinic/") in zone.revocable,
        }[kind]
        assert new == old + reached


def test_the_clock_is_asked_for_nothing_but_the_time(database: Database) -> None:
    zone = Zone("clinic", "main", (), revocable=("documents/",))
    declared(database, [zone], time.time())
    declared(database, [PLAIN], time.time())
    assert abs(sums(declared(database, [PLAIN], time.time()))[0] - time.time()) < 3_600


def test_what_is_revoked_below_a_folder_is_told_with_its_time(database: Database) -> None:
    zone = Zone(
        "clinic", "main", ("documents",), revocable=("documents/reports/", "documents/reports/a/")
    )
    known = declared(database, [zone], 100.0)

    def alone(key: str, folder: str) -> float:
        known.fresh()
        return known.alone_at(zone, "documents", key, folder)

    assert alone("reports/a/b.pdf", "reports/") == 0
    revoke(database, prefix_scope("clinic", "documents/reports/"), at=200.0)
    revoke(database, bucket_scope("clinic", "documents"), zone_scope("clinic"), at=201.0)
    assert alone("reports/a/b.pdf", "reports/") == 0, "these count in the folder's generation"
    revoke(database, prefix_scope("clinic", "documents/reports/a/"), at=210.0)
    assert alone("reports/a/b.pdf", "reports/") == 210.0
    assert alone("reports/b.pdf", "reports/") == 0
    assert alone("reports/a/b.pdf", "reports/a/") == 0
    revoke(database, document_scope(DocumentRef("clinic", "documents", "reports/a/b.pdf")), at=220)
    assert alone("reports/a/b.pdf", "reports/") == 220.0
    assert alone("reports/a/b.pdf", "reports/a/") == 220.0
    assert alone("reports/a/c.pdf", "reports/a/") == 0
    # Another process reads it from the counters, not from the feed.
    again = Revocations(database)
    assert again.alone_at(zone, "documents", "reports/a/b.pdf", "reports/") == 220.0
