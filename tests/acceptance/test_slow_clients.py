"""Clients that stall, dawdle and leave: they cost nobody else anything, and leave nothing open."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LARGE = bytes(range(256)) * (1 << 17)
SMALL_BUFFER = 1 << 14
HEAD, STALL = 1, 3
# The limit for readers that stand still is no setting; the plan of a serving process has it.
PROGRAM = f"""
import sys
from pathlib import Path
from gateway.configuration import load
from gateway.guard import Limits
from gateway.serve import FACTORY, Plan, run

config = Path(sys.argv[2])
server = load(config, {{}}).settings.server
plan = Plan(FACTORY, config, limits=Limits(head={HEAD}, stall={STALL}))
raise SystemExit(run(plan, server.host, server.port, None, Path(server.data)))
"""


@pytest.fixture(scope="module")
def gateway(gateway_in: Callable[..., Any]) -> Any:
    gateway = gateway_in()
    gateway.put("large-scan.pdf", LARGE)
    gateway.put("letter.txt", b"A letter.")
    return gateway.start(program=("-c", PROGRAM))


def open_files(gateway: Any) -> list[str]:
    """What the process holds open, by name."""
    names = []
    for descriptor in Path(f"/proc/{gateway.pid}/fd").iterdir():
        try:
            names.append(os.readlink(descriptor))
        except FileNotFoundError:
            continue
    return names


def until(holds: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def readers(gateway: Any, wire: Callable[..., Any], count: int) -> list[Any]:
    """So many that ask for the large document and read only the fields of the answer."""
    target = gateway.link("large-scan.pdf")
    connections = [wire(gateway.port, SMALL_BUFFER) for _ in range(count)]
    for connection in connections:
        connection.request(target)
        assert connection.head()[0] == 200
    return connections


def test_a_reader_that_stands_still_is_cut(gateway: Any, wire: Callable[..., Any]) -> None:
    [reader] = readers(gateway, wire, 1)
    [line] = gateway.told(1, code="delivery.aborted")
    body, whole = reader.body(len(LARGE))
    assert not whole
    assert LARGE.startswith(body)
    assert line["bytes"] < len(LARGE)


def test_a_slow_reader_gets_everything(gateway: Any, wire: Callable[..., Any]) -> None:
    """Slower than the limit for standing still, as a whole, but never still for so long."""
    [reader] = readers(gateway, wire, 1)
    parts = []
    began = time.monotonic()
    for _ in range(5):
        part, whole = reader.body(1 << 20)
        assert whole
        parts.append(part)
        threading.Event().wait(STALL / 4)
    assert time.monotonic() - began > STALL
    rest, whole = reader.body(len(LARGE) - 5 * (1 << 20))
    assert whole
    assert b"".join([*parts, rest]) == LARGE


def test_fifty_stalled_readers_leave_nothing_open(gateway: Any, wire: Callable[..., Any]) -> None:
    path = str(gateway.documents / "large-scan.pdf")
    before = len(open_files(gateway))
    connections = readers(gateway, wire, 50)
    held = open_files(gateway)
    assert held.count(path) == 50
    assert len([name for name in held if name.startswith("socket:")]) > 50
    # They hold nobody up.
    assert wire(gateway.port).ask(gateway.link("letter.txt")).body == b"A letter."
    for connection in connections:
        connection.close()
    until(lambda: path not in open_files(gateway), "the file is still open")
    until(lambda: len(open_files(gateway)) <= before + 1, "connections are still open")


def test_who_leaves_in_mid_stream_closes_the_file(gateway: Any, wire: Callable[..., Any]) -> None:
    path = str(gateway.documents / "large-scan.pdf")
    [reader] = readers(gateway, wire, 1)
    assert path in open_files(gateway)
    aborted = len(gateway.events(code="delivery.aborted"))
    reader.close()
    until(lambda: path not in open_files(gateway), "the file is still open", STALL - 1)
    told = gateway.told(aborted + 1, code="delivery.aborted")
    assert told[-1]["bytes"] < len(LARGE)


def test_fields_that_do_not_end_are_answered_with_408(
    gateway: Any, wire: Callable[..., Any]
) -> None:
    connection = wire(gateway.port)
    target = gateway.link("letter.txt")
    connection.send(f"GET {target} HTTP/1.1\r\nHost: gateway\r\nX-Slow: ".encode())
    for _ in range(3):
        connection.send(b"s")
        threading.Event().wait(HEAD / 4)
    answer = connection.answer()
    assert (answer.status, answer.code) == (408, "request-timeout")
    assert answer.fields["cache-control"] == "no-store"
    assert connection.rest() == b""


def test_a_client_that_says_nothing_is_hung_up_on(gateway: Any, wire: Callable[..., Any]) -> None:
    assert wire(gateway.port).rest() == b""


def test_a_connection_goes_on_after_answers_without_a_body(
    gateway: Any, wire: Callable[..., Any]
) -> None:
    """Pipelined: each answer ends where its own length says, 304 and HEAD with none at all."""
    target = gateway.link("letter.txt")
    connection = wire(gateway.port)
    etag = connection.ask(target).fields["etag"]
    connection.request(target, f"If-None-Match: {etag}")
    connection.request(target, method="HEAD")
    connection.request(target, "Range: bytes=2-7")
    connection.request(target, "Range: bytes=90-")
    connection.request(target, f'If-Range: "{etag}x"', "Range: bytes=2-7")
    connection.request(target, 'If-Match: "another"')
    connection.request(target, method="OPTIONS")
    connection.request(target)
    unchanged, head = connection.answer(), connection.answer(bodiless=True)
    assert (unchanged.status, unchanged.fields["etag"]) == (304, etag)
    assert (head.status, head.fields["content-length"]) == (200, "9")
    part = connection.answer()
    assert (part.status, part.body, part.fields["content-range"]) == (206, b"letter", "bytes 2-7/9")
    beyond = connection.answer()
    assert (beyond.status, beyond.fields["content-range"]) == (416, "bytes */9")
    assert (connection.answer().status, connection.answer().status) == (200, 412)
    options, last = connection.answer(), connection.answer()
    assert options.status == 204
    assert "content-length" not in options.fields
    assert (last.status, last.body) == (200, b"A letter.")


def test_parts_of_a_large_document_come_one_after_the_other(
    gateway: Any, wire: Callable[..., Any]
) -> None:
    """Streams on one connection: the next begins only where the one before has ended."""
    target = gateway.link("large-scan.pdf")
    connection = wire(gateway.port)
    spans = [(0, 3 << 20), (5 << 20, 9 << 20), (len(LARGE) - 5, len(LARGE) - 1)]
    for first, last in spans:
        connection.request(target, f"Range: bytes={first}-{last}")
    for first, last in spans:
        answer = connection.answer()
        assert answer.status == 206
        assert answer.body == LARGE[first : last + 1]
    connection.request(target, "Range: bytes=0-1, 100-101")
    several = connection.answer()
    assert several.fields["content-type"].startswith("multipart/byteranges")
    assert LARGE[100:102] in several.body
    assert connection.ask(target, method="HEAD").fields["content-length"] == str(len(LARGE))
