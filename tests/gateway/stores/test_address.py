"""Addresses of stores: the documented ones lead somewhere, every other one is explained."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError, DocumentNotFound, Fault
from gateway.stores.address import Credentials, S3Address, build

PAIR = Credentials("AKIAEXAMPLE", "a-secret")


def fault(url: str, credentials: Credentials | None = None) -> Fault:
    with pytest.raises(ConfigurationError) as caught:
        build(url, credentials=credentials, where="stores.main.url")
    (found,) = caught.value.faults
    return found


def test_a_file_address_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a b" / "scans").mkdir(parents=True)
    (tmp_path / "a b" / "scans" / "x").write_bytes(b"123")
    for url in [f"file://{tmp_path}/a%20b", f"file://localhost{tmp_path}/a b"]:
        store = build(url)
        assert store.kind == "folder"
        assert asyncio.run(store.head("scans", "x")).size == 3


def test_a_relative_file_address_is_below_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "var" / "scans").mkdir(parents=True)
    (tmp_path / "var" / "scans" / "x").write_bytes(b"123")
    monkeypatch.chdir(tmp_path)
    assert asyncio.run(build("file:var").head("scans", "x")).size == 3


def test_memory_is_an_empty_store() -> None:
    store = build("memory:")
    assert store.kind == "memory"
    with pytest.raises(DocumentNotFound):
        asyncio.run(store.head("a", "b"))


@pytest.mark.parametrize(
    "url",
    [
        "s3:",
        "s3:?endpoint=https://x.supabase.co/storage/v1/s3&region=eu-west-1",
        "s3://name",
        "s3://name/a/b?region=eu-west-1",
        "s3:?endpoint=http://127.0.0.1:9000",
    ],
)
def test_s3_addresses_need_no_connection_yet(url: str) -> None:
    store = build(url, credentials=PAIR)
    assert (store.kind, store.local) == ("s3", False)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("", "no kind of store"),
        ("/srv/documents", "no kind of store"),
        ("gs://bucket", "no kind of store"),
        ("file://srv/documents", "no path"),
        ("file:", "no path"),
        ("file:///srv?x=1", "no path"),
        ("file:///srv#x", "fragment"),
        ("memory:x", "nothing may follow"),
        ("memory://x", "nothing may follow"),
        ("s3://AKIA:secret@name", "user"),
        ("s3:/prefix", "prefix without a bucket"),
        ("s3://name/a//b", "segment"),
        ("s3://name/a/../b", "segment"),
        ("s3://name/%2e%2e", "segment"),
        ("s3:?region=a&region=b", "twice"),
        ("s3:?endpoint=ftp://host", "endpoint"),
        ("s3:?endpoint=host:9000", "endpoint"),
        ("s3:?endpoint=http://", "endpoint"),
        ("s3:?endpoint=http://[::1", "endpoint"),
        ("s3:?endpoint=http://host:port", "endpoint"),
        ("s3:?endpoint=http://a:b@host", "endpoint"),
        ("s3://[x", "no address"),
    ],
)
def test_an_address_that_leads_nowhere_is_a_fault(url: str, what: str) -> None:
    found = fault(url)
    assert (found.where, what in found.what) == ("stores.main.url", True)


def test_an_unknown_parameter_gets_the_nearest_name() -> None:
    assert fault("s3:?endpont=https://host").hint == "did you mean endpoint?"
    assert fault("s3:?x=1").hint == "did you mean endpoint or region?"


@pytest.mark.parametrize("pair", [Credentials("only"), Credentials(secret_key="only")])
def test_half_a_key_pair_is_a_fault(pair: Credentials) -> None:
    assert "go together" in fault("s3:", pair).what


@pytest.mark.parametrize("url", ["file:///srv", "memory:"])
def test_a_key_pair_beside_another_store_is_a_fault(url: str) -> None:
    assert "only an S3 store" in fault(url, PAIR).what


def test_without_the_extra_s3_the_fault_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.delitem(sys.modules, "gateway.stores.s3", raising=False)
    assert 'pip install "ostiary[s3]"' in fault("s3:").hint


@pytest.mark.parametrize("url", ["s3://AKIA:hush@name", "s3:?hush=1", "s3:?endpoint=hush", "hush:"])
def test_a_fault_never_repeats_the_address(url: str) -> None:
    assert "hush" not in str(fault(url))


def test_buckets_are_s3_buckets_or_folders_below_a_prefix() -> None:
    assert S3Address().locate("scans", "a/b") == ("scans", "a/b")
    assert S3Address(name="n").locate("scans", "a/b") == ("n", "scans/a/b")
    assert S3Address(name="n", prefix="p/q").locate("scans", "a/b") == ("n", "p/q/scans/a/b")


def test_plain_http_only_when_the_endpoint_says_so() -> None:
    assert S3Address("http://host").plain
    assert not S3Address("https://host").plain
    assert not S3Address().plain
