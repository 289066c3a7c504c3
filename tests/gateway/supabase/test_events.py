"""Events: whatever way Supabase tells of a change, the same copies are meant."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import RequestRefused
from gateway.supabase.events import (
    Change,
    Told,
    database_event,
    purge_call,
    storage_event,
)

Reader = Callable[[bytes], Told]
READERS: list[Reader] = [database_event, storage_event, purge_call]
UNKNOWN = Told(ignored=1)
VERSION = "665c5dc6-b110-42ed-8940-cf893f9fbdb7"
AT = "2026-11-22T21:36:39.347+00:00"
SECONDS = 1_795_383_399.347


def octets(body: object) -> bytes:
    return json.dumps(body).encode()


def row(name: str, bucket: str = "documents", **more: object) -> dict[str, object]:
    """A row of storage.objects, with some of the columns that nobody here reads."""
    unread = {"id": "1", "owner": None, "metadata": {"size": 11}, "path_tokens": [name]}
    return {**unread, "bucket_id": bucket, "name": name, **more}


def database(kind: str, record: object, old: object, table: str = "objects") -> Told:
    event = {"type": kind, "table": table, "schema": "storage", "record": record}
    return database_event(octets({**event, "old_record": old}))


def storage(kind: str, name: str = "a.pdf", **more: object) -> Told:
    tenant = {"ref": "stub", "host": "127.0.0.1"}
    payload = {"bucketId": "documents", "name": name, "version": VERSION, "tenant": tenant, **more}
    event = {"$version": "v1", "type": kind, "region": "local", "applyTime": 1_795_383_399_347}
    body = {"type": "Webhook", "event": {**event, "payload": payload}, "sentAt": AT}
    return storage_event(octets({**body, "tenant": tenant}))


def purged(kind: str, **more: object) -> Told:
    return purge_call(octets({"type": kind, "tenant": {"ref": "stub"}, **more}))


# Database webhooks ---------------------------------------------------------------------------


def test_an_inserted_row_is_an_edit_with_its_version_and_time() -> None:
    told = database("INSERT", row("a.pdf", version=VERSION, updated_at=AT), None)
    assert told == Told((Change("documents", "a.pdf", False, VERSION, SECONDS),))


def test_an_updated_row_is_an_edit() -> None:
    assert database("UPDATE", row("a.pdf"), row("a.pdf")) == Told((Change("documents", "a.pdf"),))
    assert database("UPDATE", row("a.pdf"), None) == Told((Change("documents", "a.pdf"),))


@pytest.mark.parametrize(
    ("name", "bucket"), [("b.pdf", "documents"), ("a.pdf", "scans"), ("b.pdf", "scans")]
)
def test_a_moved_row_tells_of_both_names(name: str, bucket: str) -> None:
    told = database("UPDATE", row(name, bucket, version=VERSION), row("a.pdf"))
    assert told == Told(
        (Change(bucket, name, version=VERSION), Change("documents", "a.pdf", hard=True))
    )


def test_a_deleted_row_is_a_removal() -> None:
    told = database("DELETE", None, row("a.pdf", version=VERSION, updated_at=AT))
    assert told == Told((Change("documents", "a.pdf", hard=True),))


BUCKET: dict[str, object] = {"id": "documents", "name": "documents", "public": False}


@pytest.mark.parametrize(
    ("kind", "record", "old", "buckets"),
    [
        ("INSERT", BUCKET, None, ["documents"]),
        ("UPDATE", BUCKET, {**BUCKET, "public": True}, ["documents"]),
        ("UPDATE", BUCKET, {**BUCKET, "id": "former"}, ["documents", "former"]),
        ("DELETE", None, BUCKET, ["documents"]),
    ],
)
def test_any_change_of_a_bucket_removes_all_of_it(
    kind: str, record: object, old: object, buckets: list[str]
) -> None:
    told = database(kind, record, old, "buckets")
    assert told == Told(tuple(Change(name, hard=True) for name in buckets))


@pytest.mark.parametrize(
    "body",
    [
        {"type": "INSERT", "schema": "public", "table": "objects", "record": {"any": 1}},
        {"type": "INSERT", "schema": "storage", "table": "prefixes", "record": None},
        {"type": "TRUNCATE", "schema": "storage", "table": "objects"},
        {"type": "TRUNCATE", "schema": "storage", "table": "buckets"},
    ],
)
def test_rows_of_other_tables_and_kinds_are_counted_only(body: object) -> None:
    assert database_event(octets(body)) == UNKNOWN


# The storage server's webhook ----------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    ["ObjectCreated:Post", "ObjectCreated:Put", "ObjectCreated:Copy", "ObjectUpdated:Metadata"],
)
def test_what_the_server_wrote_is_an_edit_with_its_version_and_time(kind: str) -> None:
    assert storage(kind) == Told((Change("documents", "a.pdf", False, VERSION, SECONDS),))


@pytest.mark.parametrize("kind", ["ObjectRemoved:Delete", "ObjectRemoved:Move"])
def test_what_the_server_removed_is_a_removal(kind: str) -> None:
    assert storage(kind) == Told((Change("documents", "a.pdf", hard=True),))


def test_what_the_server_moved_has_two_names() -> None:
    old = {"bucketId": "scans", "name": "old.pdf", "version": "1", "reqId": "r"}
    told = storage("ObjectCreated:Move", oldObject=old)
    assert told.changes == (
        Change("documents", "a.pdf", False, VERSION, SECONDS),
        Change("scans", "old.pdf", hard=True),
    )


@pytest.mark.parametrize("kind", ["ObjectCreated:Dream", "ObjectRemoved", "", "Webhook"])
def test_unknown_events_are_counted_only_whatever_they_hold(kind: str) -> None:
    assert storage(kind) == UNKNOWN
    assert storage_event(octets({"type": "Webhook", "event": {"type": kind}})) == UNKNOWN
    assert storage_event(octets({"type": "Other"})) == UNKNOWN


# The purge endpoint --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("object", Change("pub", "img/logo.png", hard=True)),
        ("bucket", Change("pub", hard=True)),
        ("tenant", Change(hard=True)),
        ("object-transforms", Change("pub", "img/logo.png")),
        ("bucket-transforms", Change("pub")),
        ("tenant-transforms", Change()),
    ],
)
def test_a_purge_call_removes_and_one_for_transforms_asks(kind: str, change: Change) -> None:
    assert purged(kind, bucketId="pub", objectName="img/logo.png") == Told((change,))


@pytest.mark.parametrize("kind", ["", "-transforms", "object-", "object-other", "zone"])
def test_an_unknown_purge_is_counted_only(kind: str) -> None:
    assert purged(kind, bucketId="pub", objectName="a") == UNKNOWN


# What is wrong -------------------------------------------------------------------------------

NOTHING: list[object] = [None, [], "text", {}, 5]
WRONG: list[tuple[Reader, object]] = [
    (database_event, {"type": "INSERT", "table": "objects"}),
    (database_event, {"type": 1, "table": "objects", "schema": "storage"}),
    (storage_event, {"type": "Webhook"}),
    (storage_event, {"type": "Webhook", "event": {"type": "ObjectCreated:Put"}}),
    (storage_event, {"type": "Webhook", "event": {"type": "ObjectRemoved:Delete", "payload": []}}),
    (purge_call, {"tenant": {"ref": "stub"}}),
    (purge_call, {"type": "object", "bucketId": "pub"}),
    (purge_call, {"type": "object", "objectName": "a"}),
    (purge_call, {"type": "bucket", "bucketId": ""}),
    (purge_call, {"type": "bucket-transforms", "bucketId": 5}),
    *itertools.product(READERS, NOTHING),
]


@pytest.mark.parametrize(("read", "body"), WRONG)
def test_what_lacks_its_parts_is_refused(read: Reader, body: object) -> None:
    with pytest.raises(RequestRefused) as caught:
        read(octets(body))
    assert (caught.value.status, caught.value.code) == (422, "body.invalid")


@pytest.mark.parametrize(
    ("kind", "record", "old", "table"),
    [
        ("INSERT", None, None, "objects"),
        ("INSERT", {"name": "a"}, None, "objects"),
        ("INSERT", row(""), None, "objects"),
        ("UPDATE", row("a"), {"name": 5}, "objects"),
        ("DELETE", row("a"), None, "objects"),
        ("DELETE", None, row("a", ""), "objects"),
        ("DELETE", None, None, "buckets"),
        ("UPDATE", {"name": "documents"}, None, "buckets"),
    ],
)
def test_a_row_without_its_names_is_refused(
    kind: str, record: object, old: object, table: str
) -> None:
    with pytest.raises(RequestRefused):
        database(kind, record, old, table)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"type": "\\ud800"}', b"[" * 5_000])
def test_what_is_no_json_is_refused(read: Reader, body: bytes) -> None:
    with pytest.raises(RequestRefused):
        read(body)


def test_a_refusal_names_no_document() -> None:
    for wrong in (row("Jane Doe.pdf", bucket="") | {"version": VERSION}, {"name": ["Jane Doe"]}):
        with pytest.raises(RequestRefused) as caught:
            database("INSERT", wrong, None)
        assert "Jane" not in caught.value.detail


@pytest.mark.parametrize("name", ["a//b", "../a", "a\\b", "a\x00", "k" * 1_025, "/a", "a/"])
def test_a_name_that_no_link_has_is_skipped(name: str) -> None:
    told = database("UPDATE", row("good.pdf"), row(name))
    assert told == Told((Change("documents", "good.pdf"),), ignored=1)
    assert purged("bucket", bucketId="~x") == UNKNOWN


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("2026-11-22T21:36:39.347", SECONDS),
        ("2026-11-22T22:36:39.347+01:00", SECONDS),
        ("yesterday", 0.0),
        ("", 0.0),
        (None, 0.0),
        ({"at": 1}, 0.0),
        (10**400, 0.0),
    ],
)
def test_a_time_that_can_not_be_read_is_no_time(told: object, seconds: float) -> None:
    [change] = database("INSERT", row("a", updated_at=told, version=7), None).changes
    assert change.at == pytest.approx(seconds)
    assert change.version == ""


def test_a_key_without_a_bucket_is_no_change() -> None:
    with pytest.raises(ValueError, match="bucket"):
        Change("", "a")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "table", "schema", "record", "name", "id", "event"]), inner
        )
    ),
    max_leaves=6,
)
kinds = st.sampled_from(["INSERT", "UPDATE", "DELETE", "Webhook", "object", "tenant"])


@given(body=values, kind=kinds, read=st.sampled_from(READERS))
def test_whatever_comes_is_told_counted_or_refused(body: Any, kind: str, read: Reader) -> None:
    event = {"type": kind, "table": "objects", "schema": "storage", "record": body}
    for wire in (octets(body), octets({**event, "old_record": body, "event": body})):
        try:
            told = read(wire)
        except RequestRefused:
            continue
        assert told.changes or told.ignored
        assert all(change.addressable for change in told.changes)
