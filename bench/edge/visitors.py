"""Visitors: kept connections that ask octet for octet and read whole answers, at little cost."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from types import TracebackType

from bench.load import LoadFailed

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, the head as it came, and the body."""

    status: int
    head: bytes
    body: bytes

    def field(self, name: str) -> str:
        """The value of the first field of that name; empty without one."""
        found = re.search(rb"\r\n%b: *(.*?)\r\n" % name.encode(), self.head, re.IGNORECASE)
        return found[1].decode("latin-1") if found else ""


class Visitor:
    """One connection to a server on this machine; another one is made when it was closed."""

    def __init__(self, port: int, timeout: float = 30) -> None:
        self._place = ("127.0.0.1", port)
        self._timeout = timeout
        self._connect()

    def __enter__(self) -> Visitor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def get(self, target: str, method: str = "GET", fields: str = "", body: bytes = b"") -> Reply:
        """Ask once; `fields` are further lines of the head, each with its end.

        Raises `LoadFailed` for an answer that breaks off or does not tell its length.
        """
        head = f"{method} {target} HTTP/1.1\r\nHost: bench\r\n{fields}"
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self._socket.sendall(f"{head}{length}\r\n".encode() + body)
        return self._read()

    def _connect(self) -> None:
        self._socket = socket.create_connection(self._place, self._timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _read(self) -> Reply:
        head, end, body = b"", b"", b""
        while not end:
            head, end, body = (head + self._some()).partition(b"\r\n\r\n")
        head += b"\r\n"
        parts = [body]
        missing = content_length(head) - len(body)
        while missing > 0:
            parts.append(self._some())
            missing -= len(parts[-1])
        if b"\r\nConnection: close\r\n" in head:
            self._socket.close()
            self._connect()
        return Reply(int(head[9:12]), head, b"".join(parts))

    def _some(self) -> bytes:
        found = self._socket.recv(1 << 18)
        if not found:
            raise LoadFailed("an answer broke off")
        return found


def content_length(head: bytes) -> int:
    """The length that a head tells of its body; raises `LoadFailed` when it tells none."""
    found = _LENGTH.search(head)
    if not found:
        raise LoadFailed("an answer without its length")
    return int(found[1])
