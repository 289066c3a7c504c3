"""Sights: looked at once per version, by one process for all, and not again in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.caches.coalesce import Stripes
from gateway.caches.disk import DiskCache
from gateway.caches.memory import MemoryCache
from gateway.catalogue import describe
from gateway.documents import Document, DocumentRef, Zone
from gateway.errors import Overloaded
from gateway.making.choices import SMALL, Unseen
from gateway.making.sights import ABREAST, LARGEST, LET_ALONE, Sights
from gateway.originals import KEPT, Levels, Originals
from gateway.representations import Ready, Representation, ready
from gateway.stores.memory import MemoryStore
from imaging.encoding.glances import Glance
from imaging.errors import BrokenSource, ImagingError, PoolBusy, SourceTooLarge, WorkerLost

ZONE = Zone("clinic", "main", ("documents",))
SEEN = Glance("application/pdf", "scan", {"avif": 3, "webp": 2, "jpeg": 1}, first=9)
PDF = b"%PDF-1.4\n"


class Far(MemoryStore):
    """A store that is not on this machine."""

    local = False


class Eye:
    """A glancer that counts, waits when told to, and refuses what it is told to."""

    def __init__(self) -> None:
        self.looks = 0
        self.refusal: ImagingError | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.looking = asyncio.Event()

    async def glance(self, source: bytes) -> Glance:
        self.looks += 1
        if self.looks == ABREAST:
            self.looking.set()
        await self.gate.wait()
        if self.refusal:
            raise self.refusal
        return SEEN


class Lookout:
    """The sights of one worker process, with its clock in hand."""

    def __init__(self, folder: Path, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.eye = Eye()
        self.now = 1_000.0
        self.levels = Levels(
            MemoryCache(1 << 20),
            DiskCache(folder / "cache", 1 << 26),
            Stripes(folder / "locks"),
            Stripes(folder / "locks" / "sources"),
        )
        originals = Originals(self.levels, lambda _: self.store, _dress)
        self.sights = Sights(self.levels, originals, self.eye, lambda: self.now)

    def put(self, body: bytes = PDF, key: str = "a.pdf") -> Document:
        stored = self.store.put("documents", key, body)
        ref = DocumentRef("clinic", "documents", key)
        return describe(ref, stored, self.store.kind, body[:4096])

    def see(self, document: Document) -> object:
        return asyncio.run(self.sights.of(document))


def _dress(representation: Representation) -> Ready:
    return ready(representation, ZONE, corp="same-site")


@pytest.fixture
def lookout(tmp_path: Path) -> Iterator[Lookout]:
    lookout = Lookout(tmp_path)
    yield lookout
    asyncio.run(lookout.levels.disk.aclose())


@pytest.fixture
def sibling(tmp_path: Path, lookout: Lookout) -> Iterator[Lookout]:
    """A second worker process on the same store and folder."""
    sibling = Lookout(tmp_path, lookout.store)
    yield sibling
    asyncio.run(sibling.levels.disk.aclose())


def test_a_document_is_looked_at_once(lookout: Lookout, sibling: Lookout) -> None:
    document = lookout.put()
    assert lookout.sights.near(document) is None
    assert lookout.see(document) == SEEN
    assert lookout.sights.near(document) == SEEN
    assert sibling.see(document) == SEEN
    assert (lookout.eye.looks, sibling.eye.looks) == (1, 0)
    assert lookout.see(lookout.put(PDF + b"%another version")) == SEEN
    assert lookout.eye.looks == 2


def test_a_hundred_who_ask_cost_one_look(lookout: Lookout, sibling: Lookout) -> None:
    document = lookout.put()

    async def ask() -> list[object]:
        asked = [each.sights.of(document) for each in (lookout, sibling) for _ in range(50)]
        return list(await asyncio.gather(*asked))

    assert asyncio.run(ask()) == [SEEN] * 100
    assert lookout.eye.looks + sibling.eye.looks == 1


@pytest.mark.parametrize(
    ("body", "key", "reason"),
    [
        (b"", "a.pdf", "empty"),
        (b"PK\x03\x04", "a.docx", "no-picture"),
        (b"nothing to see", "a.txt", "no-picture"),
        (b"\xff\xd8\xff" + bytes(SMALL - 3), "a.jpg", "small"),
        (b"GIF89a", "a.gif", "small"),
    ],
)
def test_what_is_told_without_looking_costs_nothing(
    lookout: Lookout, body: bytes, key: str, reason: str
) -> None:
    document = lookout.put(body, key)
    assert lookout.sights.near(document) == Unseen(reason)
    assert lookout.see(document) == Unseen(reason)
    assert lookout.eye.looks == 0


def test_what_is_too_large_is_not_read(lookout: Lookout) -> None:
    document = lookout.put(PDF.ljust(LARGEST + 1))
    assert lookout.see(document) == Unseen("too-large")


@pytest.mark.parametrize("refusal", [BrokenSource("encrypted"), SourceTooLarge("pixels")])
def test_a_document_that_can_not_be_seen_is_remembered(
    lookout: Lookout, sibling: Lookout, refusal: BrokenSource
) -> None:
    document = lookout.put()
    lookout.eye.refusal = refusal
    assert lookout.see(document) == Unseen(refusal.reason)
    assert sibling.see(document) == Unseen(refusal.reason)
    assert sibling.eye.looks == 0


def test_a_document_that_cost_a_worker_is_let_alone_for_a_while(lookout: Lookout) -> None:
    document = lookout.put()
    lookout.eye.refusal = WorkerLost("timeout")
    for _ in range(3):
        assert lookout.see(document) == Unseen("timeout", final=False)
    assert lookout.eye.looks == 1
    lookout.eye.refusal = None
    lookout.now += LET_ALONE + 1
    assert lookout.see(document) == SEEN


def test_a_busy_pool_is_told_and_not_remembered(lookout: Lookout) -> None:
    document = lookout.put()
    lookout.eye.refusal = PoolBusy()
    with pytest.raises(PoolBusy):
        lookout.see(document)
    assert asyncio.run(lookout.sights.cheaply(document)) is None
    lookout.eye.refusal = None
    assert lookout.see(document) == SEEN


def test_looks_leave_workers_to_others(lookout: Lookout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.making.sights.PATIENCE", 0.01)
    documents = [lookout.put(key=f"{number}.pdf") for number in range(ABREAST + 1)]
    lookout.eye.gate.clear()

    async def ask() -> None:
        busy = [asyncio.create_task(lookout.sights.of(one)) for one in documents[:ABREAST]]
        await lookout.eye.looking.wait()
        with pytest.raises(Overloaded):
            await lookout.sights.of(documents[-1])
        lookout.eye.gate.set()
        await asyncio.gather(*busy)

    asyncio.run(ask())
    assert lookout.eye.looks == ABREAST


def test_memory_forgets_the_oldest(lookout: Lookout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.making.sights.REMEMBERED", 1)
    first, second = lookout.put(key="1.pdf"), lookout.put(key="2.pdf")
    lookout.see(first)
    lookout.see(second)
    assert (lookout.sights.near(first), lookout.sights.near(second)) == (None, SEEN)


def test_nothing_large_is_fetched_from_afar_for_an_extra(tmp_path: Path) -> None:
    lookout = Lookout(tmp_path, Far())
    large, small = lookout.put(PDF.ljust(KEPT + 1), "1.pdf"), lookout.put(key="2.pdf")

    async def ask() -> tuple[object, object]:
        return await lookout.sights.cheaply(large), await lookout.sights.cheaply(small)

    assert asyncio.run(ask()) == (None, SEEN)
    assert lookout.see(large) == SEEN
    assert asyncio.run(lookout.sights.cheaply(large)) == SEEN, "it is known by now"
    asyncio.run(lookout.levels.disk.aclose())
