from __future__ import annotations

import pytest

from cdn.purge import PurgeState
from gateway.state import leases, outbox, receipts, settling
from gateway.state.database import Database
from gateway.state.outbox import Target
from gateway.state.receipts import PurgeRow, PurgeStatus
from gateway.state.settling import Taken, Unsettled

SECOND, ASK = 20.0, 10.0


class Desk:
    """The purges of one provider that takes its time, with a clock of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = 1_000.0
        self.calls = 0
        self.purges = 0

    def ask(self, *tags: str) -> str:
        self.purges += 1
        purge = PurgeRow(f"p-{self.purges}", "{}", False, "", "", self.now)
        targets = [Target("edge", tag, False) for tag in tags]
        self.database.write_now(lambda c: outbox.enqueue(c, purge, targets))
        return purge.id

    def take(self) -> int:
        """The provider takes all that is due; how many tags."""
        self.calls += 1
        lease = self.database.write_now(
            lambda c: leases.claim(c, "edge", 100, (f"t{self.calls}", 30.0), self.now)
        )
        if lease is None:
            return 0
        taken = Taken(f"r{self.calls}", self.now, self.now + SECOND, self.now + ASK)
        self.database.write_now(lambda c: leases.confirm(c, lease, taken))
        return len(lease.tags)

    def due(self) -> list[Unsettled]:
        return self.database.read_now(lambda c: settling.due(c, "edge", self.now, 100))

    def settle(self) -> None:
        for what in self.due():
            self.database.write_now(lambda c, what=what: settling.settle(c, "edge", what, self.now))

    def status(self, purge: str) -> PurgeStatus:
        status = self.database.read_now(lambda c: receipts.status(c, purge))
        assert status is not None
        return status


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_a_second_pass_waits_for_the_first_to_be_carried_out(desk: Desk) -> None:
    purge = desk.ask("d-1", "d-2")
    assert desk.take() == 2
    desk.now += 60
    assert desk.take() == 0, "whatever time has gone"
    assert desk.status(purge).state is PurgeState.SENT
    desk.settle()
    assert desk.take() == 2
    assert desk.status(purge).state is PurgeState.SENT, "taken is not carried out"
    desk.now += ASK
    desk.settle()
    [told] = desk.status(purge).providers
    assert told.state is PurgeState.CONFIRMED
    assert (told.sent_at, told.confirmed_at) == (1_000.0, 1_070.0)
    assert told.references == ("r1", "r3")


def test_a_first_pass_that_is_soon_over_still_waits_for_the_longest_fetch(desk: Desk) -> None:
    desk.ask("d-1")
    desk.take()
    desk.now += ASK
    desk.settle()
    assert desk.take() == 0
    desk.now += SECOND - ASK
    assert desk.take() == 1


def test_it_is_asked_about_each_call_once_and_not_too_early(desk: Desk) -> None:
    desk.ask("d-1", "d-2", "d-3")
    desk.take()
    assert desk.due() == []
    desk.now += ASK
    [what] = desk.due()
    assert what == Unsettled("r1", 1_000.0)
    desk.database.write_now(
        lambda c: settling.postpone(c, "edge", what, desk.now + ASK, "not allowed to look")
    )
    assert desk.due() == []
    assert desk.status("p-1").providers[0].error == "not allowed to look"
    desk.now += ASK
    desk.settle()
    assert desk.status("p-1").providers[0].error == ""


def test_what_is_lost_is_asked_for_again(desk: Desk) -> None:
    purge = desk.ask("d-1")
    desk.take()
    desk.now += ASK
    later = desk.now + ASK
    [what] = desk.due()
    desk.database.write_now(lambda c: settling.lose(c, "edge", what, later, "failed"))
    assert desk.status(purge).state is PurgeState.QUEUED
    assert desk.take() == 0
    desk.now = later
    assert desk.take() == 1
    assert desk.due() == []


def test_what_nobody_can_learn_of_is_dead_until_it_is_requeued(desk: Desk) -> None:
    purge = desk.ask("d-1")
    desk.take()
    desk.now += ASK
    [what] = desk.due()
    desk.database.write_now(lambda c: settling.bury(c, "edge", what, desk.now, "no answer"))
    assert desk.status(purge).state is PurgeState.FAILED
    assert desk.due() == []
    assert desk.database.write_now(lambda c: outbox.requeue(c, "edge", desk.now)) == 1
    assert desk.take() == 1


def test_a_change_while_the_cdn_is_at_it_is_no_part_of_it(desk: Desk) -> None:
    first = desk.ask("d-1")
    desk.take()
    desk.now += ASK / 2
    second = desk.ask("d-1")
    desk.take()
    desk.now += ASK / 2
    desk.settle()
    desk.now += SECOND
    desk.take()
    desk.now += ASK
    desk.settle()
    assert desk.status(first).state is PurgeState.CONFIRMED
    assert desk.status(second).state is PurgeState.SENT
    for _ in range(3):
        desk.now += SECOND
        desk.take()
        desk.settle()
    assert desk.status(second).state is PurgeState.CONFIRMED


def test_a_clock_that_is_set_back_puts_nothing_off(desk: Desk) -> None:
    desk.ask("d-1")
    desk.take()
    desk.now -= 500
    desk.settle()
    desk.now += SECOND
    assert desk.take() == 1


def test_what_is_not_settled_is_not_forgotten(desk: Desk) -> None:
    purge = desk.ask("d-1")
    desk.take()
    desk.database.write_now(lambda c: receipts.trim(c, desk.now + 1_000_000))
    assert desk.status(purge).state is PurgeState.SENT
