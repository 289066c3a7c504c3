"""Distance: the window grows as slow start has it, and a relay is late by its round trips."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Thread

import pytest

from bench.edge.distance import FIRST, IDLE, SEGMENT, Window, far
from bench.edge.visitors import Visitor
from bench.load import LoadFailed

TRIP = 0.1


def test_a_window_doubles_in_each_round_trip() -> None:
    window = Window(TRIP)
    sent = [window.send(1 << 30, 5 + n * TRIP) for n in range(4)]
    assert sent == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]


def test_a_full_window_sends_nothing_until_it_is_acknowledged() -> None:
    window = Window(TRIP)
    assert window.send(FIRST, 5.0) == FIRST
    assert window.send(1, 5.09) == 0
    assert window.wait(5.09) == pytest.approx(0.01)
    assert window.send(1, 5.1) == 1


def test_what_is_acknowledged_lets_twice_as_much_go_whenever_it_was_sent() -> None:
    window = Window(TRIP)
    window.send(SEGMENT, 5.00)
    window.send(1 << 30, 5.05)
    assert window.send(1 << 30, 5.10) == 2 * SEGMENT
    assert window.wait(5.10) == pytest.approx(0.05)


def test_an_idle_connection_begins_anew() -> None:
    window = Window(TRIP)
    window.send(FIRST, 5.0)
    window.send(2 * FIRST, 5.1)
    assert window.send(1 << 30, 5.3) == 4 * FIRST
    assert window.send(1 << 30, 5.3 + TRIP + IDLE + 0.01) == FIRST


def test_an_empty_window_waits_for_nothing() -> None:
    assert Window(TRIP).wait(5.0) == 0


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A server that gives one answer to whatever it is asked, over one connection after another."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            while True:
                try:
                    asked, _ = listener.accept()
                except OSError:
                    return
                with asked:
                    while asked.recv(1 << 16):
                        asked.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def answer(octets: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nX-Cache: hit\r\nContent-Length: %d\r\n\r\n" % octets + bytes(octets)


def test_a_relay_brings_everything_and_never_early() -> None:
    octets = 5 * FIRST
    with answering(answer(octets)) as near, far(near, TRIP) as place:
        began = time.monotonic()
        with Visitor(place) as visitor:
            reply = visitor.get("/")
            first = time.monotonic() - began
            # The handshake, then three flights: of 10, 20 and 40 segments.
            assert first >= 4 * TRIP - 0.01
            assert (reply.status, reply.body) == (200, bytes(octets))
            assert visitor.get("/").body == reply.body


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    short = answering(answer(9)[:-1])
    with short as port, Visitor(port, timeout=0.2) as visitor, pytest.raises(TimeoutError):
        visitor.get("/")


def test_an_answer_without_its_length_is_no_answer() -> None:
    chunked = answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with chunked as port, Visitor(port) as visitor, pytest.raises(LoadFailed):
        visitor.get("/")


def test_fields_are_found_by_their_names_in_any_case() -> None:
    with answering(answer(3)) as port, Visitor(port) as visitor:
        reply = visitor.get("/", fields="Accept: image/webp\r\n")
        assert (reply.field("x-cache"), reply.field("cache")) == ("hit", "")
