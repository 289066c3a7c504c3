"""Real edges with rendered configurations, before an origin that would let everything be kept."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.edges import Backend, EdgeFacts, facts_of, rendering
from gateway.settings import Settings
from signing.signatures import UrlSigner

NOW = 1_800_000_000
BOOK = json.loads((Path(__file__).parents[2] / "signing" / "vectors.json").read_text())
CLOCKS = {
    "varnish": ("std.integer(time=now, fallback=0)", str(NOW)),
    "njs": ("Math.floor(Date.now() / 1000)", str(NOW)),
}
NJS = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")
ALLOWED = ("varnish", "nginx")
SECRET = "purge-secret-of-the-edges"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass(frozen=True)
class Reply:
    """An answer as it came over the wire; names of fields in lower case.

    Status 0: a body without a head, as to a request whose line ended too early (HTTP/0.9).
    """

    status: int
    fields: dict[str, str]
    body: bytes


def exchange(port: int, target: str, method: str = "GET", **fields: str) -> Reply:
    """Send a target octet for octet."""
    lines = [f"{method} {target} HTTP/1.1", "Host: docs.example", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as caller:
        caller.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        with caller.makefile("rb") as answer:
            whole = answer.read()
    if not whole.startswith(b"HTTP/"):
        return Reply(0, {}, whole)
    head, _, body = whole.partition(b"\r\n\r\n")
    status, *told = head.decode("latin-1").split("\r\n")
    if method == "HEAD":
        body = b""
    found = dict(line.split(": ", 1) for line in told)
    return Reply(int(status.split()[1]), {n.lower(): v for n, v in found.items()}, body)


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


FIELDS = {
    "ETag": '"one"',
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, max-age=300, no-transform",
    "Surrogate-Control": "max-age=600, must-revalidate",
    "xkey": "d-1 z-1",
    "X-Accel-Expires": "600",
    "Connection": "close",  # so that it is gone at once when it stops
}


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


@dataclass(frozen=True)
class Edge:
    """A running edge, and what the origin behind it has seen."""

    kind: str
    port: int
    origin: Origin
    folder: Path

    def get(self, target: str, method: str = "GET", **fields: str) -> Reply:
        return exchange(self.port, target, method, **fields)

    def fetched(self, target: str, method: str = "GET", **fields: str) -> tuple[Reply, list[Seen]]:
        """The answer, and what the origin was asked for it."""
        before = len(self.origin.seen)
        reply = self.get(target, method, **fields)
        return reply, self.origin.seen[before:]


@dataclass(frozen=True)
class Links:
    """Links of the zone clinic, signed here by the book's keys and by nothing of the gateway's."""

    keys: dict[str, str]
    zone: str = "clinic"

    def link(
        self,
        rendition: str,
        grant: str,
        *,
        key: str = "a.pdf",
        kid: str = "k2",
        left: int = 900,
        gen: int = 0,
        aud: str = "-",
        jti: str = "-",
    ) -> str:
        scope = f"{self.zone}/documents/-/{key}"
        body = f"1.{kid}.{NOW + left}.{gen}.{aud}.{jti}.{grant}"
        signer = UrlSigner(bytes.fromhex(self.keys[kid]), salt=f"ostiary:read:{self.zone}")
        sig = signer.get_signature(f"/d/{scope}?t={body}".encode()).decode()
        return f"/d/{rendition}/{scope}?t={body}.{sig}"


def settings() -> Settings:
    zones = {
        name: {"store": "files", "buckets": [f"of-{name}"], "longest_life": zone["longest_life"]}
        | {"window": zone["window"]}
        for name, zone in BOOK["zones"].items()
    }
    return Settings.model_validate(
        {
            "signing": {"keys": BOOK["keys"], "active": "k2"},
            "stores": {"files": {"url": "file:///srv/files"}},
            "zones": zones,
            "renditions": {"presets": {"thumb": "w160-h160-cover", "card": "w320-webp"}},
        }
    )


def texts(kind: str, facts: EdgeFacts, backend: Backend) -> dict[str, str]:
    """The rendered files of an edge, with the book's time on their clocks."""
    found = {}
    for part in ("varnish",) if kind == "varnish" else ("nginx", "njs"):
        found[part] = rendering(part)(facts, backend)
        if part in CLOCKS:
            clock, fixed = CLOCKS[part]
            assert found[part].count(clock) == 1, f"{part} has no such clock"
            found[part] = found[part].replace(clock, fixed)
    return found


def shielded(text: str, secret: str) -> str:
    """nginx has no environment to read it from: whoever runs it writes it down."""
    empty = '$ostiary_shield {\n    default "";'
    assert empty in text
    return text.replace(empty, empty.replace('""', f'"{secret}"'))


def varnishd(folder: Path, files: dict[str, str], port: int) -> list[object]:
    (folder / "edge.vcl").write_text(files["varnish"])
    place = ["-j", "none", "-n", folder / "run", "-f", folder / "edge.vcl", "-T", "none"]
    return ["varnishd", "-F", *place, "-a", f"127.0.0.1:{port}", "-s", "malloc,64m"]


def nginx(folder: Path, files: dict[str, str], port: int) -> list[object]:
    text = files["nginx"]
    for shipped, own in (
        ("/etc/nginx/njs/", f"{folder}/"),
        ("/var/cache/nginx/ostiary", f"{folder}/cache"),
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
    ):
        assert shipped in text, f"the configuration no longer says {shipped}"
        text = text.replace(shipped, own)
    (folder / "ostiary.js").write_text(files["njs"])
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    root = "user root;\n" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"load_module {NJS};\n{root}daemon off;\nworker_processes 1;\npid {folder}/pid;\n"
        f"error_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{text}}}\n"
    )
    return ["nginx", "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"]


COMMANDS: dict[str, Callable[[Path, dict[str, str], int], list[object]]] = {
    "varnish": varnishd,
    "nginx": nginx,
}


def absent(kind: str) -> str:
    """What to install before this kind of edge can be tried."""
    if kind == "varnish":
        vmods = list(Path("/usr/lib").glob("*/varnish/vmods/libvmod_digest.so"))
        found = shutil.which("varnishd") and vmods
        return "" if found else "varnish varnish-modules varnish-vmod-digest"
    return "" if shutil.which("nginx") and NJS.exists() else "nginx libnginx-mod-http-js"


@pytest.fixture(scope="session")
def start_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Edge]]:
    """Starts an edge: `start_edge("nginx", origin, "clinic", spoil=…)`, its files spoilt before."""
    running: list[subprocess.Popen[bytes]] = []

    def start(
        kind: str,
        origin: Origin,
        zone: str = "clinic",
        spoil: Callable[[dict[str, str]], dict[str, str]] = lambda files: files,
        drop: tuple[str, ...] = (),
        options: tuple[str, ...] = (),
        shield: str = "",
    ) -> Edge:
        if packages := absent(kind):
            pytest.skip(f"NOT TESTED: {kind} is absent (apt install {packages})")
        folder, port = tmp_path_factory.mktemp(kind), free_port()
        facts = facts_of(settings(), zone)
        kept = {kid: key for kid, key in facts.keys.items() if kid not in drop}
        facts = EdgeFacts(zone, kept, facts.names, facts.longest_life)
        files = spoil(texts(kind, facts, Backend("127.0.0.1", origin.port)))
        if kind == "nginx":
            files["nginx"] = shielded(files["nginx"], shield)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*map(str, COMMANDS[kind](folder, files, port)), *options],
                env={
                    "PATH": "/usr/sbin:/usr/bin:/bin",
                    "OSTIARY_PURGE_SECRET": SECRET,
                    "OSTIARY_SHIELD": shield,
                },
                stdout=log,
                stderr=log,
            )
        running.append(process)
        deadline = time.monotonic() + 30
        while not listens(port):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, f"{kind} does not listen"
            time.sleep(0.02)
        return Edge(kind, port, origin, folder)

    yield start
    for process in running:
        process.terminate()
    for process in running:
        process.wait(timeout=30)


def listens(port: int) -> bool:
    with socket.socket() as caller:
        caller.settimeout(0.5)
        return caller.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    origin = Origin()
    yield origin
    origin.stop()


@pytest.fixture(scope="module", params=ALLOWED)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def edge(kind: str, start_edge: Callable[..., Edge], origin: Origin) -> Edge:
    """The edge of the zone clinic."""
    return start_edge(kind, origin)


@pytest.fixture
def links() -> Links:
    return Links(BOOK["keys"])


@pytest.fixture
def name() -> str:
    """A document that only this test knows."""
    return f"documents/{next(NUMBERS)}.pdf"


NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def book() -> dict[str, Any]:
    return dict(BOOK)
