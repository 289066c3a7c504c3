"""Looks at remote documents are shared by the workers of a machine, and never across a change."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.caches.coalesce import Stripes
from gateway.caches.disk import DiskCache
from gateway.catalogue import REMOTE_TTL, Catalogue
from gateway.documents import Document, DocumentRef, Zone
from gateway.looks import Look, Looks
from gateway.stores import StoredObject
from gateway.stores.memory import MemoryStore

REF = DocumentRef("clinic", "documents", "a.pdf")
STORED = StoredObject("etag", "v1", 5, 1_700_000_000, "application/pdf")


class Source:
    """Counts how often it is looked at."""

    def __init__(self) -> None:
        self.looks = 0

    async def look(self) -> Look:
        self.looks += 1
        await asyncio.sleep(0)
        return Look(STORED, b"%PDF-")


def worker(folder: Path, ttl: float = 60) -> tuple[Looks, DiskCache]:
    """What each worker process has of its own, over the folder that they share."""
    disk = DiskCache(folder / "cache", 1 << 20)
    return Looks(disk, Stripes(folder / "locks"), ttl), disk


def test_many_tasks_of_two_workers_look_once(tmp_path: Path) -> None:
    source = Source()

    async def run() -> list[Look]:
        (one, disk), (two, other) = worker(tmp_path), worker(tmp_path)
        looks = await asyncio.gather(
            *(who.share(REF, source.look) for _ in range(10) for who in (one, two))
        )
        await disk.aclose()
        await other.aclose()
        return looks

    looks = asyncio.run(run())
    assert source.looks == 1
    assert set(looks) == {Look(STORED, b"%PDF-")}


def test_after_a_change_an_older_look_is_not_trusted(tmp_path: Path) -> None:
    source = Source()

    async def run() -> None:
        (one, disk), (two, other) = worker(tmp_path), worker(tmp_path)
        await one.share(REF, source.look)
        two.invalidate()
        await two.share(REF, source.look)
        await one.share(REF, source.look)
        await disk.aclose()
        await other.aclose()

    asyncio.run(run())
    assert source.looks == 2


def test_a_worker_trusts_no_look_from_before_it_began(tmp_path: Path) -> None:
    """It follows the feed from its start: what was purged before then it is never told."""
    source = Source()

    async def run() -> None:
        for _ in range(2):
            looks, disk = worker(tmp_path)
            await looks.share(REF, source.look)
            await disk.aclose()

    asyncio.run(run())
    assert source.looks == 2


def test_a_look_gets_old(tmp_path: Path) -> None:
    source = Source()

    async def run() -> None:
        looks, disk = worker(tmp_path, ttl=0)
        await looks.share(REF, source.look)
        await looks.share(REF, source.look)
        await disk.aclose()

    asyncio.run(run())
    assert source.looks == 2


def test_documents_do_not_share_looks(tmp_path: Path) -> None:
    source = Source()

    async def run() -> None:
        looks, disk = worker(tmp_path)
        for key in ("a.pdf", "b.pdf"):
            await looks.share(DocumentRef("clinic", "documents", key), source.look)
        await disk.aclose()

    asyncio.run(run())
    assert source.looks == 2


class RemoteStore(MemoryStore):
    local = False


def test_a_change_just_seen_is_not_hidden_by_a_siblings_older_look(tmp_path: Path) -> None:
    store, changed, now = RemoteStore(), list[DocumentRef](), [0.0]

    def keep(document: Document, body: bytes) -> None:
        pass

    async def tell(ref: DocumentRef) -> None:
        changed.append(ref)

    async def run() -> list[int]:
        workers = [worker(tmp_path) for _ in range(2)]
        zones = {"clinic": Zone("clinic", "main", ("documents",))}
        one, two = (
            Catalogue(zones, {"main": store}, looks, clock=lambda: now[0], keep=keep, changed=tell)
            for looks, _ in workers
        )
        store.put("documents", "a.pdf", b"old")
        sizes = [(await catalogue.document(REF)).size for catalogue in (one, two)]
        assert store.opened == 1
        store.put("documents", "a.pdf", b"newer")
        now[0] += REMOTE_TTL
        sizes.append((await two.document(REF)).size)
        for _, disk in workers:
            await disk.aclose()
        return sizes

    assert asyncio.run(run()) == [3, 3, 5]
    assert changed == [REF]
