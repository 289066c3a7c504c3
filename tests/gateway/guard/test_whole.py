"""Whole answers over a real socket: framed as the standard's messages would be."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from gateway.guard import Limits, guarded
from gateway.guard.whole import EXTENSION

BODY = b"the whole body"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers at once where that is offered; tells in a field which way it went."""
    whole = scope["extensions"][EXTENSION]
    length = b"content-length: %d\r\n" % len(BODY)
    body = b"" if scope["method"] == "HEAD" else BODY
    if scope["path"] == "/304":
        assert whole(304, b'etag: "a"\r\n', b"")
        return
    assert whole(200, b"way: whole\r\n" + length, body)
    assert not whole(200, length, BODY), "a request has one answer"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    config = uvicorn.Config(
        app,
        http=guarded(Limits(), lambda reason: None),
        lifespan="off",
        log_config=None,
        date_header=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(timeout=20)


def talk(port: int, *requests: bytes) -> bytes:
    """Everything the server says to these requests, sent in one go on one connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        peer.sendall(b"".join(requests))
        heard = b""
        while piece := peer.recv(65536):
            heard += piece
    return heard


GET = b"GET /a HTTP/1.1\r\nHost: x\r\n"
LAST = b"Connection: close\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nway: whole\r\ncontent-length: 14\r\n"


def test_an_answer_is_its_head_and_body(port: int) -> None:
    assert talk(port, GET + LAST) == ANSWER + b"connection: close\r\n\r\n" + BODY


def test_a_connection_goes_on_after_it(port: int) -> None:
    heard = talk(port, GET + b"\r\n", GET + b"\r\n", GET + LAST)
    kept = ANSWER + b"\r\n" + BODY
    assert heard == kept + kept + ANSWER + b"connection: close\r\n\r\n" + BODY


def test_head_and_304_have_no_body(port: int) -> None:
    head = b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n"
    unchanged = b"GET /304 HTTP/1.1\r\nHost: x\r\n"
    assert talk(port, head, unchanged + LAST) == (
        ANSWER + b"\r\n" + b'HTTP/1.1 304 Not Modified\r\netag: "a"\r\nconnection: close\r\n\r\n'
    )
