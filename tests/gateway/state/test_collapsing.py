"""Whatever is collapsed, leased, lost or put off: no purge is done before its tags are gone."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cdn.purge import PurgeState
from gateway.state import collapsing, leases, outbox, receipts
from gateway.state.database import Database
from gateway.state.jobs import Within
from gateway.state.leases import Lease
from gateway.state.outbox import Target
from gateway.state.receipts import ORDINARY, URGENT, PurgeRow
from gateway.state.settling import Taken

SECOND, LEASE = 20.0, 30.0
FOLDERS, DOCUMENTS = 3, 4


def within(folder: int) -> Within:
    return Within(f"f-{folder}", f"b-{folder % 2}", "z-0")


class Call:
    """What one confirmed call told the CDN, and when it began."""

    def __init__(self, lease: Lease) -> None:
        self.began, self.soft, self.tags = lease.began, lease.soft, frozenset(lease.tags)

    def covers(self, target: Target) -> bool:
        return self.soft == target.soft and bool(self.tags & {target.tag, *target.within})


class Queue:
    """One provider's outbox on a clock of its own, and what the CDN was really told."""

    def __init__(self, path: Path) -> None:
        self.database = Database.open(path)
        self.now = 1_000.0
        self.asked: dict[str, tuple[float, list[Target]]] = {}
        self.told: list[Call] = []
        self.leases: list[Lease] = []

    def ask(self, targets: list[Target], priority: int = ORDINARY) -> str:
        purge = PurgeRow(f"p-{len(self.asked)}", "{}", False, "", "", self.now, priority)
        self.database.write_now(lambda c: outbox.enqueue(c, purge, targets))
        self.asked[purge.id] = self.now, targets
        return purge.id

    def collapse(self, most: int) -> int:
        return self.database.write_now(lambda c: collapsing.collapse(c, "edge", most))

    def depth(self) -> int:
        return self.database.read_now(lambda c: collapsing.depth(c, "edge"))

    def claim(self, limit: int = 100) -> Lease | None:
        token = (secrets.token_hex(4), LEASE)
        lease = self.database.write_now(lambda c: leases.claim(c, "edge", limit, token, self.now))
        if lease is not None:
            self.leases.append(lease)
        return lease

    def claimed(self) -> Lease:
        lease = self.claim()
        assert lease is not None
        return lease

    def confirm(self, lease: Lease) -> None:
        self.leases.remove(lease)
        self.told.append(Call(lease))
        taken = Taken("ref", self.now, self.now + SECOND, self.now)
        self.database.write_now(lambda c: leases.confirm(c, lease, taken))

    def postpone(self, lease: Lease, seconds: float) -> None:
        self.leases.remove(lease)
        until = self.now + seconds
        self.database.write_now(lambda c: leases.postpone(c, lease, "503", until))

    def state(self, purge: str) -> PurgeState:
        status = self.database.read_now(lambda c: receipts.status(c, purge))
        assert status is not None
        return status.state

    def work_off(self) -> None:
        for _ in range(200):
            while lease := self.claim():
                self.confirm(lease)
            if not self.depth():
                return
            self.now += SECOND
        raise AssertionError("it never ends")

    def check(self, purge: str) -> None:
        """What the receipt says was done was told to the CDN, after the change, and again later."""
        at, targets = self.asked[purge]
        state = self.state(purge)
        if state is PurgeState.QUEUED:
            return
        for target in targets:
            calls = [call.began for call in self.told if call.covers(target) and call.began >= at]
            assert calls, f"{purge} was never told of {target.tag}"
            if state is PurgeState.CONFIRMED:
                assert max(calls) - min(calls) >= SECOND, f"{purge} had no second pass in time"


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    queue = Queue(tmp_path / "state.db")
    yield queue
    queue.database.close()


def document(folder: int, number: int, *, soft: bool = False) -> Target:
    return Target("edge", f"d-{folder}-{number}", soft, within(folder))


def test_documents_become_folders_then_buckets_then_the_zone(queue: Queue) -> None:
    purges = [queue.ask([document(f, n) for n in range(DOCUMENTS)]) for f in range(FOLDERS)]
    seen = []
    for most in (12, 9, 3, 2, 1, 0):
        queue.collapse(most)
        seen.append(queue.depth())
    assert seen == [12, 9, 3, 2, 1, 1]
    lease = queue.claim()
    assert lease is not None
    assert lease.tags == ["z-0"]
    queue.confirm(lease)
    assert {queue.state(purge) for purge in purges} == {PurgeState.SENT}
    queue.work_off()
    assert {queue.state(purge) for purge in purges} == {PurgeState.CONFIRMED}


def test_the_fullest_folder_is_the_first_to_go(queue: Queue) -> None:
    queue.ask([document(0, 0), document(0, 1), *(document(1, n) for n in range(4))])
    queue.collapse(4)
    lease = queue.claim()
    assert lease is not None
    assert sorted(lease.tags) == ["d-0-0", "d-0-1", "f-1"]


def test_a_revocation_that_is_collapsed_stays_hard_and_first(queue: Queue) -> None:
    queue.ask([document(0, n, soft=True) for n in range(3)])
    queue.ask([Target("edge", "d-1-0", False), *(document(0, n) for n in range(2))], URGENT)
    queue.ask([document(2, 0)])
    queue.collapse(4)
    first = queue.claim()
    assert first is not None
    assert (first.soft, set(first.tags[:2])) == (False, {"d-1-0", "f-0"})
    second = queue.claim()
    assert second is not None
    assert (second.soft, second.tags) == (True, ["f-0"])


def test_what_is_on_the_wire_keeps_its_tag_and_takes_up_nothing(queue: Queue) -> None:
    early = queue.ask([document(0, 0)])
    lease = queue.claim()
    assert lease is not None
    late = queue.ask([document(0, n) for n in range(3)])
    assert queue.collapse(0) == 3
    queue.confirm(lease)
    assert (queue.state(early), queue.state(late)) == (PurgeState.SENT, PurgeState.QUEUED)
    queue.work_off()
    queue.check(late)
    assert queue.state(late) is PurgeState.CONFIRMED


def test_a_second_pass_that_joins_a_bigger_one_is_not_served_by_it_too_early(
    queue: Queue,
) -> None:
    early = queue.ask([document(0, 0), document(0, 1)])
    queue.confirm(queue.claimed())
    queue.collapse(1)
    queue.now += SECOND / 2
    late = queue.ask([document(0, 2), document(0, 3)])
    queue.confirm(queue.claimed())
    queue.collapse(1)
    queue.now += SECOND / 2
    queue.confirm(queue.claimed())
    assert (queue.state(early), queue.state(late)) == (PurgeState.CONFIRMED, PurgeState.SENT)
    assert queue.claim() is None
    queue.now += SECOND / 2
    queue.confirm(queue.claimed())
    assert queue.state(late) is PurgeState.CONFIRMED


def test_bare_tags_can_not_be_collapsed_and_nothing_is_below_the_limit(queue: Queue) -> None:
    queue.ask([Target("edge", f"d-{n}", False) for n in range(5)])
    assert queue.collapse(2) == 0
    assert queue.collapse(10) == 0
    assert queue.depth() == 5


def test_another_provider_keeps_its_queue(queue: Queue) -> None:
    queue.ask([Target("other", f"d-0-{n}", False, within(0)) for n in range(5)])
    queue.ask([document(0, n) for n in range(5)])
    queue.collapse(0)
    assert queue.database.read_now(lambda c: collapsing.depth(c, "other")) == 5


class Storm(RuleBasedStateMachine):
    """Anything may happen to a queue in any order; what a receipt says stays true."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.queue = Queue(Path(self._folder.name) / "state.db")

    @rule(
        documents=st.sets(
            st.tuples(st.integers(0, FOLDERS - 1), st.integers(0, DOCUMENTS - 1)),
            min_size=1,
            max_size=5,
        ),
        soft=st.booleans(),
        urgent=st.booleans(),
    )
    def ask(self, documents: set[tuple[int, int]], soft: bool, urgent: bool) -> None:
        targets = [document(*one, soft=soft and not urgent) for one in sorted(documents)]
        self.queue.ask(targets, URGENT if urgent else ORDINARY)

    @rule(folder=st.integers(0, FOLDERS - 1))
    def ask_for_a_folder(self, folder: int) -> None:
        above = within(folder)
        self.queue.ask([Target("edge", above.folder, False, above._replace(folder=""))])

    @rule(most=st.integers(0, 6))
    def collapse(self, most: int) -> None:
        self.queue.collapse(most)

    @rule(limit=st.integers(1, 5))
    def claim(self, limit: int) -> None:
        self.queue.claim(limit)

    @rule(seconds=st.sampled_from((1.0, SECOND - 1, SECOND, LEASE)))
    def wait(self, seconds: float) -> None:
        self.queue.now += seconds

    @rule(seconds=st.sampled_from((5.0, 3_600.0)))
    def set_the_clock_back(self, seconds: float) -> None:
        # The calls that were made keep their order: their times go back with the clock.
        self.queue.now -= seconds
        for call in self.queue.told:
            call.began -= seconds
        asked = self.queue.asked
        for purge, (at, targets) in asked.items():
            asked[purge] = at - seconds, targets

    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        if self.queue.leases:
            self.queue.confirm(data.draw(st.sampled_from(self.queue.leases)))

    @rule(data=st.data(), seconds=st.sampled_from((0.0, 1.0, 60.0)))
    def postpone(self, data: st.DataObject, seconds: float) -> None:
        if self.queue.leases:
            self.queue.postpone(data.draw(st.sampled_from(self.queue.leases)), seconds)

    @invariant()
    def receipts_are_true(self) -> None:
        for purge in self.queue.asked:
            self.queue.check(purge)

    def teardown(self) -> None:
        try:
            self.queue.work_off()
            for purge in self.queue.asked:
                assert self.queue.state(purge) is PurgeState.CONFIRMED
                self.queue.check(purge)
        finally:
            self.queue.database.close()
            self._folder.cleanup()


TestStorm = Storm.TestCase
TestStorm.settings = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
