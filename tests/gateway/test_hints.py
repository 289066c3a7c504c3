"""Hints: whatever is told, how often and in which order, caches end up with what the store has."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdn.providers.null import Null
from cdn.tags import bucket_tag, document_tag
from gateway.catalogue import Catalogue
from gateway.documents import Document, DocumentRef, Zone
from gateway.errors import DocumentNotFound, StateUnavailable, StoreUnavailable
from gateway.hints import ABREAST, MOST, Agenda, Hints
from gateway.looks import Alone
from gateway.news import DecisionNews, News
from gateway.purges import PurgeRequest, Purges, PurgeWorker
from gateway.state.database import Database
from gateway.state.revocations import Revocations
from gateway.stores import Body, StoredObject
from gateway.stores.memory import MemoryStore
from gateway.supabase.events import Change

NOW = 1_000.0
ZONES = {
    "clinic": Zone("clinic", "main", ("documents", "scans"), cache="edge", cdn=("edge",)),
    "lab": Zone("lab", "main", ("samples",), cache="edge", cdn=("edge",)),
    "other": Zone("other", "main", ("elsewhere",), cache="edge", cdn=("edge",)),
}
BUCKETS = {"documents": "clinic", "scans": "clinic", "samples": "lab"}
A = DocumentRef("clinic", "documents", "a.pdf")
B = DocumentRef("clinic", "documents", "b.pdf")
EDIT, REMOVAL = Change("documents", "a.pdf"), Change("documents", "a.pdf", hard=True)


class Watched(MemoryStore):
    """Counts what it is asked, and how much of it at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.heads: list[str] = []
        self.abreast = self.most = 0

    async def head(self, bucket: str, key: str) -> StoredObject:
        self.heads.append(key)
        self.abreast += 1
        self.most = max(self.most, self.abreast)
        await asyncio.sleep(0)
        self.abreast -= 1
        return await super().head(bucket, key)

    async def open(
        self, bucket: str, key: str, *, first: int = 0, last: int | None = None, identity: str = ""
    ) -> Body:
        self.heads.append(key)
        return await super().open(bucket, key, first=first, last=last, identity=identity)


class Remembered:
    """Decisions, as far as they can be told to be forgotten."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []

    def forget(self, bucket: str, key: str) -> None:
        self.forgotten.append(f"{bucket}/{key}")

    def forget_bucket(self, bucket: str) -> None:
        self.forgotten.append(bucket)


class Works:
    """Hints over a store in memory, a CDN that keeps what it was asked, and a clock in hand."""

    def __init__(self, database: Database) -> None:
        self.database, self.now, self.store = database, 50.0, Watched()
        self.cdn = Null("edge")
        self.purges = Purges(database, {"edge": self.cdn}, ZONES)
        self.worker = PurgeWorker(database, {"edge": self.cdn}, clock=lambda: NOW)
        self.revocations = Revocations(database)
        self.decisions = Remembered()
        self.catalogue = Catalogue(
            ZONES,
            {"main": self.store},
            Alone(),
            clock=lambda: self.now,
            keep=lambda document, body: None,
            changed=self._changed,
        )
        follower = self.revocations.follower
        follower.subscribe(News(self.catalogue).tell)
        follower.subscribe(DecisionNews(self.decisions, BUCKETS).tell)
        self.hints = Hints(
            self.purges, self.catalogue, BUCKETS, self.revocations.fresh, clock=lambda: self.now
        )

    async def _changed(self, ref: DocumentRef) -> None:
        request = PurgeRequest(documents=(ref,))
        await self.purges.ask(request, soft=True, by="gateway", reason="seen", now=NOW)

    def put(self, body: bytes, ref: DocumentRef = A) -> None:
        self.store.put(ref.bucket, ref.key, body)

    def look(self, ref: DocumentRef = A) -> Document | None:
        try:
            return asyncio.run(self.catalogue.document(ref))
        except DocumentNotFound:
            return None

    def take(self, *changes: Change) -> int:
        return asyncio.run(self.hints.take(changes, by="hooks/storage", now=NOW))

    def reread(self, after: float = 0.0) -> None:
        self.now += after
        asyncio.run(self.hints.reread())

    def purged(self) -> list[tuple[tuple[str, ...], bool]]:
        """What the CDN is asked now, once each, and whether softly."""
        self.cdn.asked.clear()
        asyncio.run(self.worker.drain())
        return [(purge.tags, purge.soft) for purge in self.cdn.asked]

    def asked(self) -> list[tuple[str, int, str, str]]:
        """Scopes, softness, reason and by whom, of each purge so far."""
        return self.database.read_now(
            lambda c: c.execute(
                "SELECT asked, soft, reason, asked_by FROM purge ORDER BY rowid"
            ).fetchall()
        )


def tag(ref: DocumentRef) -> str:
    return document_tag(*ref)


@pytest.fixture
def works(database: Database) -> Works:
    made = Works(database)
    made.put(b"one")
    return made


def test_what_is_told_is_purged_and_forgotten_at_once(works: Works) -> None:
    assert works.look()
    works.put(b"two")
    assert works.take(EDIT) == 1
    assert works.catalogue.fresh(A) is None
    assert works.purged() == [((tag(A),), True)]
    [(asked, soft, reason, by)] = works.asked()
    assert "d:clinic/documents/a.pdf" in asked
    assert (soft, reason, by) == (1, "told", "hooks/storage")


def test_removals_go_hard_and_edits_softly_in_one_step(works: Works) -> None:
    moved = [Change("documents", "b.pdf"), REMOVAL]
    before = works.database.epoch.value
    assert works.take(*moved) == 2
    assert sorted(works.purged()) == sorted([((tag(A),), False), ((tag(B),), True)])
    assert len(works.asked()) == 2
    assert works.database.epoch.value != before


def test_many_documents_of_several_zones_are_one_purge(works: Works) -> None:
    refs = [DocumentRef("clinic", "scans", "1"), DocumentRef("lab", "samples", "2"), A]
    assert works.take(*[Change(ref.bucket, ref.key) for ref in refs], EDIT) == 4
    assert len(works.asked()) == 1
    [(tags, soft)] = works.purged()
    assert (set(tags), len(tags), soft) == ({tag(ref) for ref in refs}, 3, True)


def test_a_bucket_is_purged_whole_and_everything_bucket_by_bucket(works: Works) -> None:
    every = {bucket_tag(zone, bucket) for bucket, zone in BUCKETS.items()}
    works.take(Change("documents", hard=True))
    assert works.purged() == [((bucket_tag("clinic", "documents"),), False)]
    works.take(Change(), Change("documents"))
    [(tags, soft)] = works.purged()
    assert (set(tags), soft) == (every, True)


@pytest.mark.parametrize("bucket", ["elsewhere", "unknown"])
def test_buckets_of_nobody_here_are_ignored(works: Works, bucket: str) -> None:
    before = works.database.epoch.value
    assert works.take(Change(bucket, "a"), Change(bucket, hard=True)) == 0
    assert works.take() == 0
    assert works.database.epoch.value == before
    assert works.asked() == []


def test_without_a_bucket_even_everything_is_nothing(works: Works) -> None:
    hints = Hints(works.purges, works.catalogue, {}, works.revocations.fresh)
    assert asyncio.run(hints.take([Change(hard=True)], by="", now=NOW)) == 0


def test_a_change_told_before_it_can_be_seen_is_purged_again_when_it_is(works: Works) -> None:
    old = works.look()
    works.take(EDIT)
    assert works.purged() == [((tag(A),), True)]
    works.reread()
    assert works.look() == old, "the store still shows the former version"
    assert works.purged() == []
    works.now += 2.0
    works.put(b"two")  # the commit
    works.reread(2.9)
    assert works.purged() == [], "not yet"
    works.reread(0.1)
    assert works.purged() == [((tag(A),), True)]
    assert works.asked()[-1][2:] == ("seen", "gateway")
    new = works.look()
    assert new
    assert old
    assert new.version != old.version


def test_a_removal_told_before_it_can_be_seen_is_noticed_later(works: Works) -> None:
    works.look()
    works.take(REMOVAL)
    works.reread()
    works.store.remove("documents", "a.pdf")
    works.reread(5.0)
    assert [row[2] for row in works.asked()] == ["told", "seen"]
    assert works.look() is None


def test_the_same_hint_twice_changes_nothing_more(works: Works) -> None:
    works.look()
    works.put(b"two")
    for _ in range(2):
        works.take(EDIT)
        works.reread()
    works.reread(5.0)
    assert [row[2] for row in works.asked()] == ["told", "seen", "told"]
    now = works.look()
    assert now
    assert now.size == 3
    # Once to know it, after each hint, once more for the new bytes, and later once for both hints.
    assert len(works.store.heads) == 5


STEPS = st.lists(st.sampled_from([EDIT, REMOVAL, Change("documents", hard=True)]), max_size=5)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=STEPS, there=st.booleans(), late=st.booleans())
def test_in_whatever_order_hints_come_the_store_is_right_in_the_end(
    works: Works, order: Sequence[Change], there: bool, late: bool
) -> None:
    works.put(b"before")
    works.now += 60.0
    works.look()

    def commit() -> None:
        works.store.remove("documents", "a.pdf")
        if there:
            works.put(b"after it")

    if not late:
        commit()
    for change in order:
        works.take(change)
        works.reread()
    works.now += 2.0
    commit()
    works.reread(5.0)
    found = works.look()
    assert (found.size if found else 0) == (8 if there else 0)


def test_a_deletion_told_before_the_creation_it_followed_ends_with_nothing(works: Works) -> None:
    works.look()
    works.store.remove("documents", "a.pdf")
    works.take(REMOVAL)
    works.take(EDIT)
    works.reread()
    assert works.look() is None
    assert works.purged()


def test_what_nobody_asked_for_is_not_read(works: Works) -> None:
    works.take(EDIT, Change("documents", hard=True), Change())
    works.reread(5.0)
    assert works.store.heads == []


def test_a_store_that_is_away_spoils_nothing(works: Works) -> None:
    works.look()
    works.store.fault = StoreUnavailable("down")
    assert works.take(EDIT) == 1
    works.reread()
    works.store.fault = None
    works.put(b"two")
    works.reread(5.0)
    assert [row[2] for row in works.asked()] == ["told", "seen"]


def test_only_a_few_are_read_at_a_time(works: Works) -> None:
    refs = [DocumentRef("clinic", "documents", str(number)) for number in range(20)]
    for ref in refs:
        works.put(b"x", ref)
        works.look(ref)
    works.take(*[Change("documents", ref.key) for ref in refs])
    works.store.heads.clear()
    works.reread()
    assert sorted(works.store.heads) == sorted(ref.key for ref in refs)
    assert works.store.most <= ABREAST


def test_a_hint_that_can_not_be_written_down_is_refused_with_nothing_done(
    works: Works, database: Database
) -> None:
    works.look()
    works.put(b"two")
    database.close()
    with pytest.raises(StateUnavailable):
        works.take(EDIT)
    assert works.catalogue.fresh(A)
    works.store.heads.clear()
    works.reread(5.0)
    assert works.store.heads == []


def test_a_hint_is_taken_though_the_feed_can_not_be_read_just_now(works: Works) -> None:
    def fresh() -> None:
        raise StateUnavailable("busy")

    hints = Hints(works.purges, works.catalogue, BUCKETS, fresh, clock=lambda: works.now)
    assert asyncio.run(hints.take([EDIT], by="hooks/purge", now=NOW)) == 1
    assert works.purged()


@pytest.mark.parametrize(
    ("change", "forgotten"),
    [
        (EDIT, ["documents/a.pdf"]),
        (Change("documents", hard=True), ["documents"]),
        (Change(hard=True), ["documents", "scans", "samples"]),
        (Change("elsewhere", "a.pdf"), []),
    ],
)
def test_decisions_are_asked_for_again_in_every_process(
    works: Works, change: Change, forgotten: list[str]
) -> None:
    other = Remembered()
    sibling = Revocations(works.database)
    sibling.follower.subscribe(DecisionNews(other, BUCKETS).tell)
    works.take(change)
    assert works.decisions.forgotten == forgotten
    assert other.forgotten == []
    sibling.fresh()
    assert other.forgotten == forgotten


def test_it_reads_by_itself_as_soon_as_it_is_told(works: Works) -> None:
    works.look()
    works.put(b"two")

    async def scenario() -> None:
        running = asyncio.create_task(works.hints.run())
        await asyncio.sleep(0)
        await works.hints.take([EDIT], by="", now=NOW)
        await until(lambda: works.catalogue.fresh(A) is not None)
        works.put(b"three")
        works.now += 4.999
        await works.hints.take([Change("scans", "unknown")], by="", now=NOW)
        works.now += 0.001
        await until(lambda: (found := works.catalogue.fresh(A)) and found.size == 5)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    asyncio.run(scenario())


async def until(holds: object) -> None:
    assert callable(holds)
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


# The agenda ----------------------------------------------------------------------------------


def refs(numbers: Iterable[int]) -> list[DocumentRef]:
    return [DocumentRef("clinic", "documents", str(number)) for number in numbers]


def test_everything_is_due_at_once_and_once_more_later() -> None:
    agenda = Agenda()
    assert agenda.wait(0.0) is None
    for at, ref in enumerate(refs(range(3))):
        agenda.add(ref, float(at))
    assert agenda.wait(0.0) == 0.0
    assert agenda.take(2.0, 2) == refs(range(2))
    assert agenda.take(2.0, 2) == refs([2])
    assert agenda.take(2.0, 2) == []
    assert agenda.wait(2.0) == 3.0
    assert agenda.take(6.0, 9) == refs(range(2))
    assert agenda.wait(9.0) == 0.0
    assert agenda.take(7.0, 9) == refs([2])
    assert len(agenda) == 0


def test_a_newer_hint_puts_the_later_reading_off() -> None:
    agenda = Agenda()
    [ref] = refs([1])
    agenda.add(ref, 0.0)
    agenda.add(ref, 3.0)
    assert len(agenda) == 2
    assert agenda.take(7.9, 9) == [ref]
    assert agenda.take(8.0, 9) == [ref]


def test_the_oldest_make_room() -> None:
    agenda = Agenda(10)
    for ref in refs(range(100)):
        agenda.add(ref, 0.0)
    assert len(agenda) == 10
    assert agenda.take(0.0, 99) == refs(range(95, 100))


def test_never_more_wait_than_may() -> None:
    agenda = Agenda()
    for ref in refs(range(MOST)):
        agenda.add(ref, 0.0)
    assert len(agenda) == MOST
