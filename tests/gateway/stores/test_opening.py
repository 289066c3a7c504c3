"""Opening stores: each kind of address leads to its store, or the fault says what to install."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError, DocumentNotFound
from gateway.settings import Credentials, StoreAddress
from gateway.stores.opening import open_store

PAIR = Credentials("AKIAEXAMPLE", "a-secret")


def test_a_folder_is_read_where_its_root_is(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "x").write_bytes(b"123")
    store = open_store(StoreAddress("folder", root=str(tmp_path)), where="stores.main.url")
    assert store.kind == "folder"
    assert asyncio.run(store.head("scans", "x")).size == 3


def test_memory_is_an_empty_store() -> None:
    store = open_store(StoreAddress("memory"), where="stores.main.url")
    assert store.kind == "memory"
    with pytest.raises(DocumentNotFound):
        asyncio.run(store.head("a", "b"))


def test_s3_needs_no_connection_yet() -> None:
    store = open_store(
        StoreAddress("s3", endpoint="http://127.0.0.1:9", credentials=PAIR), where="stores.main.url"
    )
    assert (store.kind, store.local) == ("s3", False)


def test_without_the_extra_s3_the_fault_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.delitem(sys.modules, "gateway.stores.s3", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        open_store(StoreAddress("s3"), where="stores.main.url")
    (fault,) = caught.value.faults
    assert fault.where == "stores.main.url"
    assert 'pip install "ostiary[s3]"' in fault.hint
