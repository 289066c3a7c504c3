"""An origin that would let everything be kept, and what it was asked."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FIELDS = {
    "ETag": '"one"',
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, max-age=300, no-transform",
    "Surrogate-Control": "max-age=600, must-revalidate",
    "xkey": "d-1 z-1",
    "X-Accel-Expires": "600",
    "Connection": "close",  # so that it is gone at once when it stops
}


@dataclass(frozen=True)
class Seen:
    """A request as the origin got it."""

    method: str
    target: str
    fields: dict[str, str]


class Handler(BaseHTTPRequestHandler):
    server: Stub
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def log_message(self, format: str, *args: object) -> None:
        del format, args

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def do_GET(self) -> None:
        told = {name.lower(): value for name, value in self.headers.items()}
        self.rfile.read(int(told.get("content-length", 0)))
        self.server.seen.append(Seen(self.command, self.path, told))
        body = f"private octets of {self.path}".encode()
        self.send_response_only(200)
        for name, value in {**FIELDS, **self.server.said}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_POST = do_OPTIONS = do_DELETE = do_GET


class Stub(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.seen: list[Seen] = []
        self.said: dict[str, str] = {}


class Origin:
    """The stub: everything it says may be kept, so what is fetched twice was kept by nobody."""

    def __init__(self) -> None:
        self._stub = Stub()
        self.port = self._stub.server_port
        self._serve()

    def _serve(self) -> None:
        threading.Thread(target=self._stub.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def seen(self) -> list[Seen]:
        return self._stub.seen

    def say(self, **fields: str) -> None:
        """Add fields to every answer from now on, none to say what it always does."""
        self._stub.said = {name.replace("_", "-"): value for name, value in fields.items()}

    def stop(self) -> None:
        self._stub.shutdown()
        self._stub.server_close()

    def start_again(self) -> None:
        self._stub = Stub(self.port)
        self._serve()
