"""The REST store in front of the contract server: what is there, what is not, what changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import DocumentChanged, DocumentNotFound, StoreUnavailable
from gateway.settings import Credentials, StoreAddress
from gateway.stores import CHUNK, Body
from gateway.stores.rest import Patience
from gateway.stores.supabase import SupabaseStore
from tests.contract.server import ContractServer

T = TypeVar("T")
LARGE = bytes(range(256)) * (3 * CHUNK // 256) + b"the end"
FAST = Patience(connect=2, read=5, retries=2, backoff=0.001)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, ContractServer]]:
    """One with each kind of backend, both serving."""
    with ContractServer() as file, ContractServer(backend="s3") as s3:
        yield {"file": file, "s3": s3}


@pytest.fixture(params=["file", "s3"])
def server(request: pytest.FixtureRequest, servers: dict[str, ContractServer]) -> ContractServer:
    server = servers[request.param]
    server.faults.clear()
    server.requests.clear()
    server.put("documents", "small.txt", b"0123456789", "text/plain")
    server.put("documents", "empty", b"")
    server.put("documents", "large.bin", LARGE)
    server.put("documents", "a b+c (1)?.pdf", b"odd")
    return server


def use(
    server: ContractServer,
    act: Callable[[SupabaseStore], Awaitable[T]],
    *,
    key: str = "",
    buckets: tuple[str, ...] = (),
    patience: Patience = FAST,
) -> T:
    """What a store of the server does."""
    credentials = Credentials(secret_key=key or server.service)
    address = StoreAddress("supabase", root=server.url, credentials=credentials)

    async def run() -> T:
        store = SupabaseStore(address, buckets=buckets, patience=patience)
        try:
            return await act(store)
        finally:
            await store.aclose()

    return asyncio.run(run())


async def octets(body: Body) -> bytes:
    try:
        return b"".join([bytes(chunk) async for chunk in body])
    finally:
        await body.aclose()


def fetch(
    server: ContractServer, key: str, first: int = 0, last: int | None = None, identity: str = ""
) -> bytes:
    async def act(store: SupabaseStore) -> bytes:
        body = await store.open("documents", key, first=first, last=last, identity=identity)
        return await octets(body)

    return use(server, act)


def test_the_store_is_remote_and_says_so() -> None:
    store = SupabaseStore(StoreAddress("supabase", root="http://127.0.0.1:9"))
    assert (store.kind, store.local) == ("supabase", False)


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("small.txt", b"0123456789"),
        ("empty", b""),
        ("large.bin", LARGE),
        ("a b+c (1)?.pdf", b"odd"),
    ],
)
def test_an_object_is_read_whole(server: ContractServer, key: str, data: bytes) -> None:
    assert fetch(server, key) == data


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=st.integers(0, len(LARGE) + 5), length=st.integers(1, len(LARGE)))
def test_a_range_is_the_slice_of_the_object(
    server: ContractServer, first: int, length: int
) -> None:
    got = fetch(server, "large.bin", first, first + length - 1)
    assert got == LARGE[first : first + length]


@pytest.mark.parametrize(("first", "last"), [(0, 0), (9, 9), (3, None), (0, 999), (9, 999)])
def test_ranges_at_the_edges(server: ContractServer, first: int, last: int | None) -> None:
    stop = None if last is None else last + 1
    assert fetch(server, "small.txt", first, last) == b"0123456789"[first:stop]


@pytest.mark.parametrize("key", ["small.txt", "empty"])
def test_octets_past_the_end_are_none(server: ContractServer, key: str) -> None:
    assert fetch(server, key, first=10) == b""
    assert fetch(server, key, first=10, last=20) == b""


def test_an_empty_body_can_be_closed_twice_and_read_twice(server: ContractServer) -> None:
    async def act(store: SupabaseStore) -> tuple[bytes, bytes, int]:
        body = await store.open("documents", "small.txt", first=99)
        return await octets(body), await octets(body), body.stored.size

    assert use(server, act) == (b"", b"", 10)


def test_chunks_are_bounded(server: ContractServer) -> None:
    async def sizes(store: SupabaseStore) -> list[int]:
        return [len(chunk) async for chunk in await store.open("documents", "large.bin")]

    assert 0 < max(use(server, sizes)) <= CHUNK


@pytest.mark.parametrize("key", ["small.txt", "large.bin", "empty"])
def test_a_head_says_what_an_open_body_says(server: ContractServer, key: str) -> None:
    async def act(store: SupabaseStore) -> None:
        stored = await store.head("documents", key)
        body = await store.open("documents", key, identity=stored.identity)
        assert body.stored == stored
        await body.aclose()

    use(server, act)


def test_a_head_says_etag_size_time_and_media_type(server: ContractServer) -> None:
    put = server.put("documents", "small.txt", b"0123456789", "text/plain")
    stored = use(server, lambda store: store.head("documents", "small.txt"))
    assert f'"{stored.etag}"' == put.etag
    assert (stored.identity, stored.version_id) == (stored.etag, "")
    assert (stored.size, stored.modified_at) == (10, int(put.updated_at))
    assert stored.content_type == "text/plain"


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        ("documents", "none"),
        ("none", "small.txt"),
        ("documents", "small.txt/x"),
        ("documents", ""),
        ("documents", "/small.txt"),
        ("documents", "a//b"),
        ("", "small.txt"),
        ("..", "small.txt"),
        ("documents", "../documents/small.txt"),
        ("documents/small.txt", "x"),
        ("documents", "\udc80"),
        ("documents", "small.txt\0"),
    ],
)
def test_what_is_not_there_is_not_found(server: ContractServer, bucket: str, key: str) -> None:
    async def act(store: SupabaseStore) -> None:
        for call in (store.head(bucket, key), store.open(bucket, key, first=1)):
            with pytest.raises(DocumentNotFound):
                await call

    use(server, act)


def test_another_version_than_the_one_asked_for_is_a_changed_document(
    server: ContractServer,
) -> None:
    before = use(server, lambda store: store.head("documents", "small.txt")).identity
    assert fetch(server, "small.txt", identity=before) == b"0123456789"
    server.put("documents", "small.txt", b"9876543210")
    for first in (0, 3, 99):
        with pytest.raises(DocumentChanged):
            fetch(server, "small.txt", first, identity=before)


def test_the_service_key_goes_up_in_both_fields_and_nothing_else_does(
    server: ContractServer,
) -> None:
    fetch(server, "small.txt", first=2, last=5)
    (ask,) = server.requests
    assert ask.fields.pop("host")
    assert ask.fields == {
        "authorization": f"Bearer {server.service}",
        "apikey": server.service,
        "accept-encoding": "identity",
        "user-agent": "ostiary",
        "range": "bytes=2-5",
    }


def test_an_api_key_that_is_no_jwt_serves_too(server: ContractServer) -> None:
    stored = use(server, lambda s: s.head("documents", "small.txt"), key="sb_secret_contract")
    assert stored.size == 10


def test_each_look_has_an_address_of_its_own_and_each_version_one(server: ContractServer) -> None:
    async def act(store: SupabaseStore) -> None:
        stored = await store.head("documents", "small.txt")
        await store.head("documents", "small.txt")
        for identity in (stored.identity, stored.identity, "", ""):
            await octets(await store.open("documents", "small.txt", identity=identity))

    use(server, act)
    nonces = [ask.query["cacheNonce"] for ask in server.requests]
    assert len(set(nonces)) == 5
    assert nonces[2] == nonces[3]


@pytest.mark.parametrize("key", ["anon", "wrong"])
def test_a_key_that_is_refused_is_an_unavailable_store_and_nothing_is_gone(
    server: ContractServer, key: str
) -> None:
    text = server.service[:-3] + "xxx" if key == "wrong" else "sb_secret_unknown"

    async def act(store: SupabaseStore) -> None:
        for call in (
            store.head("documents", "small.txt"),
            store.open("documents", "x"),
            store.check(),
        ):
            with pytest.raises(StoreUnavailable, match="denied") as caught:
                await call
            assert caught.value.retry_after == 30

    use(server, act, key=text)


def test_a_check_asks_for_each_bucket(server: ContractServer) -> None:
    use(server, lambda store: store.check(), buckets=("documents", "pub"))
    assert [ask.path for ask in server.requests] == [
        "/storage/v1/bucket/documents",
        "/storage/v1/bucket/pub",
    ]


def test_a_check_without_buckets_asks_for_any(server: ContractServer) -> None:
    use(server, lambda store: store.check())
    assert [ask.target for ask in server.requests] == ["/storage/v1/bucket?limit=1"]


@pytest.mark.parametrize("bucket", ["none", "..", ""])
def test_a_check_of_a_bucket_that_is_not_there_fails(server: ContractServer, bucket: str) -> None:
    with pytest.raises(StoreUnavailable, match="no bucket"):
        use(server, lambda store: store.check(), buckets=("documents", bucket))


def test_a_body_that_breaks_is_resumed_where_it_broke(server: ContractServer) -> None:
    server.faults.add(cut=CHUNK + 5)
    assert fetch(server, "large.bin") == LARGE
    assert len(server.requests) == 2


def test_a_range_that_breaks_is_resumed_within_the_range(server: ContractServer) -> None:
    server.faults.add(cut=CHUNK // 2, times=2)
    assert fetch(server, "large.bin", first=100, last=2 * CHUNK) == LARGE[100 : 2 * CHUNK + 1]
    ranges = [ask.fields["range"] for ask in server.requests]
    assert len(set(ranges)) == len(ranges) == 3
    assert {text.rpartition("-")[2] for text in ranges} == {str(2 * CHUNK)}


def test_a_body_that_breaks_again_and_again_never_ends_cleanly(server: ContractServer) -> None:
    server.faults.add(cut=CHUNK // 2, times=-1)
    with pytest.raises(StoreUnavailable, match="broken"):
        fetch(server, "large.bin")
    assert len(server.requests) == 1 + FAST.retries


@pytest.mark.parametrize("then", ["replaced", "deleted"])
def test_a_body_is_never_resumed_with_another_version(server: ContractServer, then: str) -> None:
    async def act(store: SupabaseStore) -> bytes:
        body = await store.open("documents", "large.bin")
        if then == "replaced":
            server.put("documents", "large.bin", LARGE[::-1])
        else:
            server.shelf.drop("documents", "large.bin")
        return await octets(body)

    server.faults.add(cut=CHUNK)
    with pytest.raises(DocumentChanged if then == "replaced" else DocumentNotFound):
        use(server, act)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(server: ContractServer, status: int) -> None:
    server.faults.add(status=status, times=2)
    assert fetch(server, "small.txt") == b"0123456789"
    assert len(server.requests) == 3


@pytest.mark.parametrize(("status", "asked"), [(503, 3), (500, 1), (418, 1), (302, 1), (204, 1)])
def test_a_server_that_fails_is_an_unavailable_store(
    server: ContractServer, status: int, asked: int
) -> None:
    server.faults.add(status=status, times=-1)
    with pytest.raises(StoreUnavailable):
        fetch(server, "small.txt")
    assert len(server.requests) == asked


@pytest.mark.parametrize("first", [0, 5])
def test_a_range_that_fails_though_it_is_there_is_an_unavailable_store(
    server: ContractServer, first: int
) -> None:
    server.faults.add(status=500, path="/object/authenticated/", times=1)
    with pytest.raises(StoreUnavailable, match="range"):
        fetch(server, "small.txt", first, 8)
    server.faults.add(status=416, path="/object/authenticated/", times=-1)
    with pytest.raises(StoreUnavailable, match="range"):
        use(server, lambda store: store.head("documents", "small.txt"))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, '{"message":"Route GET:/x not found","error":"Not Found","statusCode":404}'),
        (404, '{"message":"no Route matched with those values"}'),
        (404, "<html>"),
        (400, '{"statusCode":"400","error":"InvalidKey","message":"x","code":"InvalidKey"}'),
    ],
)
def test_an_error_of_whatever_stands_in_between_deletes_no_document(
    server: ContractServer, status: int, body: str
) -> None:
    server.faults.add(status=status, body=body, times=-1)
    with pytest.raises(StoreUnavailable):
        fetch(server, "small.txt")


@pytest.mark.parametrize("status", [400, 404])
def test_not_found_is_understood_with_either_status(server: ContractServer, status: int) -> None:
    body = '{"statusCode":"404","error":"Not found","message":"The resource was not found"}'
    server.faults.add(status=status, body=body)
    with pytest.raises(DocumentNotFound):
        fetch(server, "small.txt")
