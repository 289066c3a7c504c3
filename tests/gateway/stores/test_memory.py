"""The memory store keeps the rules of the others, and can be told to break."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import DocumentChanged, DocumentNotFound, StoreUnavailable
from gateway.stores import CHUNK, Body
from gateway.stores.memory import MemoryBody, MemoryStore


async def octets(body: Body) -> bytes:
    return b"".join([chunk async for chunk in body])


async def fetch(store: MemoryStore, first: int = 0, last: int | None = None) -> bytes:
    return await octets(await store.open("b", "k", first=first, last=last))


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.put("b", "k", b"0123456789", content_type="text/plain", modified_at=7)
    return store


def test_what_was_put_is_told_and_read(store: MemoryStore) -> None:
    stored = asyncio.run(store.head("b", "k"))
    assert (stored.size, stored.content_type, stored.modified_at) == (10, "text/plain", 7)
    assert asyncio.run(fetch(store)) == b"0123456789"
    assert (store.kind, store.local) == ("memory", True)


@pytest.mark.parametrize(
    ("first", "last", "data"),
    [(0, 0, b"0"), (3, 5, b"345"), (8, 99, b"89"), (9, None, b"9"), (10, None, b""), (50, 60, b"")],
)
def test_ranges_are_cut_to_what_there_is(
    store: MemoryStore, first: int, last: int | None, data: bytes
) -> None:
    assert asyncio.run(fetch(store, first, last)) == data


def test_an_etag_names_the_octets_and_a_version_id_comes_before_it(store: MemoryStore) -> None:
    same = store.put("b", "other", b"0123456789")
    assert same.etag == asyncio.run(store.head("b", "k")).etag == same.identity
    assert store.put("b", "other", b"0123456789", version_id="v7").identity == "v7"
    assert store.put("b", "other", b"x").etag != same.etag


def test_another_version_than_the_asked_one_is_refused(store: MemoryStore) -> None:
    identity = asyncio.run(store.head("b", "k")).identity
    assert asyncio.run(store.open("b", "k", identity=identity)).stored.size == 10
    store.put("b", "k", b"new")
    with pytest.raises(DocumentChanged):
        asyncio.run(store.open("b", "k", identity=identity))


def test_an_open_body_keeps_its_version(store: MemoryStore) -> None:
    async def read() -> bytes:
        body = await store.open("b", "k")
        store.put("b", "k", b"new")
        return await octets(body)

    assert asyncio.run(read()) == b"0123456789"


def test_what_was_removed_or_never_there_is_not_found(store: MemoryStore) -> None:
    store.remove("b", "k")
    store.remove("b", "k")
    for bucket, key in [("b", "k"), ("c", "k")]:
        with pytest.raises(DocumentNotFound):
            asyncio.run(store.head(bucket, key))
        with pytest.raises(DocumentNotFound):
            asyncio.run(store.open(bucket, key))


def test_a_fault_is_raised_by_every_call(store: MemoryStore) -> None:
    store.fault = StoreUnavailable("down")
    for call in [store.head("b", "k"), store.open("b", "k"), store.check()]:
        with pytest.raises(StoreUnavailable, match="down"):
            asyncio.run(call)
    store.fault = None
    asyncio.run(store.check())
    asyncio.run(store.aclose())


def test_a_cut_body_never_ends_cleanly(store: MemoryStore) -> None:
    async def read() -> None:
        async for chunk in await store.open("b", "k"):
            seen.append(bytes(chunk))

    seen: list[bytes] = []
    store.cut_after = 4
    with pytest.raises(StoreUnavailable):
        asyncio.run(read())
    assert seen == [b"0123"]


def test_bodies_are_counted_chunked_and_closed(store: MemoryStore) -> None:
    async def sizes() -> list[int]:
        body = await store.open("b", "large")
        found = [len(chunk) async for chunk in body]
        await body.aclose()
        await body.aclose()
        assert isinstance(body, MemoryBody)
        assert body.closed
        return found

    store.put("b", "large", bytes(CHUNK + 1))
    assert asyncio.run(sizes()) == [CHUNK, 1]
    assert store.opened == 1
