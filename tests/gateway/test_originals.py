"""Originals: each fetched once, small ones near, large ones streamed."""

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
from gateway.errors import DocumentBroken, DocumentChanged, StoreUnavailable
from gateway.originals import KEPT, LOCAL_READER, REMOTE_READER, SMALL, Levels, Originals
from gateway.representations import Ready, Representation, ready
from gateway.stores import CHUNK
from gateway.stores.memory import MemoryStore
from gateway.wire.ranges import ByteRange

ZONE = Zone("clinic", "main", ("documents",))


class RemoteStore(MemoryStore):
    local = False


class Shelf:
    """Originals of one worker process; several share a folder."""

    def __init__(self, folder: Path, store: MemoryStore) -> None:
        self.store = store
        self.levels = Levels(
            MemoryCache(64 << 20),
            DiskCache(folder / "cache", 1 << 30),
            Stripes(folder / "locks"),
            Stripes(folder / "locks" / "sources"),
        )
        self.originals = Originals(self.levels, lambda _: store, _dress)

    def put(self, body: bytes) -> Document:
        stored = self.store.put("documents", "a", body)
        ref = DocumentRef("clinic", "documents", "a")
        return describe(ref, stored, self.store.kind, body[:4096])

    def streamed(self, document: Document, *parts: bytes | ByteRange) -> list[bytes]:
        async def read() -> list[bytes]:
            return [bytes(chunk) async for chunk in self.originals.stream(document, parts)]

        return asyncio.run(read())


def _dress(representation: Representation) -> Ready:
    return ready(representation, ZONE, corp="same-site")


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Shelf]:
    yield from _opened(tmp_path, MemoryStore())


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Shelf]:
    yield from _opened(tmp_path, RemoteStore())


@pytest.fixture
def sibling(tmp_path: Path, remote: Shelf) -> Iterator[Shelf]:
    """A second worker process on the same store and folder."""
    yield from _opened(tmp_path, remote.store)


def _opened(folder: Path, store: MemoryStore) -> Iterator[Shelf]:
    shelf = Shelf(folder, store)
    yield shelf
    asyncio.run(shelf.levels.disk.aclose())


def test_a_small_one_is_read_once_and_then_near(local: Shelf) -> None:
    document = local.put(b"small")
    assert local.originals.near(document) is None
    first = asyncio.run(local.originals.ready(document))
    assert first.representation.body == b"small"
    assert local.originals.near(document) is first
    assert asyncio.run(local.originals.ready(document)) is first
    assert local.store.opened == 1


def test_what_a_look_brought_along_is_not_read_again(local: Shelf) -> None:
    document = local.put(b"small")
    local.originals.keep(document, b"small")
    assert asyncio.run(local.originals.whole(document)) == b"small"
    assert local.store.opened == 0


def test_another_version_is_another_original(local: Shelf) -> None:
    old = local.put(b"old")
    asyncio.run(local.originals.ready(old))
    new = local.put(b"new")
    assert asyncio.run(local.originals.ready(new)).representation.body == b"new"
    with pytest.raises(DocumentChanged):
        local.streamed(old, ByteRange(0, 2))


@pytest.mark.parametrize("size", [SMALL + 1, KEPT + 1])
def test_what_is_not_small_is_streamed(local: Shelf, remote: Shelf, size: int) -> None:
    for shelf in (local, remote):
        dressed = asyncio.run(shelf.originals.ready(shelf.put(bytes(size))))
        assert dressed.representation.body is None
        assert dressed.representation.size == size
        assert shelf.store.opened == 0, "HEAD and 304 need no octets"


def test_a_stream_gives_octets_in_hand_and_ranges_in_order(local: Shelf, remote: Shelf) -> None:
    for shelf in (local, remote):
        document = shelf.put(bytes(range(256)) * 8192)
        chunks = shelf.streamed(document, b"<", ByteRange(1, CHUNK + 5), b"|", ByteRange(0, 1))
        octets = bytes(range(256)) * 8192
        assert b"".join(chunks) == b"<" + octets[1 : CHUNK + 6] + b"|" + octets[:2]
        assert max(map(len, chunks)) <= CHUNK


def test_a_remote_one_is_fetched_once_by_all_tasks_and_all_processes(
    remote: Shelf, sibling: Shelf
) -> None:
    document = remote.put(bytes(SMALL + 1))

    async def ask() -> list[bytes]:
        shelves = (remote, sibling)
        asking = [shelf.originals.whole(document) for shelf in shelves for _ in range(100)]
        return await asyncio.gather(*asking)

    assert {len(body) for body in asyncio.run(ask())} == {SMALL + 1}
    assert remote.store.opened == 1
    assert len(sibling.streamed(document, ByteRange(0, 9))[0]) == 10
    assert remote.store.opened == 1, "later ones find it on disk"


def test_a_remote_one_outlives_its_store_on_disk(remote: Shelf, sibling: Shelf) -> None:
    document = remote.put(b"kept")
    asyncio.run(remote.originals.whole(document))
    remote.store.fault = StoreUnavailable()
    assert asyncio.run(sibling.originals.whole(document)) == b"kept"
    assert sibling.originals.near(document) is not None


def test_a_local_one_takes_no_second_place_on_disk(local: Shelf, tmp_path: Path) -> None:
    asyncio.run(local.originals.whole(local.put(b"here already")))
    assert not any(path.is_file() for path in (tmp_path / "cache").rglob("*"))


def test_nothing_over_the_limit_is_taken_whole(local: Shelf) -> None:
    with pytest.raises(DocumentBroken, match="too-large"):
        asyncio.run(local.originals.whole(local.put(bytes(101)), limit=100))
    assert local.store.opened == 0


@pytest.mark.parametrize("kind", ["local", "remote"])
def test_a_wrong_number_of_octets_is_an_error_and_kept_nowhere(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    shelf: Shelf = request.getfixturevalue(kind)
    promised = shelf.put(b"longer than before")
    stored = promised.identity
    shelf.store.put("documents", "a", b"short", version_id=stored)
    with pytest.raises(StoreUnavailable):
        asyncio.run(shelf.originals.whole(promised))
    assert shelf.originals.near(promised) is None
    assert not any(path.is_file() for path in (tmp_path / "cache").rglob("*"))


def test_a_stream_costs_what_it_may_hold(local: Shelf, remote: Shelf) -> None:
    assert local.originals.cost(local.put(bytes(SMALL + 1))) == LOCAL_READER
    assert remote.originals.cost(remote.put(bytes(KEPT + 1))) == REMOTE_READER
    assert remote.originals.cost(remote.put(bytes(SMALL + 1))) > SMALL, "it is held whole"
