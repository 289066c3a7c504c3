"""Real clients work against the stand-in as they do against the real server."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import httpx
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError
from storage3 import SyncStorageClient
from storage3.exceptions import StorageApiError

from tests.contract.server import USER_A, USER_B, ContractServer
from tests.contract.server.running import S3_ACCESS_KEY, S3_SECRET_KEY

REPORT = f"{USER_A}/report.pdf"


@pytest.fixture
def server() -> Iterator[ContractServer]:
    with ContractServer() as server:
        server.put("documents", REPORT, b"%PDF-1.4 report")
        server.put("documents", "shared/plan.pdf", b"%PDF-1.4 plan")
        yield server


@pytest.fixture
def web() -> Iterator[httpx.Client]:
    with httpx.Client() as client:
        yield client


def storage(server: ContractServer, web: httpx.Client, token: str) -> SyncStorageClient:
    return SyncStorageClient(f"{server.url}/storage/v1/", server.fields(token), http_client=web)


def s3(server: ContractServer, token: str = "", secret: str = S3_SECRET_KEY) -> BaseClient:
    """A client with an access key, or with a user's session token."""
    key, hidden = ("stub", server.anon) if token else (S3_ACCESS_KEY, secret)
    return boto3.client(
        "s3",
        endpoint_url=f"{server.url}/storage/v1/s3",
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=hidden,
        aws_session_token=token or None,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


def test_storage3_reads_and_signs_what_the_user_owns(
    server: ContractServer, web: httpx.Client
) -> None:
    bucket = storage(server, web, server.user_a).from_("documents")
    assert bucket.download(REPORT) == b"%PDF-1.4 report"
    one = bucket.create_signed_url(REPORT, 60)["signedURL"]
    assert web.get(one).content == b"%PDF-1.4 report"
    two = bucket.create_signed_urls([REPORT, f"{USER_A}/none.pdf"], 60)
    assert web.get(two[0]["signedURL"]).status_code == 200
    assert two[1]["error"].startswith("Either the object does not exist")
    assert bucket.info(REPORT)["size"] == len(b"%PDF-1.4 report")
    assert bucket.exists(REPORT)
    assert not bucket.exists(f"{USER_A}/none.pdf")
    assert [entry["name"] for entry in bucket.list(USER_A)] == ["report.pdf"]


def test_storage3_is_refused_what_another_user_owns(
    server: ContractServer, web: httpx.Client
) -> None:
    bucket = storage(server, web, server.user_b).from_("documents")
    for attempt in (
        lambda: bucket.download(REPORT),
        lambda: bucket.create_signed_url(REPORT, 60),
        lambda: bucket.info(REPORT),
        lambda: bucket.move(REPORT, f"{USER_B}/mine.pdf"),
        lambda: bucket.copy(REPORT, f"{USER_B}/mine.pdf"),
    ):
        with pytest.raises(StorageApiError, match="Object not found"):
            attempt()
    with pytest.raises(StorageApiError, match="row-level security"):
        bucket.upload(f"{USER_A}/evil.pdf", b"evil", {"content-type": "application/pdf"})
    assert bucket.remove([REPORT]) == []
    assert bucket.list(USER_A) == []
    assert bucket.download("shared/plan.pdf") == b"%PDF-1.4 plan"
    assert server.shelf.keys("documents") == [REPORT, "shared/plan.pdf"]


def test_storage3_writes_and_every_write_makes_a_new_version(
    server: ContractServer, web: httpx.Client
) -> None:
    bucket = storage(server, web, server.user_a).from_("documents")
    note = f"{USER_A}/note.txt"
    bucket.upload(note, b"one", {"content-type": "text/plain", "cache-control": "60"})
    first = server.shelf.find("documents", note)
    assert first.write.cache_control == "max-age=60"
    with pytest.raises(StorageApiError, match="already exists"):
        bucket.upload(note, b"two", {"content-type": "text/plain"})
    bucket.update(note, b"two", {"content-type": "text/plain"})
    second = server.shelf.find("documents", note)
    assert (second.id, second.write.body) == (first.id, b"two")
    assert second.version != first.version
    bucket.copy(note, f"{USER_A}/copy.txt")
    bucket.move(f"{USER_A}/copy.txt", f"{USER_A}/moved.txt")
    assert [row["name"] for row in bucket.remove([note, f"{USER_A}/moved.txt"])] == [
        note,
        f"{USER_A}/moved.txt",
    ]
    assert server.shelf.keys("documents") == [REPORT, "shared/plan.pdf"]


def test_storage3_uploads_to_a_signed_address_once(
    server: ContractServer, web: httpx.Client
) -> None:
    bucket = storage(server, web, server.user_a).from_("documents")
    name = f"{USER_A}/sent.pdf"
    ticket = bucket.create_signed_upload_url(name)
    bucket.upload_to_signed_url(
        name, ticket["token"], b"%PDF-", {"content-type": "application/pdf"}
    )
    assert server.shelf.find("documents", name).write.owner == USER_A
    with pytest.raises(StorageApiError, match="already exists"):
        bucket.upload_to_signed_url(name, ticket["token"], b"again")


def test_storage3_makes_buckets_with_the_service_key_only(
    server: ContractServer, web: httpx.Client
) -> None:
    storage(server, web, server.service).create_bucket("more", options={"public": False})
    names = {bucket.name for bucket in storage(server, web, server.service).list_buckets()}
    assert names == {"pub", "documents", "more"}
    assert storage(server, web, server.user_a).list_buckets() == []
    with pytest.raises(StorageApiError, match="row-level security"):
        storage(server, web, server.user_a).create_bucket("mine")


def test_boto3_writes_lists_and_reads_with_an_access_key(server: ContractServer) -> None:
    client = s3(server)
    for name in ("a b+c.txt", "f/one.txt", "f/two.txt"):
        client.put_object(Bucket="documents", Key=name, Body=b"abc", Metadata={"k": "v"})
    head = client.head_object(Bucket="documents", Key="a b+c.txt")
    assert (head["ContentLength"], head["Metadata"]) == (3, {"k": "v"})
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket="documents", Prefix="f/", PaginationConfig={"PageSize": 1}
    )
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == [
        "f/one.txt",
        "f/two.txt",
    ]
    folders = client.list_objects_v2(Bucket="documents", Delimiter="/")["CommonPrefixes"]
    assert [folder["Prefix"] for folder in folders] == [f"{USER_A}/", "f/", "shared/"]
    client.delete_object(Bucket="documents", Key="f/one.txt")
    assert not server.shelf.has("documents", "f/one.txt")
    both = {"Objects": [{"Key": "f/two.txt"}, {"Key": "a b+c.txt"}]}
    client.delete_objects(Bucket="documents", Delete=both)
    assert server.shelf.keys("documents") == [REPORT, "shared/plan.pdf"]


def test_boto3_sees_by_session_token_what_the_user_may_see(
    server: ContractServer, web: httpx.Client
) -> None:
    mine, others = s3(server, server.user_a), s3(server, server.user_b)
    wanted = {"Bucket": "documents", "Key": REPORT}
    assert mine.get_object(**wanted)["Body"].read() == b"%PDF-1.4 report"
    with pytest.raises(ClientError) as refused:
        others.get_object(**wanted)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert web.get(mine.generate_presigned_url("get_object", Params=wanted)).status_code == 200
    assert web.get(others.generate_presigned_url("get_object", Params=wanted)).status_code == 404


def test_a_wrong_secret_signs_nothing(server: ContractServer, web: httpx.Client) -> None:
    url = s3(server, secret="wrong").generate_presigned_url(
        "get_object", Params={"Bucket": "documents", "Key": REPORT}
    )
    answer = web.get(url)
    assert answer.status_code == 403
    assert "<Code>SignatureDoesNotMatch</Code>" in answer.text


def test_the_forwarded_host_is_the_one_that_was_signed(
    server: ContractServer, web: httpx.Client
) -> None:
    url = s3(server).generate_presigned_url(
        "get_object", Params={"Bucket": "documents", "Key": REPORT}
    )
    signed_host = httpx.URL(url).netloc.decode()
    assert web.get(url, headers={"host": "inside"}).status_code == 403
    forwarded = {"host": "inside", "x-forwarded-host": signed_host}
    assert web.get(url, headers=forwarded).content == b"%PDF-1.4 report"
