"""The S3 store against moto's server, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from gateway.errors import DocumentChanged, DocumentNotFound, StoreUnavailable
from gateway.settings import Credentials, StoreAddress
from gateway.stores import CHUNK, Body, Store, StoredObject
from gateway.stores.s3 import S3Store

pytestmark = pytest.mark.engines

PAIR = Credentials("AKIAEXAMPLE", "a-secret")
LARGE = bytes(range(256)) * (3 * CHUNK // 256) + b"the end"
NASTY = [
    "a b.txt",
    " lead and trail ",
    "a+b",
    "100%",
    "a%20b",
    "a%2Fb",
    "%2e%2e/x",
    "a#b?c=d&e",
    "a/ /b",
    "ö é/日本.pdf",
    "e\u0301 is not \u00e9",
    "~a*b'c(d)!$&,;:@=",
    'a"b<c>|{d}[e]^`f',
    "...",
    "a/..b/.c",
    "\u200b\u202e",
    "\x80\x9f",
    "a" * 1000,
]


async def octets(body: Body) -> bytes:
    try:
        return b"".join([chunk async for chunk in body])
    finally:
        await body.aclose()


async def fetch(
    store: Store, bucket: str, key: str, first: int = 0, last: int | None = None, identity: str = ""
) -> bytes:
    return await octets(await store.open(bucket, key, first=first, last=last, identity=identity))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def client(endpoint: str) -> Any:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=PAIR.access_key,
        aws_secret_access_key=PAIR.secret_key,
    )
    for bucket in ["scans", "old"]:
        client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket="old", VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket="scans", Key="small", Body=b"0123456789", ContentType="image/png")
    client.put_object(Bucket="scans", Key="large", Body=LARGE)
    client.put_object(Bucket="scans", Key="empty", Body=b"")
    client.put_object(Bucket="scans", Key="in/clinic/a b", Body=b"below a prefix")
    return client


@pytest.fixture
def store(endpoint: str, client: Any) -> S3Store:
    return S3Store(
        StoreAddress("s3", endpoint=endpoint, region="us-east-1", credentials=PAIR),
        buckets=["scans", "old"],
    )


def test_a_head_says_what_s3_says(store: S3Store, client: Any) -> None:
    told = client.head_object(Bucket="scans", Key="small")
    stored = asyncio.run(store.head("scans", "small"))
    assert stored == StoredObject(
        etag=told["ETag"].strip('"'),
        version_id="",
        size=10,
        modified_at=int(told["LastModified"].timestamp()),
        content_type="image/png",
    )


def test_objects_are_read_whole_in_bounded_chunks(store: S3Store) -> None:
    async def read() -> list[bytes]:
        body = await store.open("scans", "large")
        assert body.stored == await store.head("scans", "large")
        return [bytes(chunk) async for chunk in body]

    chunks = asyncio.run(read())
    assert b"".join(chunks) == LARGE
    assert max(map(len, chunks)) <= CHUNK
    assert asyncio.run(fetch(store, "scans", "empty")) == b""


@pytest.mark.parametrize(
    ("first", "last"),
    [(0, 0), (3, 5), (9, 9), (9, None), (5, 999), (10, None), (10, 20), (50, 60)],
)
def test_ranges_are_cut_to_what_there_is(store: S3Store, first: int, last: int | None) -> None:
    async def read() -> tuple[bytes, int]:
        body = await store.open("scans", "small", first=first, last=last)
        return await octets(body), body.stored.size

    stop = None if last is None else last + 1
    assert asyncio.run(read()) == (b"0123456789"[first:stop], 10)


def test_a_range_of_an_empty_object_is_empty(store: S3Store) -> None:
    assert asyncio.run(fetch(store, "scans", "empty", 0, 99)) == b""


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        ("scans", "none"),
        ("scans", "in"),
        ("scans", "in/clinic"),
        ("none", "small"),
        ("No Such & Bucket?", "small"),
        ("scans/in", "clinic/a b"),
        ("", "small"),
        ("..", "small"),
        ("scans", ""),
        ("scans", "small/"),
        ("scans", "/small"),
        ("scans", "in//clinic/a b"),
        ("scans", "in/./clinic/a b"),
        ("scans", "x/../small"),
        ("scans", "small\n"),
        ("scans", "\x00"),
    ],
)
def test_what_is_not_there_is_not_found(store: S3Store, bucket: str, key: str) -> None:
    for call in [store.head(bucket, key), store.open(bucket, key)]:
        with pytest.raises(DocumentNotFound):
            asyncio.run(asyncio.wait_for(call, 30))


@pytest.mark.parametrize("key", NASTY)
def test_every_key_of_the_grammar_reaches_s3_exactly(store: S3Store, client: Any, key: str) -> None:
    client.put_object(Bucket="scans", Key=key, Body=key.encode())
    assert asyncio.run(fetch(store, "scans", key)) == key.encode()
    assert asyncio.run(store.head("scans", key)).size == len(key.encode())


def test_buckets_may_be_folders_below_a_prefix(endpoint: str, client: Any) -> None:
    store = S3Store(
        StoreAddress(
            "s3", "", "scans", "in", endpoint=endpoint, region="us-east-1", credentials=PAIR
        )
    )
    assert asyncio.run(fetch(store, "clinic", "a b")) == b"below a prefix"
    for bucket, key in [("..", "small"), ("clinic", "../../small"), ("small", "")]:
        with pytest.raises(DocumentNotFound):
            asyncio.run(store.head(bucket, key))
    asyncio.run(store.check())


def test_another_version_than_the_asked_one_is_refused(store: S3Store, client: Any) -> None:
    client.put_object(Bucket="scans", Key="changing", Body=b"before")
    identity = asyncio.run(store.head("scans", "changing")).identity
    assert asyncio.run(fetch(store, "scans", "changing", identity=identity)) == b"before"
    client.put_object(Bucket="scans", Key="changing", Body=b"after")
    for first, last in [(0, None), (2, 3), (99, None)]:
        with pytest.raises(DocumentChanged):
            asyncio.run(fetch(store, "scans", "changing", first, last, identity))


def test_a_versioned_bucket_names_its_versions(store: S3Store, client: Any) -> None:
    made = [client.put_object(Bucket="old", Key="k", Body=b"same")["VersionId"] for _ in range(2)]
    stored = asyncio.run(store.head("old", "k"))
    assert (stored.version_id, stored.identity) == (made[1], made[1])
    assert asyncio.run(fetch(store, "old", "k", identity=made[1])) == b"same"
    with pytest.raises(DocumentChanged):
        asyncio.run(store.open("old", "k", identity=made[0]))
    client.delete_object(Bucket="old", Key="k")
    with pytest.raises(DocumentNotFound):
        asyncio.run(store.head("old", "k"))


def test_a_check_misses_a_bucket_that_is_not_there(store: S3Store, endpoint: str) -> None:
    asyncio.run(store.check())
    asyncio.run(store.aclose())
    with pytest.raises(StoreUnavailable, match="no bucket"):
        asyncio.run(
            S3Store(
                StoreAddress("s3", endpoint=endpoint, credentials=PAIR), buckets=["gone"]
            ).check()
        )
