from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

from gateway.guard import Limits, guarded

HOST = b"Host: a\r\n"


@dataclass
class Running:
    """A server in a thread of its own, with what its application saw."""

    port: int = 0
    refusals: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    stop: Callable[[], None] = lambda: None

    async def app(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        if scope["path"] == "/body":
            await self.read_body(receive, send)
        elif scope["path"] == "/late":
            await asyncio.to_thread(self.gate.wait, 10)
            await answer(send, b"late")
        elif scope["path"] == "/big":
            await self.flood(receive, send)
        else:
            told = {
                "raw_path": scope["raw_path"].decode("latin-1"),
                "query": scope["query_string"].decode("latin-1"),
                "fields": len(list(scope["headers"])),
            }
            await answer(send, json.dumps(told).encode())

    async def read_body(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left.append("body")
                return
            assert message["type"] == "http.request"
            size += len(message["body"])
            if not message["more_body"]:
                break
        await answer(send, str(size).encode())

    async def flood(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await receive()
        piece = b"x" * 262_144
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(400):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        self.left.append("big")


async def answer(send: ASGISendCallable, body: bytes) -> None:
    fields = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def running(limits: Limits) -> Iterator[Running]:
    state = Running()
    config = uvicorn.Config(
        state.app,
        http=guarded(limits, state.refusals.append),
        ws="none",
        lifespan="off",
        interface="asgi3",
        proxy_headers=False,
        log_config=None,
        access_log=False,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    state.port = listener.getsockname()[1]
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    until(lambda: server.started)
    state.stop = lambda: setattr(server, "should_exit", True)
    yield state
    state.stop()
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def strict() -> Iterator[Running]:
    with running(Limits()) as state:
        yield state


@pytest.fixture(scope="module")
def hasty() -> Iterator[Running]:
    with running(Limits(head=0.3, body=0.3, stall=0.3)) as state:
        yield state


def connect(server: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def drained(client: socket.socket) -> bytes:
    """Everything until the server closes, or resets, the connection."""
    seen = b""
    try:
        while piece := client.recv(65_536):
            seen += piece
    except ConnectionResetError:
        pass
    return seen


def exchange(server: Running, request: bytes) -> bytes:
    """The answer to one request, up to the server's end of the connection."""
    with closing(connect(server)) as client:
        client.sendall(request)
        return drained(client)


def asked(server: Running, request: bytes) -> tuple[int, bytes]:
    """The status and body of the answer to one request."""
    with closing(connect(server)) as client:
        client.sendall(request)
        return one_response(client)


def one_response(client: socket.socket) -> tuple[int, bytes]:
    """Read one response with a Content-Length."""
    seen = b""
    while b"\r\n\r\n" not in seen:
        piece = client.recv(65_536)
        assert piece, seen
        seen += piece
    head, _, body = seen.partition(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < size:
        body += client.recv(65_536)
    assert len(body) == size
    return int(head.split()[1]), body


REFUSED = {
    "two Hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "host"),
    "no Host": (b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", "host"),
    "no fields at all": (b"GET / HTTP/1.1\r\n\r\n", "host"),
    "two Hosts in 1.0": (b"GET / HTTP/1.0\r\nHost: a\r\nhOst: b\r\n\r\n", "host"),
    "HTTP/2.0": (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", "version"),
    "HTTP/2.0 that persists": (
        b"GET / HTTP/2.0\r\n" + HOST + b"Connection: keep-alive\r\n\r\n",
        "version",
    ),
    "HTTP/0.9": (b"GET / HTTP/0.9\r\n" + HOST + b"\r\n", "version"),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", "syntax"),
    "no version": (b"GET /\r\n" + HOST + b"\r\n", "version"),
    "length and coding": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "syntax",
    ),
    "coding and length": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        "syntax",
    ),
    "two lengths": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "syntax",
    ),
    "a list of lengths": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5, 5\r\n\r\n",
        "syntax",
    ),
    "a signed length": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +4\r\n\r\n", "syntax"),
    "an unknown coding": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        "framing",
    ),
    "two codings": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n",
        "syntax",
    ),
    "a coding before chunked": (
        b"POST / HTTP/1.1\r\n"
        + HOST
        + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
        "framing",
    ),
    "a coding in 1.0": (
        b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n",
        "framing",
    ),
    "a body on GET": (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx", "body"),
    "a body on HEAD": (b"HEAD / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx", "body"),
    "chunks on GET": (
        b"GET / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "body",
    ),
    "a body on OPTIONS": (b"OPTIONS / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx", "body"),
    "a body and another protocol": (
        b"POST / HTTP/1.1\r\n"
        + HOST
        + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\nx",
        "body",
    ),
    "chunks and another protocol": (
        b"POST / HTTP/1.1\r\n"
        + HOST
        + b"Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n",
        "body",
    ),
    "absolute-form": (b"GET http://evil/x HTTP/1.1\r\n" + HOST + b"\r\n", "target"),
    "authority-form": (b"CONNECT a:443 HTTP/1.1\r\n" + HOST + b"\r\n", "target"),
    "a user before the path": (b"GET @evil/x HTTP/1.1\r\n" + HOST + b"\r\n", "syntax"),
    "no slash": (b"GET x HTTP/1.1\r\n" + HOST + b"\r\n", "syntax"),
    "an asterisk": (b"GET * HTTP/1.1\r\n" + HOST + b"\r\n", "target"),
    "a fragment": (b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n", "target"),
    "a fragment in the query": (b"GET /a?t=1#x HTTP/1.1\r\n" + HOST + b"\r\n", "target"),
    "a control octet": (b"GET /a\x01b HTTP/1.1\r\n" + HOST + b"\r\n", "syntax"),
    "a tab": (b"GET /a\tb HTTP/1.1\r\n" + HOST + b"\r\n", "syntax"),
    "a form feed": (b"GET /a\x0cb HTTP/1.1\r\n" + HOST + b"\r\n", "syntax"),
    "DEL": (b"GET /a\x7fb HTTP/1.1\r\n" + HOST + b"\r\n", "syntax"),
    "an octet beyond ASCII": (b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n", "syntax"),
    "one in the query": (b"GET /?\xff HTTP/1.1\r\n" + HOST + b"\r\n", "syntax"),
    "obs-fold": (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n c\r\n\r\n", "syntax"),
    "a space before the colon": (b"GET / HTTP/1.1\r\n" + HOST + b"A : b\r\n\r\n", "syntax"),
    "a name with a slash": (b"GET / HTTP/1.1\r\n" + HOST + b"A/b: c\r\n\r\n", "syntax"),
    "no name": (b"GET / HTTP/1.1\r\n" + HOST + b": c\r\n\r\n", "syntax"),
    "no colon": (b"GET / HTTP/1.1\r\n" + HOST + b"abc\r\n\r\n", "syntax"),
    "NUL in a value": (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\0c\r\n\r\n", "syntax"),
    "bare CR in a value": (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\rc\r\n\r\n", "syntax"),
    "bare LF after the line": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", "syntax"),
    "bare LF after a field": (b"GET / HTTP/1.1\r\nHost: a\n\r\n", "syntax"),
    "bare LF at the end": (b"GET / HTTP/1.1\r\nHost: a\r\n\n", "syntax"),
    "65 fields": (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 64 + b"\r\n", "count"),
    "a thousand fields": (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 1000 + b"\r\n", "count"),
    "one field of 17 kB": (
        b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 17_000 + b"\r\n\r\n",
        "size",
    ),
    "many fields of 17 kB": (
        b"GET / HTTP/1.1\r\n" + HOST + (b"A: " + b"b" * 500 + b"\r\n") * 34 + b"\r\n",
        "size",
    ),
    "a target of 17 kB": (b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", "size"),
    "an unknown method": (b"SHOOT / HTTP/1.1\r\n" + HOST + b"\r\n", "syntax"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "syntax"),
    "HTTP/2 by prior knowledge": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "syntax"),
}


@pytest.mark.parametrize(("request_", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_request_that_may_be_read_in_two_ways_is_refused(
    strict: Running, request_: bytes, reason: str
) -> None:
    strict.refusals.clear()
    seen = exchange(strict, request_)
    head, _, body = seen.partition(b"\r\n\r\n")
    status = 431 if reason in ("count", "size") else 400
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert json.loads(body)["status"] == status
    for line in (
        b"cache-control: no-store",
        b"connection: close",
        b"content-type: application/problem+json",
        b"content-length: %d" % len(body),
        b"x-content-type-options: nosniff",
    ):
        assert line in head.split(b"\r\n")
    assert strict.refusals == [reason]


PASSED = {
    "a plain path": (b"/d/w640?t=1.x", "/d/w640", "t=1.x"),
    "an encoded slash": (b"/d/a%2Fb", "/d/a%2Fb", ""),
    "two slashes": (b"//evil//x", "//evil//x", ""),
    "dot segments": (b"/d/../a/./b/..", "/d/../a/./b/..", ""),
    "encoded dots": (b"/d/%2e%2e/a", "/d/%2e%2e/a", ""),
    "a parameter": (b"/d/a;b=c", "/d/a;b=c", ""),
    "lower-case hex": (b"/d/%c3%A9", "/d/%c3%A9", ""),
    "a broken escape": (b"/d/%zz%", "/d/%zz%", ""),
    "octets that are no UTF-8": (b"/d/%ff%00", "/d/%ff%00", ""),
    "two question marks": (b"/d/a?b?c", "/d/a", "b?c"),
    "odd visible octets": (b"/\"<>[]^`{|}'!*()@:,$&+=~", "/\"<>[]^`{|}'!*()@:,$&+=~", ""),
    "a colon first": (b"/:80/x", "/:80/x", ""),
    "a target inside": (b"/http://a/b", "/http://a/b", ""),
}


@pytest.mark.parametrize(("target", "raw_path", "query"), PASSED.values(), ids=PASSED)
def test_the_target_reaches_the_application_as_it_was_sent(
    strict: Running, target: bytes, raw_path: str, query: str
) -> None:
    status, body = asked(strict, b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert status == 200
    told = json.loads(body)
    assert (told["raw_path"], told["query"]) == (raw_path, query)


ALLOWED = {
    "HTTP/1.0 without Host": b"GET / HTTP/1.0\r\n\r\n",
    "64 fields": b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 63 + b"\r\n",
    "16 kB of fields": b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 16_300 + b"\r\n\r\n",
    "a length of nothing": b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n",
    "another protocol offered": b"GET / HTTP/1.1\r\n"
    + HOST
    + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    "an empty line first": b"\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n",
    "octets beyond ASCII in a value": b"GET / HTTP/1.1\r\n" + HOST + b"A: \xc3\xa9\r\n\r\n",
}


@pytest.mark.parametrize("request_", ALLOWED.values(), ids=ALLOWED)
def test_what_is_odd_but_clear_is_answered(strict: Running, request_: bytes) -> None:
    assert asked(strict, request_)[0] == 200


def test_options_of_the_server_passes(strict: Running) -> None:
    assert asked(strict, b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n")[0] == 200


def test_every_cut_of_a_request_reads_the_same(strict: Running) -> None:
    request = b"GET /a%2Fb?t=1 HTTP/1.1\r\n" + HOST + b"Accept: */*\r\n\r\n"
    with closing(connect(strict)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for cut in range(1, len(request)):
            client.sendall(request[:cut])
            client.sendall(request[cut:])
            status, body = one_response(client)
            assert (status, json.loads(body)["raw_path"]) == (200, "/a%2Fb")


def test_bodies_of_either_framing_arrive(strict: Running) -> None:
    with closing(connect(strict)) as client:
        client.sendall(b"POST /body HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello")
        assert one_response(client) == (200, b"5")
        client.sendall(b"POST /body HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
        client.sendall(b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
        assert one_response(client) == (200, b"7")


def test_a_client_that_asks_first_is_told_to_go_on(strict: Running) -> None:
    with closing(connect(strict)) as client:
        fields = HOST + b"Content-Length: 2\r\nExpect: 100-Continue\r\n\r\n"
        client.sendall(b"POST /body HTTP/1.1\r\n" + fields)
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"ok")
        assert one_response(client) == (200, b"2")


def test_fields_after_a_body_do_not_join_the_requests_own(strict: Running) -> None:
    request = b"POST /body HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    strict.left.clear()
    seen = exchange(strict, request + b"1\r\nx\r\n0\r\nAuthorization: Bearer y\r\n\r\n")
    assert seen.startswith(b"HTTP/1.1 400 ")
    assert seen.count(b"HTTP/1.1") == 1
    until(lambda: strict.left == ["body"])


def test_a_broken_body_ends_the_request_that_waits_for_it(strict: Running) -> None:
    strict.left.clear()
    request = b"POST /body HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    with closing(connect(strict)) as client:
        client.sendall(request + b"1\r\nx\r\n")
        client.sendall(b"what\r\n")
        assert drained(client).startswith(b"HTTP/1.1 400 ")
    until(lambda: strict.left == ["body"])


def test_pipelined_requests_are_answered_in_order(strict: Running) -> None:
    requests = b"".join(b"GET /%d HTTP/1.1\r\n" % n + HOST + b"\r\n" for n in range(20))
    seen = exchange(strict, requests + b"GET / HTTP/1.0\r\n\r\n")
    order = [seen.index(b'"raw_path": "/%d"' % n) for n in range(20)]
    assert order == sorted(order)


def test_a_bad_request_behind_a_good_one_does_not_spoil_its_answer(strict: Running) -> None:
    strict.gate.clear()
    with closing(connect(strict)) as client:
        client.sendall(b"GET /late HTTP/1.1\r\n" + HOST + b"\r\n" + b"GET /a#b HTTP/1.1\r\n\r\n")
        client.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        strict.gate.set()
        seen = drained(client)
    assert seen.startswith(b"HTTP/1.1 200 ")
    assert seen.endswith(b"late")
    assert seen.count(b"HTTP/1.1") == 1


def test_a_broken_body_behind_other_requests_cuts_the_connection(strict: Running) -> None:
    strict.gate.clear()
    second = b"POST /body HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nwhat\r\n"
    with closing(connect(strict)) as client:
        client.sendall(b"GET /late HTTP/1.1\r\n" + HOST + b"\r\n" + second)
        assert drained(client) == b""
    strict.gate.set()


def test_what_follows_an_unread_body_is_not_answered_twice(strict: Running) -> None:
    with closing(connect(strict)) as client:
        client.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
        assert one_response(client)[0] == 200
        client.sendall(b"what\r\n")
        assert drained(client) == b""


def test_an_endless_field_is_cut_off(strict: Running) -> None:
    strict.refusals.clear()
    with closing(connect(strict)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nA: ")
        for _ in range(100_000):
            try:
                client.sendall(b"b" * 1000)
            except (ConnectionResetError, BrokenPipeError):
                break
            if strict.refusals:
                break
        assert drained(client).startswith((b"HTTP/1.1 431 ", b""))
    assert strict.refusals == ["size"]


def test_fields_that_trickle_in_are_too_late(hasty: Running) -> None:
    hasty.refusals.clear()
    with closing(connect(hasty)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        client.settimeout(0.05)
        seen = b""
        deadline = time.monotonic() + 10
        while not seen:
            assert time.monotonic() < deadline
            client.sendall(b"A: b\r\n")
            try:
                seen = client.recv(65_536)
            except TimeoutError:
                continue
    assert seen.startswith(b"HTTP/1.1 408 ")
    assert hasty.refusals == ["late"]


def test_a_client_that_says_nothing_is_left_without_a_word(hasty: Running) -> None:
    hasty.refusals.clear()
    with closing(connect(hasty)) as client:
        assert drained(client) == b""
    assert hasty.refusals == ["silence"]


def test_the_next_request_has_a_deadline_of_its_own(hasty: Running) -> None:
    with closing(connect(hasty)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\nGET /")
        assert one_response(client)[0] == 200
        assert drained(client).startswith(b"HTTP/1.1 408 ")


def test_empty_lines_do_not_keep_a_connection(hasty: Running) -> None:
    with closing(connect(hasty)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert one_response(client)[0] == 200
        client.sendall(b"\r\n")
        assert drained(client).startswith(b"HTTP/1.1 408 ")


def test_a_late_neighbour_does_not_cut_an_answer_under_way(hasty: Running) -> None:
    hasty.gate.clear()
    with closing(connect(hasty)) as client:
        client.sendall(b"GET /late HTTP/1.1\r\n" + HOST + b"\r\nGET /")
        client.settimeout(0.7)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(10)
        hasty.gate.set()
        assert one_response(client) == (200, b"late")
        assert drained(client).startswith(b"HTTP/1.1 408 ")


def test_an_answer_may_take_longer_than_any_deadline(hasty: Running) -> None:
    hasty.gate.clear()
    with closing(connect(hasty)) as client:
        client.sendall(b"GET /late HTTP/1.1\r\n" + HOST + b"\r\n")
        client.settimeout(0.7)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(10)
        hasty.gate.set()
        assert one_response(client) == (200, b"late")


def test_a_body_that_does_not_come_ends_its_request(hasty: Running) -> None:
    hasty.left.clear()
    with closing(connect(hasty)) as client:
        client.sendall(b"POST /body HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhe")
        assert drained(client).startswith(b"HTTP/1.1 408 ")
    until(lambda: hasty.left == ["body"])


def test_a_reader_that_stands_still_is_let_go(hasty: Running) -> None:
    hasty.refusals.clear()
    hasty.left.clear()
    with closing(connect(hasty)) as client:
        client.sendall(b"GET /big HTTP/1.1\r\n" + HOST + b"\r\n")
        until(lambda: hasty.left == ["big"])
        assert hasty.refusals == ["stall"]
        assert len(drained(client)) < 400 * 262_144


def test_a_slow_reader_is_not_taken_for_one_that_stands_still(hasty: Running) -> None:
    hasty.refusals.clear()
    with closing(connect(hasty)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.sendall(b"GET /big HTTP/1.1\r\n" + HOST + b"\r\n")
        deadline = time.monotonic() + 1.2
        while time.monotonic() < deadline:
            assert client.recv(16_384)
            time.sleep(0.02)
        assert hasty.refusals == []


def test_no_deadlines_where_they_are_zero() -> None:
    with running(Limits(head=0, body=0, stall=0)) as server, closing(connect(server)) as client:
        client.sendall(b"POST /body HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n")
        client.sendall(b"\r\n")
        client.sendall(b"ok")
        assert one_response(client) == (200, b"2")
        client.sendall(b"GET /big HTTP/1.1\r\n" + HOST + b"\r\n")
        client.settimeout(0.3)
        client.recv(100)
    assert server.refusals == []


def test_connections_beyond_the_bound_are_sent_away() -> None:
    with (
        running(Limits(connections=1)) as server,
        closing(connect(server)) as first,
        closing(connect(server)) as second,
    ):
        first.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert one_response(first)[0] == 200
        second.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        seen = drained(second)
        assert seen.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 2\r\n" in seen
        first.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert one_response(first)[0] == 200
    assert server.refusals == ["full"]


def refuses(server: Running) -> bool:
    try:
        connect(server).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_connection_just_opened_may_ask_one_thing_of_a_server_that_leaves() -> None:
    with running(Limits()) as server, closing(connect(server)) as client:
        with closing(connect(server)) as other:
            other.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
            assert one_response(other)[0] == 200
            server.stop()
            assert drained(other) == b""
        until(lambda: refuses(server))
        client.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        seen = drained(client)
    assert seen.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close\r\n" in seen


def test_a_server_that_leaves_does_not_wait_for_the_silent() -> None:
    with running(Limits(head=3600)) as server, closing(connect(server)) as client:
        server.stop()
        assert drained(client) == b""
