from __future__ import annotations

import hashlib
import json
from contextlib import closing
from typing import Any

import pytest

from gateway.supabase.events import Change

HEAD = b"Host: files.example\r\nConnection: close\r\n"
REPORT = "/storage/v1/object/documents/report.pdf"

TARGETS = [
    b"/storage/v1/object/documents/a%2Fb%2fc.pdf",
    b"/storage/v1/object/documents/a%20b+c~d.pdf",
    b"/storage/v1/object/documents/na%C3%BCve.pdf",
    b"/storage/v1/object/documents/na%c3%bcve.pdf",
    b"/storage/v1/object/documents//two//slashes.pdf",
    b'/storage/v1/object/documents/"quoted"\'s(1)[2]{3}|4^5`.pdf',
    b"/storage/v1/object/documents/a.pdf?x=%2F+%20~'\"&&=&y",
    b"/storage/v1/object/documents/a..b/..c/...",
    b"/storage/v1/",
]


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_reaches_upstream_octet_for_octet(
    passing: Any, upstream: Any, target: bytes
) -> None:
    passing.exchange(b"GET " + target + b" HTTP/1.1\r\n" + HEAD + b"\r\n")
    assert [asked.target for asked in upstream.asked] == [target]


def test_a_request_gains_nothing_but_what_forwarding_says(passing: Any, upstream: Any) -> None:
    passing.exchange(
        b"GET /storage/v1/bucket HTTP/1.1\r\n" + HEAD + b"X-One: 1\r\nX-Two: 2\r\nX-One: 3\r\n\r\n"
    )
    assert upstream.asked[0].fields == [
        (b"host", upstream.url.removeprefix("http://").encode()),
        (b"x-one", b"1"),
        (b"x-two", b"2"),
        (b"x-one", b"3"),
        (b"x-forwarded-host", b"files.example"),
        (b"x-forwarded-proto", b"http"),
        (b"x-forwarded-for", b"127.0.0.1"),
    ]


def test_an_answer_comes_back_with_status_fields_and_octets(passing: Any, upstream: Any) -> None:
    upstream.status, upstream.body = 207, b"\x1f\x8b no real gzip"
    upstream.fields = [
        (b"content-encoding", b"gzip"),
        (b"content-length", b"15"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"etag", b'"x"'),
    ]
    head, _, body = passing.exchange(
        b"GET /storage/v1/bucket HTTP/1.1\r\n" + HEAD + b"\r\n"
    ).partition(b"\r\n\r\n")
    assert body == upstream.body
    assert head.split(b"\r\n")[0].startswith(b"HTTP/1.1 207")
    lines = [line for line in head.split(b"\r\n")[1:] if line != b"connection: close"]
    assert lines.pop().startswith(b"x-request-id: ")
    assert lines == [
        b"content-encoding: gzip",
        b"content-length: 15",
        b"set-cookie: a=1",
        b"set-cookie: b=2",
        b'etag: "x"',
        b"cache-control: private, no-store",
        b"content-security-policy: sandbox",
        b"access-control-allow-origin: *",
        b"x-content-type-options: nosniff",
        b"referrer-policy: no-referrer",
        b"x-robots-tag: none",
    ]


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 3_000_000])
def test_a_body_goes_up_whole_with_its_length(passing: Any, upstream: Any, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    answer = passing.ask("POST", REPORT, content=body[:size])
    assert answer.status_code == 200
    asked = upstream.asked[0]
    assert (asked.size, asked.digest) == (size, hashlib.sha256(body[:size]).hexdigest())
    assert asked.values(b"content-length") == [b"%d" % size]
    assert asked.values(b"transfer-encoding") == []


def test_a_body_of_no_known_length_goes_up_in_chunks(passing: Any, upstream: Any) -> None:
    passing.ask("PUT", REPORT, content=iter([b"one", b"two" * 40_000]))
    asked = upstream.asked[0]
    assert asked.size == 3 + 120_000
    assert asked.values(b"transfer-encoding") == [b"chunked"]
    assert asked.values(b"content-length") == []


def test_a_client_that_waits_for_100_is_told_to_go_on(passing: Any, upstream: Any) -> None:
    for length in (5, 100_000):
        with closing(passing.connect()) as client:
            fields = HEAD + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % length
            client.sendall(b"PUT /storage/v1/object/documents/a HTTP/1.1\r\n" + fields)
            assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(b"x" * length)
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert upstream.asked[-1].size == length
        assert upstream.asked[-1].values(b"expect") == []


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_ends_at_once(passing: Any, upstream: Any, status: int) -> None:
    upstream.status = status
    upstream.fields = [(b"content-length", b"0")] if status == 304 else []
    answer = passing.ask("GET", REPORT)
    assert (answer.status_code, answer.content) == (status, b"")
    assert "content-length" not in answer.headers


def test_the_length_of_what_a_head_request_asks_about_is_kept(passing: Any, upstream: Any) -> None:
    upstream.fields = [(b"content-length", b"30011")]
    answer = passing.ask("HEAD", REPORT)
    assert (answer.headers["content-length"], answer.content) == ("30011", b"")


def test_the_client_sees_its_own_write(passing: Any, upstream: Any) -> None:
    seen: list[int] = []
    passing.before.append(lambda: seen.append(upstream.asked[0].size))
    passing.ask("POST", REPORT, content=b"new")
    assert passing.changes == [Change("documents", "report.pdf")]
    assert seen == [3]


def test_a_write_that_upstream_refused_is_no_change(passing: Any, upstream: Any) -> None:
    upstream.status = 400
    passing.ask("DELETE", REPORT)
    assert passing.changes == []


def test_a_removal_tells_what_upstream_says_it_removed(passing: Any, upstream: Any) -> None:
    upstream.body = json.dumps([{"name": "mine.pdf"}]).encode()
    answer = passing.ask(
        "DELETE", "/storage/v1/object/documents", content=b'{"prefixes":["mine.pdf","theirs.pdf"]}'
    )
    assert passing.changes == [Change("documents", "mine.pdf", hard=True)]
    assert answer.content == upstream.body


def test_names_are_read_of_a_body_that_streams(passing: Any, upstream: Any) -> None:
    parts = [b'{"bucketId":"documents","sourceKey":"a",', b'"destinationKey":"b"}']
    answer = passing.ask("POST", "/storage/v1/object/move", content=iter(parts))
    assert answer.status_code == 200
    assert passing.changes == [Change("documents", "a", hard=True), Change("documents", "b")]


def test_a_listener_that_fails_breaks_nothing(passing: Any, upstream: Any) -> None:
    def fail() -> None:
        raise ValueError("no room")

    passing.before.append(fail)
    upstream.body = b"kept"
    assert passing.ask("PUT", REPORT, content=b"new").content == b"kept"


def test_a_token_of_ours_never_leaves(passing: Any, upstream: Any) -> None:
    answer = passing.ask("GET", REPORT + "?a=b&%74oken=%31.body.sig")
    assert answer.status_code == 400
    assert answer.json()["error"] == "InvalidJWT"
    assert upstream.asked == []


def test_a_path_that_leads_out_is_refused(passing: Any, upstream: Any) -> None:
    answer = passing.exchange(b"GET /storage/v1/%2e%2e/auth/v1/admin HTTP/1.1\r\n" + HEAD + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert upstream.asked == []


def test_a_location_at_upstream_becomes_one_at_the_gateway(passing: Any, upstream: Any) -> None:
    upstream.status = 201
    upstream.fields = [(b"location", upstream.url.encode() + b"/storage/v1/upload/resumable/x")]
    answer = passing.ask("POST", "/storage/v1/upload/resumable")
    assert answer.headers["location"] == passing.url + "/storage/v1/upload/resumable/x"


def test_an_upstream_that_is_down_is_503_in_supabases_form(pass_to: Any, spare_port: Any) -> None:
    passing = pass_to(f"http://127.0.0.1:{spare_port()}")
    for options in ({}, {"content": b"x" * 100_000}):
        answer = passing.ask("POST", REPORT, **options)
        assert (answer.status_code, answer.json()["statusCode"]) == (503, "503")
    assert passing.changes == []


def test_the_log_tells_how_it_went_and_not_the_path(upstream: Any, pass_to: Any) -> None:
    passing = pass_to(upstream.url)
    upstream.body = b"12345"
    trace = "a" * 32
    passing.ask("GET", REPORT + "?x=secret", headers={"traceparent": f"00-{trace}-{'b' * 16}-01"})
    passing.close()
    text = passing.log.read_text()
    [line] = map(json.loads, text.splitlines())
    told = [line[name] for name in ("method", "route", "status", "bytes", "trace", "code")]
    assert told == ["GET", "passed", 200, 5, trace, ""]
    assert "report" not in text
    assert "secret" not in text


def test_white_space_around_a_value_is_none_of_it(passing: Any, upstream: Any) -> None:
    fields = b"X-One:\t 1 \t \r\nX-Two:\r\nX-Three: a\tb\r\nX-Four: \xc3\xbc\xff\r\n"
    passing.exchange(b"GET /storage/v1/bucket HTTP/1.1\r\n" + HEAD + fields + b"\r\n")
    assert upstream.asked[0].fields[1:5] == [
        (b"x-one", b"1"),
        (b"x-two", b""),
        (b"x-three", b"a\tb"),
        (b"x-four", b"\xc3\xbc\xff"),
    ]


def test_an_answer_keeps_the_id_that_upstream_gave_it(passing: Any, upstream: Any) -> None:
    upstream.fields = [(b"x-request-id", b"theirs")]
    answer = passing.ask("GET", REPORT)
    assert answer.headers.get_list("x-request-id") == ["theirs"]


def test_a_body_in_the_chunks_of_s3_is_left_as_it_is(passing: Any, upstream: Any) -> None:
    body = (
        b"5;chunk-signature=ab\r\nhello\r\n0;chunk-signature=cd\r\nx-amz-checksum-crc32:x\r\n\r\n"
    )
    fields = {
        b"content-encoding": b"aws-chunked",
        b"x-amz-decoded-content-length": b"5",
        b"x-amz-trailer": b"x-amz-checksum-crc32",
    }
    for content in (body, iter([body])):
        passing.ask("PUT", "/storage/v1/s3/documents/a", content=content, headers=fields)
        asked = upstream.asked[-1]
        assert asked.digest == hashlib.sha256(body).hexdigest()
        assert {name: asked.values(name) for name in fields} == {
            name: [value] for name, value in fields.items()
        }
