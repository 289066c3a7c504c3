from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.guard import Limits
from gateway.supabase.events import Change

HEAD = b"Host: files.example\r\nConnection: close\r\n"
PUT = b"PUT /storage/v1/object/documents/a HTTP/1.1\r\n" + HEAD
GET = b"GET /storage/v1/object/documents/a HTTP/1.1\r\n" + HEAD + b"\r\n"
MEGABYTE = 1 << 20


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def drained(client: socket.socket) -> bytes:
    seen = b""
    with suppress(ConnectionResetError):
        while piece := client.recv(65_536):
            seen += piece
    return seen


def head_of(server: socket.socket, end: bytes = b"\r\n\r\n") -> bytes:
    """A request up to `end`, and what came with that."""
    seen = b""
    while end not in seen:
        piece = server.recv(65_536)
        assert piece, seen
        seen += piece
    return seen


@dataclass
class Raw:
    """An upstream of bare sockets; each connection is `play`ed in a thread of its own."""

    play: Callable[[socket.socket], None]
    url: str = ""
    left: threading.Event = field(default_factory=threading.Event)


@contextmanager
def playing(play: Callable[[socket.socket], None]) -> Iterator[Raw]:
    listener = socket.create_server(("127.0.0.1", 0))
    raw = Raw(play, f"http://127.0.0.1:{listener.getsockname()[1]}")

    def accept() -> None:
        while True:
            try:
                server, _ = listener.accept()
            except OSError:
                return
            server.settimeout(20)
            with server:
                raw.play(server)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield raw
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(30)
        assert not thread.is_alive()


TOO_LARGE = (
    b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large"
)


def send_until_refused(client: socket.socket, size: int) -> None:
    with suppress(OSError):
        for _ in range(size // MEGABYTE):
            client.sendall(b"x" * MEGABYTE)


@pytest.mark.parametrize("lingers", [True, False])
def test_an_answer_that_comes_before_the_upload_is_over_is_delivered(
    pass_to: Any, lingers: bool
) -> None:
    done = threading.Event()

    def refuse(server: socket.socket) -> None:
        head_of(server)
        server.sendall(TOO_LARGE)
        if lingers:
            done.wait(20)

    with playing(refuse) as raw, closing(pass_to(raw.url).connect()) as client:
        client.sendall(PUT + b"Content-Length: %d\r\n\r\n" % (64 * MEGABYTE))
        sending = threading.Thread(target=send_until_refused, args=(client, 64 * MEGABYTE))
        sending.start()
        answer = client.recv(65_536)
        done.set()
        client.close()
        sending.join(20)
    assert answer.startswith(b"HTTP/1.1 413")


def test_an_answer_to_a_client_that_sends_nothing_more_is_delivered(pass_to: Any) -> None:
    def refuse(server: socket.socket) -> None:
        head_of(server, b"abc\r\n")
        server.sendall(TOO_LARGE)
        drained(server)

    with playing(refuse) as raw, closing(pass_to(raw.url).connect()) as client:
        client.sendall(PUT + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        assert client.recv(65_536).startswith(b"HTTP/1.1 413")


def test_an_interim_answer_ends_no_upload(pass_to: Any) -> None:
    def hint(server: socket.socket) -> None:
        size = len(head_of(server).partition(b"\r\n\r\n")[2])
        server.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        while size < 8 * MEGABYTE:
            size += len(server.recv(MEGABYTE))
        server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with playing(hint) as raw, closing(pass_to(raw.url).connect()) as client:
        client.sendall(PUT + b"Content-Length: %d\r\n\r\n" % (8 * MEGABYTE))
        client.sendall(b"x" * 8 * MEGABYTE)
        assert drained(client).endswith(b"ok")


BROKEN = {
    "by its length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
    "in its chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
    "in nonsense": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nzz\r\n",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_an_answer_that_breaks_off_never_looks_whole(pass_to: Any, broken: bytes) -> None:
    def break_off(server: socket.socket) -> None:
        head_of(server)
        server.sendall(broken)

    with playing(break_off) as raw:
        passing = pass_to(raw.url)
        head, _, body = passing.exchange(GET).partition(b"\r\n\r\n")
        passing.close()
    assert head.startswith(b"HTTP/1.1 200")
    assert b"short" in body
    if b"content-length" in head:
        assert len(body) < 100
    else:
        assert not body.endswith(b"0\r\n\r\n")
    assert '"code":"delivery.aborted"' in passing.log.read_text()


@pytest.mark.parametrize("said", [b"", b"no HTTP at all\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
@pytest.mark.parametrize("size", [5, MEGABYTE])
def test_no_answer_is_503(pass_to: Any, said: bytes, size: int) -> None:
    def mumble(server: socket.socket) -> None:
        head_of(server)
        server.sendall(said)

    with playing(mumble) as raw:
        passing = pass_to(raw.url)
        answer = passing.ask("PUT", "/storage/v1/object/documents/a", content=b"x" * size)
        assert answer.status_code == 503
        assert passing.changes == []


def test_silence_ends_the_waiting_for_upstream(pass_to: Any) -> None:
    def say_nothing(server: socket.socket) -> None:
        drained(server)

    with playing(say_nothing) as raw:
        passing = pass_to(raw.url, silence=0.3)
        assert passing.ask("GET", "/storage/v1/bucket").status_code == 503
        big = passing.ask("PUT", "/storage/v1/object/documents/a", content=b"x" * MEGABYTE)
        assert big.status_code == 503


def test_an_upstream_that_takes_nothing_of_an_upload_is_503(pass_to: Any) -> None:
    done = threading.Event()

    def stall(server: socket.socket) -> None:
        head_of(server)
        done.wait(20)

    with playing(stall) as raw:
        passing = pass_to(raw.url, silence=0.3)
        with closing(passing.connect()) as client:
            client.sendall(PUT + b"Content-Length: %d\r\n\r\n" % (64 * MEGABYTE))
            sending = threading.Thread(target=send_until_refused, args=(client, 64 * MEGABYTE))
            sending.start()
            assert client.recv(65_536).startswith(b"HTTP/1.1 503")
            done.set()
            client.close()
            sending.join(20)


def test_upstream_is_let_go_when_the_client_leaves_a_download(pass_to: Any) -> None:
    def pour(server: socket.socket) -> None:
        head_of(server)
        server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        with suppress(OSError):
            while True:
                server.sendall(b"x" * MEGABYTE)
        raw.left.set()

    with playing(pour) as raw:
        with closing(pass_to(raw.url).connect()) as client:
            client.sendall(GET)
            assert client.recv(65_536)
        assert raw.left.wait(20)


def test_upstream_is_let_go_when_the_client_leaves_before_an_answer(pass_to: Any) -> None:
    def think(server: socket.socket) -> None:
        head_of(server)
        raw.left.clear()
        drained(server)
        raw.left.set()

    with playing(think) as raw:
        raw.left.set()
        with closing(pass_to(raw.url).connect()) as client:
            client.sendall(GET)
            until(lambda: not raw.left.is_set())
        assert raw.left.wait(20)


def test_an_upload_ends_when_its_client_leaves(pass_to: Any) -> None:
    seen: list[bytes] = []

    def take(server: socket.socket) -> None:
        seen.append(head_of(server))
        drained(server)
        raw.left.set()

    with playing(take) as raw:
        passing = pass_to(raw.url)
        with closing(passing.connect()) as client:
            client.sendall(PUT + b"Content-Length: 1000000\r\n\r\n" + b"x" * 100)
            until(lambda: seen)
        assert raw.left.wait(20)
        passing.close()
    assert passing.changes == []
    assert '"code":"delivery.aborted"' in passing.log.read_text()


@pytest.mark.parametrize("size", [3, MEGABYTE])
def test_a_write_is_told_though_its_client_has_left(pass_to: Any, size: int) -> None:
    gone = threading.Event()

    def take(server: socket.socket) -> None:
        seen = len(head_of(server).partition(b"\r\n\r\n")[2])
        while seen < size:
            seen += len(server.recv(MEGABYTE))
        raw.left.set()
        assert gone.wait(20)
        server.settimeout(0.5)
        with suppress(TimeoutError):
            assert server.recv(1), "the gateway let go"
        server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with playing(take) as raw:
        passing = pass_to(raw.url)
        with closing(passing.connect()) as client:
            client.sendall(PUT + b"Content-Length: %d\r\n\r\n" % size + b"x" * size)
            assert raw.left.wait(20)
        gone.set()
        until(lambda: passing.changes)
    assert passing.changes == [Change("documents", "a")]


def test_a_body_may_take_longer_than_others_as_long_as_it_comes(
    pass_to: Any, upstream: Any
) -> None:
    passing = pass_to(upstream.url, limits=Limits(body=0.2))
    with closing(passing.connect()) as client:
        client.sendall(PUT + b"Content-Length: 100004\r\n\r\n" + b"x" * 100_000)
        for _ in range(4):
            time.sleep(0.15)
            client.sendall(b"x")
        assert drained(client).startswith(b"HTTP/1.1 200")
    assert upstream.asked[0].size == 100_004


def test_a_client_that_sends_nothing_of_its_body_is_told_off(pass_to: Any, upstream: Any) -> None:
    passing = pass_to(upstream.url, silence=0.3)
    with closing(passing.connect()) as client:
        client.sendall(PUT + b"Content-Length: 100004\r\n\r\n" + b"x" * 100_000)
        assert drained(client).startswith(b"HTTP/1.1 408")
    until(lambda: upstream.asked)
    assert not upstream.asked[0].whole
    assert passing.refused == ["late"]


def peak() -> int:
    """The most octets that this process has held since `forget_peak`."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")  # proc_pid_clear_refs(5)


def test_bodies_of_any_size_take_little_memory(pass_to: Any) -> None:
    size = 200 * MEGABYTE
    taken: list[int] = []

    def take_and_give(server: socket.socket) -> None:
        seen = len(head_of(server).partition(b"\r\n\r\n")[2])
        while seen < size:
            seen += len(server.recv(65_536))
        taken.append(seen)
        server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // MEGABYTE):
            server.sendall(b"y" * MEGABYTE)

    with playing(take_and_give) as raw, closing(pass_to(raw.url).connect()) as client:
        forget_peak()
        before = peak()
        client.sendall(PUT + b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(size // MEGABYTE):
            client.sendall(b"x" * MEGABYTE)
        got = 0
        while piece := client.recv(65_536):
            got += len(piece)
        assert taken == [size]
        assert size < got < size + 2000
        assert peak() - before < 48 * MEGABYTE


def test_a_removal_is_told_though_its_answer_breaks_off(pass_to: Any) -> None:
    def break_off(server: socket.socket) -> None:
        head_of(server, b"]}")
        server.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{"name":"a"}')

    with playing(break_off) as raw:
        passing = pass_to(raw.url)
        answer = passing.ask(
            "DELETE", "/storage/v1/object/documents", content=b'{"prefixes":["a","b"]}'
        )
    assert answer.status_code == 503
    assert passing.changes == [
        Change("documents", "a", hard=True),
        Change("documents", "b", hard=True),
    ]


def test_a_long_answer_to_a_removal_is_delivered_whole(pass_to: Any) -> None:
    body = b"[" + b" " * 3 * MEGABYTE + b"]"

    def list_much(server: socket.socket) -> None:
        head_of(server, b"]}")
        server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    with playing(list_much) as raw:
        passing = pass_to(raw.url)
        answer = passing.ask("DELETE", "/storage/v1/object/documents", content=b'{"prefixes":[]}')
    assert answer.content == body
    assert passing.changes == []
