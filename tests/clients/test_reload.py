"""A page of fifty signed pictures in a real Chromium: loaded again, it transfers none of them."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.contract.server import USER_A

pytestmark = pytest.mark.engines

PICTURES = 50
PATHS = [f"{USER_A}/scans/page {number:02}.png" for number in range(PICTURES)]
DAY = 86_400
# Only a verified link's line names a zone: the probe of readiness is a GET, too.
OF_A_PICTURE = {"event": "request", "method": "GET", "zone": "clinic"}
TYPES = {".mjs": "text/javascript", ".html": "text/html"}


class App:
    """The server of an app's page; `reports` is what the page tells after each loading."""

    def __init__(self, folder: Path, parties: dict[str, Any]) -> None:
        self.reports: queue.Queue[dict[str, Any]] = queue.Queue()
        self.again = threading.Semaphore(0)
        app = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path == "/parties":
                    return self.answer("application/json", json.dumps(parties).encode())
                root = folder.parent if path.startswith("/node_modules/") else folder
                file = root / path.lstrip("/")
                if not file.is_file():
                    return self.send_error(404)
                return self.answer(TYPES[file.suffix], file.read_bytes())

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                app.reports.put(json.loads(self.rfile.read(length)))
                app.again.acquire()
                self.answer("text/plain", b"")

            def answer(self, media_type: str, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing is logged."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/tests/clients/gallery.html"

    @contextmanager
    def serving(self) -> Iterator[App]:
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self.again.release()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def report(self) -> dict[str, Any]:
        told = self.reports.get(timeout=60)
        assert "error" not in told, told
        return told


@contextmanager
def browsing(url: str, profile: Path) -> Iterator[None]:
    """A Chromium at an address, for as long as the block lasts."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("NOT TESTED: chromium is absent (apt install chromium)")
    process = subprocess.Popen(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking", "--disable-sync"),
            *("--disable-component-update", f"--user-data-dir={profile}"),
            *("--remote-debugging-port=0", url),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture(scope="module")
def through(gateway_before: Callable[..., Any], picture: Callable[[int], bytes]) -> Iterator[Any]:
    with gateway_before(window=DAY, longest_life=2 * DAY) as face:
        for number, path in enumerate(PATHS):
            face.upstream.put("documents", path, picture(number), "image/png")
        yield face


def sent(gateway: Any) -> list[tuple[int, int]]:
    """Status and octets of each picture that the gateway sent so far."""
    return [(one["status"], one["bytes"]) for one in gateway.events(**OF_A_PICTURE)]


@pytest.mark.parametrize("way", ["createSignedUrls", "withGateway"])
def test_a_page_loaded_again_inside_a_window_transfers_no_picture(
    node: Any, through: Any, tmp_path: Path, way: str
) -> None:
    gateway = through.gateway
    before = len(sent(gateway))
    app = App(node.folder, {**through.parties, "paths": PATHS, "way": way})
    with app.serving(), browsing(app.url, tmp_path):
        first = app.report()
        assert first["widths"] == [48] * PICTURES
        gateway.told(before + PICTURES, **OF_A_PICTURE)
        loaded = sent(gateway)
        app.again.release()
        second = app.report()
    assert second["widths"] == [48] * PICTURES
    assert second["urls"] == first["urls"], "signed anew, with the same outcome"
    # A later line is there: so are all that tell of pictures.
    lines = len(gateway.events(route="v1.links"))
    gateway.link(PATHS[0])
    gateway.told(lines + 1, route="v1.links")
    assert [status for status, _ in loaded[before:]] == [200] * PICTURES
    assert sum(octets for _, octets in loaded[before:]) > PICTURES * 1_000
    assert sent(gateway)[len(loaded) :] == [], "no picture was asked for again"
