"""Requests to an edge, octet for octet, and what came back."""

from __future__ import annotations

import socket
from dataclasses import dataclass


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as caller:
        caller.settimeout(0.5)
        return caller.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True)
class Reply:
    """An answer as it came over the wire; names of fields in lower case.

    Status 0: a body without a head, as to a request whose line ended too early (HTTP/0.9).
    """

    status: int
    fields: dict[str, str]
    body: bytes


def exchange(port: int, target: str, method: str = "GET", body: str = "", **fields: str) -> Reply:
    """Send a target octet for octet."""
    lines = [f"{method} {target} HTTP/1.1", "Host: docs.example", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as caller:
        caller.sendall("\r\n".join([*lines, "", body]).encode("latin-1"))
        with caller.makefile("rb") as answer:
            whole = answer.read()
    if not whole.startswith(b"HTTP/"):
        return Reply(0, {}, whole)
    head, _, sent = whole.partition(b"\r\n\r\n")
    status, *told = head.decode("latin-1").split("\r\n")
    if method == "HEAD":
        sent = b""
    found = dict(line.split(": ", 1) for line in told)
    return Reply(int(status.split()[1]), {n.lower(): v for n, v in found.items()}, sent)
