from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable

import pytest

from cdn.purge import PurgeState
from gateway.state import collapsing, leases, outbox, receipts
from gateway.state.database import Database
from gateway.state.jobs import Within
from gateway.state.leases import Lease
from gateway.state.outbox import Target
from gateway.state.receipts import ORDINARY, URGENT, ProviderStatus, PurgeRow
from gateway.state.settling import Taken

SECOND = 20.0


class Desk:
    """The outbox of one provider, with a clock of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = 1_000.0
        self._purges = 0

    def ask(self, *tags: str, soft: bool = False, priority: int = ORDINARY) -> str:
        self._purges += 1
        purge = PurgeRow(f"p-{self._purges}", "{}", soft, "edit", "me", self.now, priority)
        targets = [Target("edge", tag, soft) for tag in tags]
        self.database.write_now(lambda c: outbox.enqueue(c, purge, targets))
        return purge.id

    def claim(self, limit: int = 100) -> Lease | None:
        lease = (secrets.token_hex(4), 30.0)
        return self.database.write_now(lambda c: leases.claim(c, "edge", limit, lease, self.now))

    def claimed(self, limit: int = 100) -> Lease:
        lease = self.claim(limit)
        assert lease is not None
        return lease

    def due(self) -> bool:
        return self.database.read_now(lambda c: leases.due(c, "edge", self.now))

    def confirm(self, lease: Lease, settles: float = 0.0) -> None:
        taken = Taken("ref", self.now, self.now + SECOND, self.now + settles)
        self.database.write_now(lambda c: leases.confirm(c, lease, taken))

    def postpone(self, lease: Lease, until: float) -> None:
        self.database.write_now(lambda c: leases.postpone(c, lease, "503", until))

    def bury(self, lease: Lease) -> None:
        self.database.write_now(lambda c: leases.bury(c, lease, "403", self.now))

    def state(self, purge: str) -> PurgeState:
        status = self.database.read_now(lambda c: receipts.status(c, purge))
        assert status is not None
        return status.state

    def parts(self, purge: str) -> tuple[ProviderStatus, ...]:
        status = self.database.read_now(lambda c: receipts.status(c, purge))
        assert status is not None
        return status.providers

    def jobs(self) -> int:
        count: int = self.database.read_now(
            lambda c: c.execute("SELECT count(*) FROM purge_job").fetchone()[0]
        )
        return count


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_a_purge_is_confirmed_after_its_second_pass(desk: Desk) -> None:
    purge = desk.ask("d-1", "d-2")
    assert desk.state(purge) is PurgeState.QUEUED
    desk.confirm(desk.claimed())
    assert desk.state(purge) is PurgeState.SENT
    desk.now += SECOND - 1
    assert not desk.due()
    assert desk.claim() is None
    desk.now += 1
    assert desk.due()
    desk.confirm(desk.claimed())
    assert desk.state(purge) is PurgeState.CONFIRMED
    assert not desk.due()


def test_it_is_sent_only_when_every_tag_is(desk: Desk) -> None:
    purge = desk.ask("d-1", "d-2")
    desk.confirm(desk.claimed(limit=1))
    assert desk.state(purge) is PurgeState.QUEUED
    desk.confirm(desk.claimed(limit=1))
    assert desk.state(purge) is PurgeState.SENT


def test_without_a_provider_it_is_confirmed_at_once(desk: Desk) -> None:
    assert desk.state(desk.ask()) is PurgeState.CONFIRMED


def test_an_unknown_purge_has_no_status(desk: Desk) -> None:
    assert desk.database.read_now(lambda c: receipts.status(c, "p-9")) is None


def test_changes_of_one_tag_wait_for_one_job(desk: Desk) -> None:
    purges = [desk.ask("d-1") for _ in range(5)]
    assert desk.claimed().tags == ["d-1"]
    assert desk.jobs() == 1
    other = desk.ask("d-1", soft=True)
    assert desk.jobs() == 2
    assert {desk.state(purge) for purge in (*purges, other)} == {PurgeState.QUEUED}


def test_a_leased_job_absorbs_no_newer_change(desk: Desk) -> None:
    first = desk.ask("d-1")
    lease = desk.claimed()
    second = desk.ask("d-1")
    desk.confirm(lease)
    assert desk.state(first) is PurgeState.SENT
    assert desk.state(second) is PurgeState.QUEUED
    assert desk.claimed().tags == ["d-1"]


def test_what_is_leased_is_given_to_nobody_else_until_the_lease_ends(desk: Desk) -> None:
    purge = desk.ask("d-1")
    lost = desk.claimed()
    desk.now += 29
    assert desk.claim() is None
    desk.now += 1
    again = desk.claimed()
    assert again.jobs[0].attempts == 2
    desk.confirm(lost)
    desk.postpone(lost, 0.0)
    desk.bury(lost)
    assert desk.state(purge) is PurgeState.QUEUED
    desk.confirm(again)
    assert desk.state(purge) is PurgeState.SENT


def test_revocations_go_before_edits_however_late(desk: Desk) -> None:
    desk.ask(*(f"d-{number}" for number in range(10)))
    desk.ask("d-revoked", priority=URGENT)
    assert desk.claimed(limit=3).tags[0] == "d-revoked"


def test_a_revocation_makes_a_waiting_edit_urgent(desk: Desk) -> None:
    desk.ask("d-1", "d-2", "d-3")
    desk.ask("d-3", priority=URGENT)
    assert desk.claimed(limit=1).tags == ["d-3"]
    desk.ask("d-2")
    assert desk.claimed(limit=1).tags == ["d-1"]


def test_hard_and_soft_are_never_in_one_call(desk: Desk) -> None:
    desk.ask("d-1", "d-2", soft=True)
    desk.ask("d-1", priority=URGENT)
    first, second = desk.claimed(), desk.claimed()
    assert (first.tags, first.soft) == (["d-1"], False)
    assert (second.tags, second.soft) == (["d-1", "d-2"], True)


def test_both_passes_of_a_tag_are_one_call(desk: Desk) -> None:
    desk.ask("d-1")
    desk.confirm(desk.claimed())
    desk.now += SECOND
    desk.ask("d-1")
    lease = desk.claimed()
    assert lease.tags == ["d-1"]
    assert {job.number for job in lease.jobs} == {1, 2}


def test_a_postponed_job_comes_again_and_absorbs_what_came_meanwhile(desk: Desk) -> None:
    first = desk.ask("d-1")
    lease = desk.claimed()
    desk.postpone(lease, desk.now + 60)
    assert desk.claim() is None
    second = desk.ask("d-1")
    assert desk.jobs() == 1
    desk.confirm(desk.claimed())
    assert desk.state(first) is desk.state(second) is PurgeState.SENT


def test_a_postponed_job_joins_the_ready_one_that_came_meanwhile(desk: Desk) -> None:
    first = desk.ask("d-1", priority=URGENT)
    lease = desk.claimed()
    second = desk.ask("d-1")
    desk.postpone(lease, desk.now + 60)
    assert desk.jobs() == 1
    desk.ask("d-0")
    lease = desk.claimed(limit=1)
    assert lease.tags == ["d-1"]
    desk.confirm(lease)
    assert desk.state(first) is desk.state(second) is PurgeState.SENT


def test_a_call_made_again_has_its_key_and_one_for_a_newer_change_another(desk: Desk) -> None:
    desk.ask("d-1")
    first = desk.claimed()
    desk.postpone(first, desk.now)
    again = desk.claimed()
    assert (again.key, again.token) != (first.key, first.token)
    assert again.key == first.key
    desk.postpone(again, desk.now)
    desk.ask("d-1")
    newer = desk.claimed()
    assert newer.key != first.key
    desk.confirm(newer)
    desk.now += SECOND
    assert desk.claimed().key != newer.key


def test_a_dead_job_fails_its_purges_until_it_is_requeued(desk: Desk) -> None:
    purge = desk.ask("d-1", "d-2")
    desk.bury(desk.claimed(limit=1))
    desk.confirm(desk.claimed())
    assert desk.state(purge) is PurgeState.FAILED
    status = desk.database.read_now(lambda c: receipts.status(c, purge))
    assert status is not None
    assert (status.providers[0].error, status.providers[0].sent) == ("403", 1)
    assert desk.database.write_now(lambda c: outbox.requeue(c, "other", desk.now)) == 0
    assert desk.database.write_now(lambda c: outbox.requeue(c, "edge", desk.now)) == 1
    assert desk.state(purge) is PurgeState.QUEUED
    desk.confirm(desk.claimed())
    assert desk.state(purge) is PurgeState.SENT


def test_a_requeued_job_joins_the_ready_one(desk: Desk) -> None:
    dead = desk.ask("d-1")
    desk.bury(desk.claimed())
    desk.ask("d-1")
    desk.database.write_now(lambda c: outbox.requeue(c, "edge", desk.now))
    assert desk.jobs() == 1
    desk.confirm(desk.claimed())
    assert desk.state(dead) is PurgeState.SENT


def test_a_second_pass_counts_only_for_those_it_comes_late_enough_for(desk: Desk) -> None:
    first = desk.ask("d-1")
    desk.confirm(desk.claimed())
    desk.now += 15
    late = desk.ask("d-1")
    desk.confirm(desk.claimed())
    desk.now += 5
    desk.confirm(desk.claimed())
    assert desk.state(first) is PurgeState.CONFIRMED
    assert desk.state(late) is PurgeState.SENT
    desk.now += 15
    desk.confirm(desk.claimed())
    assert desk.state(late) is PurgeState.CONFIRMED
    assert not desk.due()


def test_a_document_that_changes_all_the_time_is_confirmed_all_the_same(desk: Desk) -> None:
    purges = []
    for _ in range(60):
        purges.append(desk.ask("d-1"))
        while lease := desk.claim():
            desk.confirm(lease)
        desk.now += 1
    states = [desk.state(purge) for purge in purges]
    assert states[:20] == [PurgeState.CONFIRMED] * 20
    assert states[-1] is PurgeState.SENT


def test_providers_are_told_apart(desk: Desk) -> None:
    purge = PurgeRow("p-x", "{}", False, "edit", "me", desk.now)
    targets = [Target("edge", "d-1", False), Target("other", "d-1", False)]
    desk.database.write_now(lambda c: outbox.enqueue(c, purge, targets))
    desk.confirm(desk.claimed())
    status = desk.database.read_now(lambda c: receipts.status(c, "p-x"))
    assert status is not None
    assert [(at.provider, at.state, at.reference) for at in status.providers] == [
        ("edge", PurgeState.SENT, "ref"),
        ("other", PurgeState.QUEUED, ""),
    ]
    assert status.state is PurgeState.QUEUED
    assert status.purge == purge


def test_depths_tell_what_waits_since_when_and_what_is_dead(desk: Desk) -> None:
    assert desk.database.read_now(receipts.depths) == []
    desk.ask("d-dead")
    desk.bury(desk.claimed())
    desk.now += 5
    desk.ask("d-1")
    desk.now += 5
    desk.ask("d-1", "d-2")
    desk.postpone(desk.claimed(), desk.now + 50)
    assert desk.database.read_now(receipts.depths) == [receipts.Depth("edge", 2, 1, 1_005.0)]
    desk.now += 50
    desk.confirm(desk.claimed())
    assert desk.database.read_now(receipts.depths) == [receipts.Depth("edge", 2, 1, 0)]


def test_trimming_forgets_what_is_done_and_nothing_else(desk: Desk) -> None:
    done, dead, waiting = desk.ask("d-1"), desk.ask("d-2"), ""
    first = desk.claimed(limit=1)
    desk.bury(desk.claimed())
    desk.confirm(first)
    desk.now += SECOND
    desk.confirm(desk.claimed())
    waiting = desk.ask("d-3")
    desk.database.write_now(lambda c: receipts.trim(c, desk.now + 1))
    assert desk.database.read_now(lambda c: receipts.status(c, done)) is None
    assert desk.state(dead) is PurgeState.FAILED
    assert desk.state(waiting) is PurgeState.QUEUED
    assert desk.jobs() == 2


BUMPER = """
import itertools, pathlib, sys
from gateway.state import outbox
from gateway.state.database import Database
from gateway.state.revocations import bump
database = Database.open(pathlib.Path(sys.argv[1]))
def change(connection, number):
    generation = bump(connection, f"d:{number % 5}", 0.0)
    purge = outbox.PurgeRow(f"{sys.argv[2]}-{number}", "{}", False, "", "", float(generation))
    outbox.enqueue(connection, purge, [outbox.Target("edge", f"d-{number % 5}", False)])
    return generation
for number in itertools.count():
    generation = database.write_now(lambda c: change(c, number))
    print(number % 5, generation, flush=True)
"""


def test_a_killed_process_loses_no_acknowledged_change_and_halves_none(
    desk: Desk, child: Callable[..., subprocess.Popen[str]]
) -> None:
    acknowledged = dict[str, int]()
    for life in range(4):
        process = child(BUMPER, str(life))
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(40)]
        process.kill()
        lines += process.communicate()[0].splitlines()
        for line in lines:
            if len(parts := line.split()) == 2:
                acknowledged[parts[0]] = int(parts[1])
    counters = dict(
        desk.database.read_now(
            lambda c: c.execute("SELECT substr(scope, 3), counter FROM revocation").fetchall()
        )
    )
    # `at` holds the generation that each purge was written with.
    covered = dict(
        desk.database.read_now(
            lambda c: c.execute(
                "SELECT substr(tag, 3), max(at) FROM purge JOIN purge_wait ON purge = purge.id"
                " JOIN purge_job ON purge_job.id = job GROUP BY tag"
            ).fetchall()
        )
    )
    assert counters == covered
    assert len(acknowledged) == 5
    assert all(counters[number] >= generation for number, generation in acknowledged.items())


def test_the_last_of_racing_changes_is_always_purged(
    desk: Desk, child: Callable[..., subprocess.Popen[str]]
) -> None:
    """A purge started after a change's commit must follow each change, whoever wins each race."""
    processes = [child(BUMPER, str(number)) for number in range(2)]
    purged = dict[str, int]()

    def generations() -> dict[str, int]:
        return dict(
            desk.database.read_now(
                lambda c: c.execute("SELECT substr(scope, 3), counter FROM revocation").fetchall()
            )
        )

    def work() -> bool:
        lease = desk.claim()
        if lease is None:
            return False
        known = generations()
        purged.update({tag[2:]: known[tag[2:]] for tag in lease.tags})
        desk.confirm(lease)
        return True

    rounds = 0
    while rounds < 60:
        rounds += work()
    for process in processes:
        process.kill()
        process.communicate()
    while work():
        pass
    assert purged == generations()


def test_a_clock_that_is_set_back_puts_nothing_off(desk: Desk) -> None:
    purge = desk.ask("d-1")
    desk.postpone(desk.claimed(), desk.now + 60)
    desk.now -= 3_600
    lost = desk.claimed()
    desk.now -= 3_600
    desk.confirm(desk.claimed())
    desk.confirm(lost)
    assert desk.state(purge) is PurgeState.SENT
    desk.now -= 3_600
    desk.confirm(desk.claimed())  # nobody knows when the first pass was
    assert desk.state(purge) is PurgeState.SENT
    assert desk.claim() is None
    desk.now += SECOND
    desk.confirm(desk.claimed())
    assert desk.state(purge) is PurgeState.CONFIRMED


def test_what_is_confirmed_in_fewer_tags_than_were_sent_is_confirmed_whole(desk: Desk) -> None:
    within = Within("f-1")
    targets = [Target("edge", f"d-{n}", False, within) for n in range(3)]
    purge = PurgeRow("p-many", "{}", False, "", "", desk.now)
    desk.database.write_now(lambda c: outbox.enqueue(c, purge, targets))
    desk.confirm(desk.claimed())
    desk.database.write_now(lambda c: collapsing.collapse(c, "edge", 0))
    [told] = desk.parts("p-many")
    assert (told.state, told.tags, told.sent, told.confirmed) == (PurgeState.SENT, 3, 3, 0)
    desk.now += SECOND
    lease = desk.claimed()
    assert lease.tags == ["f-1"]
    desk.confirm(lease)
    [told] = desk.parts("p-many")
    assert (told.state, told.tags, told.sent, told.confirmed) == (PurgeState.CONFIRMED, 3, 3, 3)
