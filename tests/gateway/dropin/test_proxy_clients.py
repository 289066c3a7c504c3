"""Real clients write and read through the gateway as they do without it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from storage3 import SyncStorageClient

from gateway.supabase.events import Change
from tests.contract.server import USER_A, ContractServer
from tests.contract.server.running import S3_ACCESS_KEY, S3_SECRET_KEY

NOTE = f"{USER_A}/note.txt"


@pytest.fixture(scope="module")
def server() -> Iterator[ContractServer]:
    with ContractServer() as server:
        yield server


@pytest.fixture(scope="module")
def door(server: ContractServer, pass_to: Any) -> Any:
    return pass_to(server.url)


@pytest.fixture
def gateway(door: Any, server: ContractServer) -> Any:
    for key in server.shelf.keys("documents"):
        server.shelf.drop("documents", key)
    door.changes.clear()
    return door


@pytest.fixture
def web() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as client:
        yield client


@pytest.fixture
def s3(gateway: Any) -> Iterator[BaseClient]:
    client = boto3.client(
        "s3",
        endpoint_url=f"{gateway.url}/storage/v1/s3",
        region_name="us-east-1",
        aws_access_key_id=S3_ACCESS_KEY,
        aws_secret_access_key=S3_SECRET_KEY,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    yield client
    client.close()


def test_signed_s3_requests_verify_behind_the_gateway(gateway: Any, s3: BaseClient) -> None:
    keys = ("a b+c(1).txt", "f/one.txt", "f/two's.txt")
    for key in keys:
        s3.put_object(Bucket="documents", Key=key, Body=b"abc", Metadata={"k": "v"})
    listed = s3.list_objects_v2(Bucket="documents", MaxKeys=2)
    assert [entry["Key"] for entry in listed["Contents"]] == list(keys[:2])
    assert s3.head_object(Bucket="documents", Key=keys[0])["Metadata"] == {"k": "v"}
    got = s3.get_object(Bucket="documents", Key=keys[2], Range="bytes=1-")
    assert got["Body"].read() == b"bc"
    s3.delete_object(Bucket="documents", Key=keys[0])
    s3.delete_objects(Bucket="documents", Delete={"Objects": [{"Key": key} for key in keys[1:]]})
    assert gateway.changes == [
        *(Change("documents", key) for key in keys),
        *(Change("documents", key, hard=True) for key in keys),
    ]


@pytest.mark.parametrize("size", [10, 300_000])
def test_a_file_that_boto3_streams_arrives(s3: BaseClient, server: Any, size: int) -> None:
    s3.put_object(Bucket="documents", Key="streamed.bin", Body=io.BytesIO(b"x" * size))
    assert server.shelf.find("documents", "streamed.bin").size == size


def test_presigned_urls_verify_behind_the_gateway(
    s3: BaseClient, server: ContractServer, web: httpx.Client
) -> None:
    server.put("documents", "a b.txt", b"abc", "text/plain")
    names = {"Bucket": "documents", "Key": "a b.txt"}
    url = s3.generate_presigned_url("get_object", Params=names)
    assert web.get(url).content == b"abc"
    assert web.get(url + "0").status_code == 403
    url = s3.generate_presigned_url("put_object", Params=names)
    assert web.put(url, content=b"new").status_code == 200
    assert server.shelf.find("documents", "a b.txt").write.body == b"new"


def test_what_comes_back_over_s3_is_for_nobody_to_store(s3: BaseClient, server: Any) -> None:
    server.put("documents", "a.txt", b"abc", "text/plain")
    got = s3.get_object(Bucket="documents", Key="a.txt")
    assert got["CacheControl"] == "private, no-store"


def test_storage3_writes_through_the_gateway(
    gateway: Any, server: ContractServer, web: httpx.Client
) -> None:
    base = f"{gateway.url}/storage/v1/"
    storage = SyncStorageClient(base, server.fields(server.user_a), http_client=web)
    bucket = storage.from_("documents")
    bucket.upload(NOTE, b"one" * 100_000, {"content-type": "text/plain"})
    bucket.update(NOTE, b"two", {"content-type": "text/plain"})
    assert [row["name"] for row in bucket.list(USER_A)] == ["note.txt"]
    bucket.move(NOTE, f"{USER_A}/moved.txt")
    bucket.remove([f"{USER_A}/moved.txt", "theirs.txt"])
    assert server.shelf.keys("documents") == []
    assert gateway.changes == [
        Change("documents", NOTE),
        Change("documents", NOTE),
        Change("documents", NOTE, hard=True),
        Change("documents", f"{USER_A}/moved.txt"),
        Change("documents", f"{USER_A}/moved.txt", hard=True),
    ]


def test_a_signed_upload_address_works_through_the_gateway(
    gateway: Any, server: ContractServer, web: httpx.Client
) -> None:
    base = f"{gateway.url}/storage/v1/"
    storage = SyncStorageClient(base, server.fields(server.user_a), http_client=web)
    ticket = storage.from_("documents").create_signed_upload_url(NOTE)
    sent = storage.from_("documents").upload_to_signed_url(NOTE, ticket["token"], b"sent")
    assert sent.path == NOTE
    assert gateway.changes == [Change("documents", NOTE)]


def test_a_resumable_upload_goes_on_where_it_stopped(
    gateway: Any, server: ContractServer, web: httpx.Client
) -> None:
    body = bytes(range(256)) * 1024
    named = {"bucketName": "documents", "objectName": NOTE, "contentType": "text/plain"}
    coded = [f"{name} {base64.b64encode(text.encode()).decode()}" for name, text in named.items()]
    fields = {**server.fields(server.user_a), "tus-resumable": "1.0.0"}
    made = web.post(
        f"{gateway.url}/storage/v1/upload/resumable",
        headers={**fields, "upload-length": str(len(body)), "upload-metadata": ",".join(coded)},
    )
    place = made.headers["location"]
    assert place.startswith(f"{gateway.url}/storage/v1/upload/resumable/")
    kind = {"content-type": "application/offset+octet-stream"}
    first = web.patch(
        place, headers={**fields, **kind, "upload-offset": "0"}, content=body[:70_000]
    )
    assert (first.status_code, first.headers["upload-offset"]) == (204, "70000")
    wrong = web.patch(
        place, headers={**fields, **kind, "upload-offset": "9"}, content=b"x" * 70_000
    )
    assert wrong.status_code == 409
    reached = int(web.head(place, headers=fields).headers["upload-offset"])
    last = {**fields, **kind, "upload-offset": str(reached)}
    assert web.patch(place, headers=last, content=body[reached:]).status_code == 204
    assert server.shelf.find("documents", NOTE).write.body == body
