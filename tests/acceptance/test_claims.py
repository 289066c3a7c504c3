"""A real browser: a page claims its viewer, sees what is bound to them, and leaves."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = pytest.mark.engines

ANNA, BEN = "anna", "ben"
SCRIPT = """<!doctype html><body><script>
const show = (url) => new Promise((done) => {
  const image = new Image();
  image.onload = () => done(String(image.naturalWidth));
  image.onerror = () => done("refused");
  image.src = url;
});
const claim = (method, body) => fetch("GATEWAY/v1/viewers/claim", {
  method, body, credentials: "include", headers: { "Content-Type": "application/json" },
}).then((answer) => String(answer.status), () => "blocked");
(async () => {
  const told = [];
  told.push(await show("MINE#1"));
  told.push(await claim("POST", JSON.stringify({ claim: "CLAIM" })));
  told.push(await show("MINE&"), await show("THEIRS"));
  told.push(document.cookie || "unseen");
  told.push(await claim("POST", JSON.stringify({ claim: "CLAIM" })));
  told.push(await claim("DELETE"));
  told.push(await show("AGAIN"));
  const line = document.body.appendChild(document.createElement("pre"));
  line.textContent = told.join(" ");
})();
</script>"""


class Application:
    """A page of an application, on a port of its own."""

    def __init__(self) -> None:
        self.page = b""
        application = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(application.page)))
                self.end_headers()
                self.wfile.write(application.page)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is told."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self.server.server_address[1])
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self) -> Application:
        self.thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture(scope="module")
def application() -> Iterator[Application]:
    with Application() as application:
        yield application


@pytest.fixture(scope="module")
def door(gateway_in: Callable[..., Any], application: Application) -> Any:
    hosts = ("localhost", "127.0.0.1")
    origins = [f"http://{host}:{application.port}" for host in hosts]
    gateway = gateway_in(viewers={"origins": origins})
    out = BytesIO()
    Image.new("RGB", (321, 200), "teal").save(out, "PNG")
    for key in ("1.png", "2.png", "3.png"):
        gateway.put(key, out.getvalue())
    return gateway.start()


def seen(url: str, profile: Path) -> list[str]:
    """What the page tells once its script is done."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("NOT TESTED: chromium is absent (apt install chromium)")
    done = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking", "--disable-sync"),
            *("--disable-component-update", f"--user-data-dir={profile}"),
            *("--virtual-time-budget=30000", "--dump-dom", url),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = re.search("<pre>([^<]+)</pre>", done.stdout)
    assert found, done.stdout
    return found[1].split()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["one site", "another site"])
def test_a_browser_shows_what_is_bound_to_its_viewer_until_they_leave(
    door: Any, application: Application, tmp_path: Path, host: str
) -> None:
    """The gateway is on localhost, so a page on 127.0.0.1 is of another site."""
    assert socket.gethostbyname("localhost") == "127.0.0.1"
    gateway = f"http://localhost:{door.port}"

    def bound(key: str, viewer: str) -> str:
        document = {"zone": "clinic", "bucket": "documents", "key": key}
        wanted = {"documents": [document], "audience": viewer}
        [issued] = door.post("/v1/links", wanted).json()["links"]
        return gateway + "/d/" + str(issued["url"]).partition("/d/")[2]

    claim = door.post("/v1/viewers", {"viewer": ANNA, "name": "Anna"}).json()["claim"]
    script = SCRIPT.replace("GATEWAY", gateway).replace("CLAIM", claim)
    script = script.replace("MINE#1", bound("3.png", ANNA)).replace("MINE&", bound("1.png", ANNA))
    script = script.replace("THEIRS", bound("2.png", BEN)).replace("AGAIN", bound("2.png", ANNA))
    application.page = script.encode()
    told = seen(f"http://{host}:{application.port}/", tmp_path)
    assert told == ["refused", "204", "321", "refused", "unseen", "403", "204", "refused"]
