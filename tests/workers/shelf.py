"""A stand-in of the CDN's own cache with an origin behind it that refuses nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from cdn.facts import PROFILES

FOR_CACHES = {
    name for told in PROFILES.values() for name in (told.shared_field, told.tag_field) if name
}
"""What an origin with CDNs of all kinds tells them."""


class Asked(NamedTuple):
    method: str
    target: str
    fields: dict[str, str]


@dataclass
class Shelf:
    """What was asked for. A copy is known by its whole target and by nothing else, as at a CDN."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)
    control: str = "private, no-cache, no-transform"

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, asked: Asked) -> tuple[bytes, str]:
        """The body, and whether it was kept; only what has `c` is."""
        self.asked.append(asked)
        body = f"{asked.target} by {asked.fields.get('ostiary-token', '-')}".encode("latin-1")
        if "?c=" not in asked.target:
            return body, "DYNAMIC"
        if asked.target in self.kept:
            return self.kept[asked.target], "HIT"
        self.kept[asked.target] = body
        return body, "MISS"


@contextmanager
def shelf() -> Iterator[Shelf]:
    made = Shelf()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536  # an answer is one write, which nobody delays

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            fields = {name.lower(): value for name, value in self.headers.items()}
            body, status = made.answer(Asked(self.command, self.path, fields))
            self.send_response(200)
            self.send_header("Age", "7")
            self.send_header("Cache-Control", made.control)
            for name in FOR_CACHES:
                self.send_header(name, "max-age=600")
            self.send_header("CF-Cache-Status", status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_OPTIONS = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()
