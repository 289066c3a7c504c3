"""The catalogue: one look per document at a time, kept briefly, dropped by a purge."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gateway import catalogue as module
from gateway.catalogue import ABSENT_TTL, LOCAL_TTL, REMOTE_TTL, SMALL, Catalogue
from gateway.documents import Document, DocumentRef, Zone
from gateway.errors import DocumentChanged, DocumentNotFound, StateUnavailable, StoreUnavailable
from gateway.looks import Alone
from gateway.stores import Body, StoredObject
from gateway.stores.memory import MemoryStore
from signing.addresses import version22

REF = DocumentRef("clinic", "documents", "a.pdf")
OTHER = DocumentRef("clinic", "scans", "letters/b.pdf")


class Slow(MemoryStore):
    """Counts its heads, waits at a gate, and may change in mid-look a number of times."""

    def __init__(self) -> None:
        super().__init__()
        self.gate: asyncio.Event | None = None
        self.heads = 0
        self.replaced = 0

    async def head(self, bucket: str, key: str) -> StoredObject:
        self.heads += 1
        return await super().head(bucket, key)

    async def open(
        self, bucket: str, key: str, *, first: int = 0, last: int | None = None, identity: str = ""
    ) -> Body:
        body = await super().open(bucket, key, first=first, last=last, identity=identity)
        if self.gate is not None:
            await self.gate.wait()
        if self.replaced:
            self.replaced -= 1
            raise DocumentChanged
        return body


class Remote(Slow):
    local = False


class Desk:
    """A catalogue with its clock in hand, and what it told others."""

    def __init__(self, store: Slow) -> None:
        self.store = store
        self.now = 100.0
        self.kept: list[bytes] = []
        self.changed: list[DocumentRef] = []
        self.refusal: Exception | None = None
        zones = {"clinic": Zone("clinic", "main", ("documents", "scans"))}
        self.catalogue = Catalogue(
            zones,
            {"main": store},
            Alone(),
            clock=lambda: self.now,
            keep=self._keep,
            changed=self._tell,
        )
        store.put("documents", "a.pdf", b"%PDF-1.7 one")
        store.put("scans", "letters/b.pdf", b"%PDF-1.7 two")

    def look(self, ref: DocumentRef = REF) -> Document:
        return asyncio.run(self.catalogue.document(ref))

    def _keep(self, document: Document, body: bytes) -> None:
        self.kept.append(body)

    async def _tell(self, ref: DocumentRef) -> None:
        self.changed.append(ref)
        if self.refusal:
            raise self.refusal


@pytest.fixture
def desk() -> Desk:
    return Desk(Slow())


def test_a_look_tells_version_type_and_size_and_brings_a_small_body_along(desk: Desk) -> None:
    document = desk.look()
    assert (document.media.text, document.size) == (b"application/pdf", 12)
    assert len(document.version) == 22
    assert document.id == REF.id
    assert desk.kept == [b"%PDF-1.7 one"]
    assert desk.store.opened == 1


def test_a_large_document_is_known_by_its_first_octets_alone(desk: Desk) -> None:
    desk.store.put("documents", "a.pdf", b"%PDF-1.7" + b"x" * SMALL)
    assert desk.look().media.pdf
    assert desk.kept == []


def test_an_empty_document_is_one(desk: Desk) -> None:
    desk.store.put("documents", "a.pdf", b"")
    assert (desk.look().size, desk.kept) == (0, [b""])


def test_a_thousand_that_ask_at_once_cost_one_look(desk: Desk) -> None:
    async def ask() -> list[Document]:
        desk.store.gate = asyncio.Event()
        asking = [asyncio.create_task(desk.catalogue.document(REF)) for _ in range(1_000)]
        await _settle()
        desk.store.gate.set()
        return await asyncio.gather(*asking)

    assert len({document.version for document in asyncio.run(ask())}) == 1
    assert desk.store.opened == 1


@pytest.mark.parametrize(("store", "ttl"), [(Slow, LOCAL_TTL), (Remote, REMOTE_TTL)])
def test_an_entry_lives_as_long_as_its_kind_of_store_says(
    store: Callable[[], Slow], ttl: float
) -> None:
    desk = Desk(store())
    first = desk.look()
    desk.now += ttl - 0.01
    assert desk.catalogue.fresh(REF) is first
    assert desk.look() is first
    assert (desk.store.opened, desk.store.heads) == (1, 0)
    desk.now += 0.01
    assert desk.catalogue.fresh(REF) is None
    assert desk.look() is first, "the same version is the same document"
    assert (desk.store.opened, desk.store.heads) == (1, 1)
    assert desk.changed == []


def test_another_version_is_noticed_and_told_once(desk: Desk) -> None:
    first = desk.look()
    desk.store.put("documents", "a.pdf", b"%PDF-1.7 another")
    assert desk.look() is first
    for _ in range(3):
        desk.now += LOCAL_TTL
        assert desk.look().version != first.version
    assert desk.changed == [REF]


def test_a_document_that_goes_and_comes_is_told_when_it_goes(desk: Desk) -> None:
    desk.look()
    desk.store.remove("documents", "a.pdf")
    desk.now += LOCAL_TTL
    for _ in range(2):
        with pytest.raises(DocumentNotFound):
            desk.look()
        desk.now += ABSENT_TTL
    assert desk.changed == [REF]
    desk.store.put("documents", "a.pdf", b"back")
    assert desk.look().size == 4
    assert desk.changed == [REF]


def test_a_change_that_could_not_be_told_is_told_at_the_next_look(desk: Desk) -> None:
    desk.look()
    desk.store.put("documents", "a.pdf", b"%PDF-1.7 another")
    desk.now += LOCAL_TTL
    desk.refusal = StateUnavailable("disk full")
    assert desk.look().size == len(b"%PDF-1.7 another")
    desk.refusal = None
    desk.look()
    desk.look()
    assert desk.changed == [REF, REF]


def test_absence_is_remembered_for_a_moment(desk: Desk) -> None:
    nothing = DocumentRef("clinic", "documents", "nothing")
    with pytest.raises(DocumentNotFound):
        desk.look(nothing)
    desk.store.put("documents", "nothing", b"now here")
    assert desk.catalogue.fresh(nothing) is None
    with pytest.raises(DocumentNotFound):
        desk.look(nothing)
    desk.now += ABSENT_TTL
    assert desk.look(nothing).size == 8


def test_a_store_that_is_down_is_an_error_and_no_absence(desk: Desk) -> None:
    desk.look()
    desk.now += LOCAL_TTL
    desk.store.fault = StoreUnavailable()
    with pytest.raises(StoreUnavailable):
        desk.look()
    desk.store.fault = None
    assert desk.look().size == 12
    assert desk.changed == []


FORGETTING: dict[str, Callable[[Catalogue], None]] = {
    "document": lambda catalogue: catalogue.forget(REF),
    "bucket": lambda catalogue: catalogue.forget_below("clinic", "documents"),
    "folder": lambda catalogue: catalogue.forget_below("clinic", "documents", "a"),
    "zone": lambda catalogue: catalogue.forget_below("clinic"),
    "all": lambda catalogue: catalogue.forget_all(),
}


@pytest.mark.parametrize("how", FORGETTING)
def test_what_is_forgotten_is_looked_at_again(desk: Desk, how: str) -> None:
    desk.look()
    FORGETTING[how](desk.catalogue)
    assert desk.catalogue.fresh(REF) is None
    desk.store.put("documents", "a.pdf", b"new")
    assert desk.look().size == 3


@pytest.mark.parametrize("order", ["old first", "new first"])
@pytest.mark.parametrize("how", FORGETTING)
def test_what_was_read_before_a_purge_is_not_kept_after_it(
    desk: Desk, how: str, order: str
) -> None:
    async def race() -> list[Document]:
        looks, gates = [], [asyncio.Event(), asyncio.Event()]
        for gate in gates:
            desk.store.gate = gate
            looks.append(asyncio.create_task(desk.catalogue.document(REF)))
            await _settle()
            if gate is gates[0]:
                desk.store.put("documents", "a.pdf", b"new")
                FORGETTING[how](desk.catalogue)
        for number in (0, 1) if order == "old first" else (1, 0):
            gates[number].set()
            await looks[number]
        return [await look for look in looks]

    old, new = asyncio.run(race())
    assert (old.size, new.size) == (12, 3), "who asks after the purge sees what is there after it"
    assert desk.catalogue.fresh(REF) is new
    assert desk.changed.count(REF) <= 1


def test_a_purge_in_mid_look_leaves_nothing_fresh(desk: Desk) -> None:
    async def race() -> Document:
        desk.store.gate = asyncio.Event()
        asking = asyncio.create_task(desk.catalogue.document(REF))
        await _settle()
        desk.catalogue.forget(REF)
        desk.store.gate.set()
        return await asking

    asyncio.run(race())
    assert desk.catalogue.fresh(REF) is None


def test_others_stay_known_when_one_is_forgotten(desk: Desk) -> None:
    kept = desk.look(OTHER)
    desk.look()
    desk.catalogue.forget(REF)
    desk.catalogue.forget_below("clinic", "documents")
    desk.catalogue.forget_below("clinic", "scans", "letters/x")
    desk.catalogue.forget_below("elsewhere")
    assert desk.catalogue.fresh(OTHER) is kept


def test_a_renewed_look_heeds_no_freshness(desk: Desk) -> None:
    desk.look()
    desk.store.put("documents", "a.pdf", b"new")
    assert asyncio.run(desk.catalogue.renewed(REF)).size == 3
    assert desk.changed == [REF]


def test_only_so_many_entries_are_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENTRIES", 3)
    for number in range(5):
        desk.store.put("documents", str(number), b"x")
        desk.look(DocumentRef("clinic", "documents", str(number)))
    known = [desk.catalogue.fresh(DocumentRef("clinic", "documents", str(n))) for n in range(5)]
    assert [document is not None for document in known] == [False, False, True, True, True]


@pytest.mark.parametrize(("times", "whole"), [(1, True), (2, False)])
def test_a_document_replaced_while_it_is_read_is_read_once_more(
    desk: Desk, times: int, whole: bool
) -> None:
    desk.store.replaced = times
    if whole:
        assert desk.look().size == 12
    else:
        with pytest.raises(DocumentChanged):
            desk.look()
    assert desk.store.opened == 2


def test_a_folder_shows_no_inode_and_s3_its_own_etag() -> None:
    stored = StoredObject(etag="10-20-30", version_id="", size=1, modified_at=0)
    shown = {kind: module.describe(REF, stored, kind, b"x").etag for kind in ("folder", "s3")}
    assert (shown["s3"], len(shown["folder"])) == ("10-20-30", 22)


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("kind", ["folder", "memory", "s3"])
def test_a_version_is_that_of_the_grammar(kind: str) -> None:
    etag = StoredObject(etag="abc", version_id="", size=1, modified_at=0)
    assert module.describe(REF, etag, kind, b"").version == version22('"abc"')
    named = StoredObject(etag="abc", version_id="v7", size=1, modified_at=0)
    assert module.describe(REF, named, kind, b"").version == version22("v7")
