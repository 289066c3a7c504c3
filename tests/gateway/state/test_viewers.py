"""Viewers who were revoked: an odd counter says that they are refused."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.documents import Zone
from gateway.state import feed
from gateway.state.database import Database
from gateway.state.revocations import Revocations, is_viewer, reinstate, revoke, viewer_scope

CLINIC = Zone("clinic", "main", ("documents",))
JANE, JOHN = "7c9e6679-jane", "auth0|john/../z:clinic"


@pytest.fixture
def revocations(database: Database) -> Revocations:
    return Revocations(database)


def refuse(database: Database, *subjects: str) -> None:
    for subject in subjects:
        database.write_now(lambda c, s=subject: revoke(c, viewer_scope(s), 1.0))  # type: ignore[misc]


def admit(database: Database, *subjects: str) -> None:
    for subject in subjects:
        database.write_now(lambda c, s=subject: reinstate(c, viewer_scope(s), 2.0))  # type: ignore[misc]


def refused(revocations: Revocations) -> tuple[bool, bool]:
    revocations.fresh()
    return revocations.refused(JANE), revocations.refused(JOHN)


def test_a_revoked_viewer_is_refused_and_no_other(
    database: Database, revocations: Revocations
) -> None:
    assert refused(revocations) == (False, False)
    refuse(database, JANE)
    assert refused(revocations) == (True, False)
    assert refused(Revocations(database)) == (True, False)


def test_every_reinstatement_is_counted_and_nothing_else(
    database: Database, revocations: Revocations
) -> None:
    for times in range(3):
        assert revocations.returns(JANE) == times
        refuse(database, JANE, JANE)
        revocations.fresh()
        assert revocations.returns(JANE) == times
        admit(database, JANE, JANE)
        revocations.fresh()
    assert (revocations.returns(JANE), revocations.returns(JOHN)) == (3, 0)
    assert Revocations(database).returns(JANE) == 3


def test_revoking_twice_still_refuses_and_tells_nothing_new(
    database: Database, revocations: Revocations
) -> None:
    refuse(database, JANE)
    end = database.read_now(feed.end)
    refuse(database, JANE)
    assert refused(revocations) == (True, False)
    assert database.read_now(feed.end) == end


def test_a_reinstated_viewer_is_admitted_and_can_be_revoked_again(
    database: Database, revocations: Revocations
) -> None:
    refuse(database, JANE, JOHN)
    admit(database, JANE, JANE)
    assert refused(revocations) == (False, True)
    refuse(database, JANE)
    assert refused(revocations) == (True, True)


def test_reinstating_whoever_was_never_revoked_writes_nothing(database: Database) -> None:
    admit(database, JANE)
    assert database.read_now(feed.end) == 0


def test_no_generation_moves_with_a_viewer(database: Database, revocations: Revocations) -> None:
    refuse(database, JANE, "", "clinic", "clinic/documents", "clinic/documents/a")
    revocations.fresh()
    assert revocations.generation(CLINIC, "documents", "a") == 0


def test_whoever_has_no_name_is_not_refused_by_others(
    database: Database, revocations: Revocations
) -> None:
    refuse(database, JANE)
    database.write_now(lambda c: revoke(c, "z:clinic", 1.0))
    revocations.fresh()
    assert not revocations.refused("")
    assert revocations.generation(CLINIC, "documents", "a") == 1


@pytest.mark.parametrize(("scope", "viewer"), [("v:a", True), ("v:", False), ("z:v:a", False)])
def test_a_viewers_scope_is_told_from_the_others(scope: str, viewer: bool) -> None:
    assert is_viewer(scope) is viewer


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.booleans(), max_size=8), subject=st.text(max_size=20))
def test_the_last_word_holds_whatever_came_before(
    database: Database, steps: list[bool], subject: str
) -> None:
    for revoked in steps:
        (refuse if revoked else admit)(database, f"s-{subject}")
        assert Revocations(database).refused(f"s-{subject}") is revoked


REFUSER = """
import sys, pathlib
from gateway.state.database import Database
from gateway.state.revocations import reinstate, revoke
database = Database.open(pathlib.Path(sys.argv[1]))
print("open", flush=True)
for line in sys.stdin:
    change = {"out": revoke, "in": reinstate}[line.strip()]
    database.write_now(lambda c: change(c, "v:jane", 1.0))
    print("done", flush=True)
"""


def test_the_next_request_of_every_process_knows(
    revocations: Revocations, child: Callable[..., subprocess.Popen[str]]
) -> None:
    process = child(REFUSER)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "open\n"
    for turn in range(40):
        process.stdin.write("in\n" if turn % 2 else "out\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"
        revocations.fresh()
        assert revocations.refused("jane") is (turn % 2 == 0)


def test_a_delivery_for_a_viewer_ends_with_that_viewer_s_access(
    database: Database, revocations: Revocations
) -> None:
    ended = list[str]()

    def watch(viewer: str) -> None:
        def end() -> None:
            ended.append(viewer)

        revocations.register(CLINIC, "documents", "a", 0, end, viewer=viewer)

    for viewer in (JANE, JOHN, ""):
        watch(viewer)
    refuse(database, JANE)
    revocations.fresh()
    assert ended == [JANE]
    watch(JANE)
    assert ended == [JANE, JANE], "too late"
