"""A client that speaks octet for octet, and sees what a browser hides: cuts, and what came late."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Answer:
    """A response: its fields by lower-case name; `whole` unless the connection broke off."""

    status: int
    fields: dict[str, str]
    body: bytes
    whole: bool

    @property
    def code(self) -> str:
        """The problem's code; empty for an answer that is none."""
        if self.fields.get("content-type") != "application/problem+json":
            return ""
        return str(json.loads(self.body)["code"])


class Wire:
    """One connection; `buffer` is the kernel's room for what is not read yet."""

    def __init__(self, port: int, buffer: int = 0) -> None:
        self._socket = socket.socket()
        if buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self._socket.settimeout(30)
        try:
            self._socket.connect(("127.0.0.1", port))
        except OSError:
            self._socket.close()
            raise
        self._read = b""

    def close(self) -> None:
        self._socket.close()

    def send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def request(self, target: str, *fields: str, method: str = "GET", body: bytes = b"") -> None:
        """Send a request; `fields` as they go over the wire."""
        lines = [f"{method} {target} HTTP/1.1", "Host: gateway", *fields]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def ask(self, target: str, *fields: str, method: str = "GET", body: bytes = b"") -> Answer:
        self.request(target, *fields, method=method, body=body)
        return self.answer(bodiless=method == "HEAD")

    def answer(self, *, bodiless: bool = False) -> Answer:
        """The next response; `bodiless` when its request was HEAD."""
        status, fields = self.head()
        length = 0 if bodiless or status in (204, 304) else int(fields["content-length"])
        body, whole = self.body(length)
        return Answer(status, fields, body, whole)

    def head(self) -> tuple[int, dict[str, str]]:
        """Status and fields of the next response."""
        while b"\r\n\r\n" not in self._read:
            came = self._receive()
            assert came, f"the connection ended after {self._read!r}"
            self._read += came
        text, _, self._read = self._read.partition(b"\r\n\r\n")
        first, *lines = text.decode("latin-1").split("\r\n")
        pairs = [line.split(": ", 1) for line in lines]
        fields = {name.lower(): value for name, value in pairs}
        assert len(fields) == len(pairs), f"a field twice: {lines}"
        return int(first.split(" ")[1]), fields

    def body(self, length: int) -> tuple[bytes, bool]:
        """So many octets, or those that came before the connection ended."""
        parts, got = [self._read], len(self._read)
        while got < length and (came := self._receive()):
            parts.append(came)
            got += len(came)
        octets = b"".join(parts)
        self._read = octets[length:]
        return octets[:length], got >= length

    def rest(self) -> bytes:
        """Everything until the connection ends."""
        octets, self._read = self._read, b""
        while came := self._receive():
            octets += came
        return octets

    def _receive(self) -> bytes:
        """What came; nothing when the connection has ended, however it did."""
        try:
            return self._socket.recv(1 << 20)
        except ConnectionError:
            return b""


@pytest.fixture
def wire() -> Iterator[Callable[..., Wire]]:
    """Opens connections: `wire(gateway.port)`; they are closed with the test."""
    with ExitStack() as stack:

        def connect(port: int, buffer: int = 0) -> Wire:
            return stack.enter_context(closing(Wire(port, buffer)))

        yield connect


@pytest.fixture
def ask(wire: Callable[..., Wire]) -> Callable[..., Answer]:
    """Asks on a connection of its own: `ask(gateway, "/livez")`."""

    def one(gateway: Any, target: str, *fields: str, method: str = "GET") -> Answer:
        connection = wire(gateway.port)
        return connection.ask(target, *fields, method=method)

    return one
