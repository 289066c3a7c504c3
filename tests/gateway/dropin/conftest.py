"""A gateway that passes everything on, over real sockets: its own protocol, an upstream to play."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from gateway.dropin.proxy import Proxy
from gateway.errors import GatewayError
from gateway.guard import GuardedProtocol, Limits, guarded
from gateway.supabase.events import Change
from gateway.supabase.refusals import refusal_for
from gateway.telemetry import LineWriter, Telemetry
from signing.errors import SigningError

Fields = list[tuple[bytes, bytes]]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def served(app: Any, http: Any = "auto", lifespan: Any = "off", **options: Any) -> Iterator[int]:
    """An application on a free port, in a thread of its own."""
    config = uvicorn.Config(
        app,
        http=http,
        lifespan=lifespan,
        ws="none",
        interface="asgi3",
        proxy_headers=False,
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        **options,
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    until(lambda: server.started)
    yield int(listener.getsockname()[1])
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


@dataclass
class Asked:
    """A request as upstream got it; `size` and `digest` are of its body."""

    method: str
    target: bytes
    fields: Fields
    size: int = 0
    digest: str = ""
    whole: bool = False

    def values(self, name: bytes) -> list[bytes]:
        return [value for known, value in self.fields if known == name]


@dataclass
class Upstream:
    """An ASGI upstream: it takes every body, and answers what `status`, `fields`, `body` say."""

    status: int = 200
    fields: Fields = field(default_factory=list)
    body: bytes = b""
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    peers: set[int] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.peers.add(scope["client"][1])
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        asked = Asked(scope["method"], target, list(scope["headers"]))
        self.asked.append(asked)
        digest = hashlib.sha256()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            asked.size += len(message["body"])
            digest.update(message["body"])
            if not message["more_body"]:
                break
        asked.digest, asked.whole = digest.hexdigest(), True
        start = {"type": "http.response.start", "status": self.status, "headers": self.fields}
        await send(start)
        await send({"type": "http.response.body", "body": self.body})


@dataclass
class Passing:
    """The gateway's side: where it listens, what it told, why its guard refused, its log."""

    log: Path
    close: Callable[[], None]
    port: int = 0
    changes: list[Change] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    before: list[Callable[[], None]] = field(default_factory=list)

    async def told(self, changes: list[Change]) -> None:
        self.changes += changes
        for step in self.before:
            step()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def exchange(self, request: bytes) -> bytes:
        """The answer to a request that ends its connection, as octets."""
        with closing(self.connect()) as client:
            client.sendall(request)
            return drained(client)

    def ask(self, method: str, target: str, **options: Any) -> httpx.Response:
        with httpx.Client(timeout=30) as client:
            return client.request(method, self.url + target, **options)


def drained(client: socket.socket) -> bytes:
    """Everything until the other side closes, or resets, the connection."""
    seen = b""
    with suppress(ConnectionResetError):
        while piece := client.recv(65_536):
            seen += piece
    return seen


class Door:
    """An application that only passes on, and refuses as the storage routes do."""

    def __init__(self, proxy: Proxy, telemetry: Telemetry) -> None:
        self._proxy = proxy
        self._telemetry = telemetry

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        record = self._telemetry.record(scope["method"])
        record.route = "passed"
        public = b"/public/" in scope["raw_path"]
        try:
            await self._proxy.pass_on(record, scope, receive, send, public=public)
        except (GatewayError, SigningError) as error:
            refusal = refusal_for(error)
            status = refusal.http_status(strict=False)
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": refusal.body()})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._proxy.aclose()
        self._telemetry.close()
        await send({"type": "lifespan.shutdown.complete"})


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[int]]:
    """Serves an application while the context lasts, and gives its port."""
    return served


@pytest.fixture(scope="module")
def pass_to(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Passing]]:
    """Open gateways: `pass_to(url, limits=Limits(body=0.3))`."""
    with ExitStack() as all_opened:

        def opened(
            url: str,
            *,
            limits: Limits | None = None,
            tls: ssl.SSLContext | None = None,
            silence: float = 60,
        ) -> Passing:
            stack = all_opened.enter_context(ExitStack())
            log = tmp_path_factory.mktemp("log") / "log.jsonl"
            stream = stack.enter_context(log.open("wb", buffering=0))
            writer = stack.enter_context(closing(LineWriter(stream.fileno())))
            telemetry = Telemetry("eu", writer)
            passing = Passing(log, stack.close)
            proxy = Proxy(
                url, tls or ssl.create_default_context(), telemetry, passing.told, silence
            )
            http: type[GuardedProtocol] = guarded(limits, passing.refused.append)
            passing.port = stack.enter_context(served(Door(proxy, telemetry), http, "on"))
            return passing

        yield opened


@pytest.fixture(scope="module")
def _pair(pass_to: Callable[..., Passing]) -> Iterator[tuple[Upstream, Passing]]:
    upstream = Upstream()
    with served(upstream, "httptools") as port:
        upstream.port = port
        yield upstream, pass_to(upstream.url)


@pytest.fixture
def upstream(_pair: tuple[Upstream, Passing]) -> Upstream:
    upstream, _ = _pair
    vars(upstream).update(vars(Upstream(port=upstream.port)))
    return upstream


@pytest.fixture
def passing(_pair: tuple[Upstream, Passing], upstream: Upstream) -> Passing:
    _, passing = _pair
    passing.changes.clear()
    passing.before.clear()
    return passing
