"""Addresses of stores: every form of the documents is read, everything else is refused."""

from __future__ import annotations

import pytest

from gateway.settings import Credentials, StoreAddress
from gateway.settings.addresses import parse_address
from gateway.settings.table import Unfit

PAIR = Credentials("AKIA", "very-secret")


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("file:///srv/documents", "/srv/documents"),
        ("file:///srv/a%20b", "/srv/a b"),
        ("file:///srv/%3F", "/srv/?"),
        ("file:/srv", "/srv"),
        ("file:var/documents", "var/documents"),
        ("file://localhost/srv", "/srv"),
    ],
)
def test_a_folder_is_a_file_url(url: str, root: str) -> None:
    assert parse_address(url) == StoreAddress("folder", root=root)


def test_memory_is_a_word() -> None:
    assert parse_address("memory:") == StoreAddress("memory")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3:", StoreAddress("s3")),
        ("s3:?region=eu-west-1", StoreAddress("s3", region="eu-west-1")),
        (
            "s3:?endpoint=http://127.0.0.1:9000/&region=eu",
            StoreAddress("s3", endpoint="http://127.0.0.1:9000", region="eu"),
        ),
        ("s3://NAME", StoreAddress("s3", bucket="NAME")),
        ("s3://NAME/a/b%20c/", StoreAddress("s3", bucket="NAME", prefix="a/b c")),
        (
            "s3://NAME/a?endpoint=https%3A%2F%2Fx.example%2Fstorage%2Fs3",
            StoreAddress("s3", bucket="NAME", prefix="a", endpoint="https://x.example/storage/s3"),
        ),
    ],
)
def test_s3_takes_a_bucket_a_prefix_an_endpoint_and_a_region(
    url: str, address: StoreAddress
) -> None:
    assert parse_address(url) == address


def test_plain_http_is_spoken_only_when_the_endpoint_says_so() -> None:
    assert parse_address("s3:?endpoint=http://127.0.0.1").plain_http
    assert not parse_address("s3:?endpoint=https://127.0.0.1").plain_http
    assert not parse_address("s3:").plain_http


def test_credentials_go_with_s3_and_stay_out_of_what_is_printed() -> None:
    address = parse_address("s3:", PAIR)
    assert address.credentials.given
    assert not StoreAddress("s3").credentials.given
    assert "very-secret" not in repr(address)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("", "not the address"),
        ("/srv/documents", "not the address"),
        ("ftp://host", "not the address"),
        ("memory:x", "not the address"),
        ("supabase:project", "nothing after"),
        ("file:", "no folder"),
        ("file://", "no folder"),
        ("file:///srv%00", "no folder"),
        ("file://host/srv", "names a host"),
        ("file:///srv?x=1", "no ?"),
        ("file:///srv#x", "no ?"),
        ("s3://AKIA:secret@NAME", "user"),
        ("s3://NAME:80", "user"),
        ("s3://NAME#x", "user"),
        ("s3:/prefix", "without a bucket"),
        ("s3:NAME", "without a bucket"),
        ("s3://[x", "not the address"),
        ("s3://NAME/a//b", "dot segment"),
        ("s3://NAME/a/%2E%2E", "dot segment"),
        ("s3:?secret_key=x", "not known"),
        ("s3:?region=a&region=b", "twice"),
        ("s3:?endpoint=127.0.0.1:9000", "http:// or https://"),
        ("s3:?endpoint=https://", "http:// or https://"),
        ("s3:?endpoint=https://host:port", "http:// or https://"),
        ("s3:?endpoint=https://host:0", "http:// or https://"),
        ("s3:?endpoint=https://a:b@host", "no user"),
        ("s3:?endpoint=https://host%3Fx", "no user"),
    ],
)
def test_anything_else_is_refused(url: str, what: str) -> None:
    with pytest.raises(Unfit) as caught:
        parse_address(url)
    assert what in caught.value.what


def test_a_parameter_that_is_not_known_gets_the_nearest_one() -> None:
    with pytest.raises(Unfit) as caught:
        parse_address("s3:?endpont=https://host")
    assert caught.value.hint == "nearest: endpoint"


@pytest.mark.parametrize("url", ["file:///srv", "memory:"])
def test_credentials_of_another_kind_are_refused(url: str) -> None:
    with pytest.raises(Unfit, match="takes no access_key"):
        parse_address(url, PAIR)


def test_buckets_are_s3_buckets_or_folders_below_a_prefix() -> None:
    assert StoreAddress("s3").locate("scans", "a/b") == ("scans", "a/b")
    assert StoreAddress("s3", bucket="n").locate("scans", "a/b") == ("n", "scans/a/b")
    below = StoreAddress("s3", bucket="n", prefix="p/q")
    assert below.locate("scans", "a/b") == ("n", "p/q/scans/a/b")
