from __future__ import annotations

import json

import pytest

from gateway.dropin.writes import LONGEST, changes_of, write_of
from gateway.supabase.events import Change


def told(
    method: str, path: str, *, query: str = "", asked: object = None, answered: object = None
) -> list[Change]:
    write = write_of(method, f"/storage/v1/{path}".encode(), query.encode())
    assert write is not None
    bodies = [b"" if body is None else json.dumps(body).encode() for body in (asked, answered)]
    return changes_of(write, *bodies)


@pytest.mark.parametrize(
    ("method", "path", "change"),
    [
        ("POST", "object/docs/a/b.pdf", Change("docs", "a/b.pdf")),
        ("PUT", "object/docs/a.pdf", Change("docs", "a.pdf")),
        ("PUT", "object/docs/a%20b%C3%BC.pdf", Change("docs", "a b\u00fc.pdf")),
        ("DELETE", "object/docs/a.pdf", Change("docs", "a.pdf", hard=True)),
        ("PUT", "object/upload/sign/docs/a/b.pdf", Change("docs", "a/b.pdf")),
        ("PUT", "bucket/docs", Change("docs", hard=True)),
        ("DELETE", "bucket/docs", Change("docs", hard=True)),
        ("POST", "bucket/docs/empty", Change("docs", hard=True)),
        ("DELETE", "cdn/docs/a/b.pdf", Change("docs", "a/b.pdf", hard=True)),
        ("DELETE", "cdn/docs", Change("docs", hard=True)),
        ("DELETE", "cdn/", Change(hard=True)),
        ("DELETE", "cdn", Change(hard=True)),
        ("PUT", "s3/docs/a/b.pdf", Change("docs", "a/b.pdf")),
        ("DELETE", "s3/docs/a/b.pdf", Change("docs", "a/b.pdf", hard=True)),
        ("DELETE", "s3/docs", Change("docs", hard=True)),
    ],
)
def test_a_write_is_told_by_its_address(method: str, path: str, change: Change) -> None:
    assert told(method, path) == [change]


@pytest.mark.parametrize(
    ("method", "path", "query", "changes"),
    [
        ("DELETE", "cdn/docs/a", "transformations=true", [Change("docs", "a")]),
        ("DELETE", "cdn/docs/a", "transformations=false", [Change("docs", "a", hard=True)]),
        ("POST", "s3/docs/a", "uploadId=x", [Change("docs", "a")]),
        ("PUT", "s3/docs/a", "x-id=PutObject", [Change("docs", "a")]),
    ],
)
def test_a_query_says_what_a_write_is(
    method: str, path: str, query: str, changes: list[Change]
) -> None:
    assert told(method, path, query=query) == changes


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "object/docs/a.pdf", ""),
        ("HEAD", "object/docs/a.pdf", ""),
        ("POST", "object/sign/docs/a.pdf", ""),
        ("POST", "object/list/docs", ""),
        ("POST", "object/list-v2/docs", ""),
        ("POST", "object/upload/sign/docs/a.pdf", ""),
        ("POST", "object/docs", ""),
        ("POST", "bucket", ""),
        ("GET", "bucket/docs", ""),
        ("PATCH", "upload/resumable/x", ""),
        ("GET", "s3/docs/a", ""),
        ("PUT", "s3/docs", ""),
        ("PUT", "s3/docs/a", "partNumber=1&uploadId=x"),
        ("POST", "s3/docs/a", "uploads="),
        ("DELETE", "s3/docs/a", "uploadId=x"),
        ("PUT", "object/docs/%ff", ""),
        ("PUT", "object/docs/a%2F..%2Fb", ""),
        ("PUT", "object/~docs/a", ""),
        ("DELETE", "s3/docs/a", "&".join("x" * 65)),
        ("DELETE", "s3/docs", "lifecycle"),
        ("POST", "object//a", ""),
        ("DELETE", "cdn//a", ""),
        ("DELETE", "bucket/", ""),
    ],
)
def test_what_changes_nothing_that_is_kept_is_no_write(method: str, path: str, query: str) -> None:
    assert write_of(method, f"/storage/v1/{path}".encode(), query.encode()) is None


def test_a_move_changes_both_names() -> None:
    body = {"bucketId": "docs", "sourceKey": "a", "destinationKey": "b"}
    assert told("POST", "object/move", asked=body) == [
        Change("docs", "a", hard=True),
        Change("docs", "b"),
    ]
    elsewhere = {**body, "destinationBucket": "other"}
    assert told("POST", "object/move", asked=elsewhere)[1] == Change("other", "b")


def test_a_copy_changes_the_new_name_alone() -> None:
    body = {"bucketId": "docs", "sourceKey": "a", "destinationKey": "b"}
    assert told("POST", "object/copy", asked=body) == [Change("docs", "b")]


def test_a_removal_is_what_the_answer_lists() -> None:
    asked = {"prefixes": ["a", "b"]}
    removed = [{"name": "a"}, {"name": 5}, {}, "b", {"name": "a"}]
    assert told("DELETE", "object/docs", asked=asked, answered=removed) == [
        Change("docs", "a", hard=True)
    ]
    assert told("DELETE", "object/docs", asked=asked, answered=[]) == []


def test_a_removal_whose_answer_can_not_be_read_is_what_was_asked() -> None:
    names = ["a", "", 5, "../b", "c"]
    assert told("DELETE", "object/docs", asked={"prefixes": names}) == [
        Change("docs", "a", hard=True),
        Change("docs", "c", hard=True),
    ]
    assert told("DELETE", "object/docs", asked={"prefixes": "all"}) == []


def test_the_names_of_a_removal_over_s3_are_in_its_xml() -> None:
    write = write_of("POST", b"/storage/v1/s3/docs", b"delete=")
    body = b"<Delete><Object><Key>a&amp;b&apos;.txt</Key></Object><Key>c</Key></Delete>"
    assert write is not None
    assert changes_of(write, body) == [
        Change("docs", "a&b'.txt", hard=True),
        Change("docs", "c", hard=True),
    ]


BODIES = [
    b"",
    b"{",
    b"[]",
    b"5",
    b"[" * 100_000,
    b'{"bucketId":1}',
    b'{"bucketId":"docs","sourceKey":"","destinationKey":""}',
    b'{"bucketId":"","sourceKey":"a","destinationKey":"b"}',
    b"<Key></Key>",
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", ["object/move", "object/copy", "s3/docs"])
def test_bodies_that_say_nothing_change_nothing(path: str, body: bytes) -> None:
    write = write_of("POST", f"/storage/v1/{path}".encode(), b"delete")
    assert write is not None
    assert changes_of(write, body) == []


def test_a_thousand_long_names_are_read() -> None:
    assert len(json.dumps({"prefixes": ["k" * 1000] * 1000})) < LONGEST
