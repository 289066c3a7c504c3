"""A real nginx as the CDN: it proves itself by a certificate, and nobody else is answered."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.authorities import Authority, Identity

pytestmark = pytest.mark.engines

BODY = b"%PDF-1.7\n" + bytes(400_000)
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def configuration(folder: Path, port: int, gateway: Any, ca: Path, shown: Identity | None) -> str:
    own = ""
    if shown:
        own = f"proxy_ssl_certificate {shown.certificate};\n"
        own += f"proxy_ssl_certificate_key {shown.key};\n"
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in TEMPORARY)
    root = "user root;\n" if os.getuid() == 0 else ""
    return f"""{root}daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
access_log off;
{temporary}
proxy_cache_path {folder}/cache keys_zone=copies:1m;
server {{
listen 127.0.0.1:{port};
location / {{
proxy_pass https://127.0.0.1:{gateway.port};
proxy_http_version 1.1;
proxy_set_header Host docs.example;
proxy_set_header X-Forwarded-For "6.6.6.6, 203.0.113.9";
proxy_ssl_name localhost;
proxy_ssl_verify on;
proxy_ssl_trusted_certificate {ca};
{own}proxy_ignore_headers Cache-Control;
proxy_cache copies;
add_header X-Cache $upstream_cache_status;
}} }} }}
"""


def listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Authority]:
    place = tmp_path_factory.mktemp("certificates")
    return Authority(place, "of the server"), Authority(place, "of clients")


@pytest.fixture(scope="module")
def gateway(
    gateway_in: Callable[..., Any], authorities: tuple[Authority, Authority]
) -> Iterator[Any]:
    server = authorities[0].issue("localhost", "localhost")
    made = gateway_in(
        server={
            "certificate": str(server.certificate),
            "key": str(server.key),
            "client_ca": str(authorities[1].file),
            "client_field": "X-Forwarded-For",
        },
        clinic={"pull": "cdn"},
        cdn={
            "edge": {
                "provider": "nginx",
                "url": "http://127.0.0.1:9",
                "secret": "unused",
                "certificates": ["cdn.example.org"],
            }
        },
    )
    made.client.close()
    context = ssl.create_default_context(cafile=str(authorities[0].file))
    made.client = httpx.Client(base_url=f"https://localhost:{made.port}", verify=context)
    yield made.start()
    made.client.close()


@pytest.fixture
def nginx(
    tmp_path: Path, gateway: Any, authorities: Any, spare_port: Callable[[], int]
) -> Iterator[Callable[..., httpx.Client]]:
    """Starts an nginx that shows a certificate, or none."""
    if shutil.which("nginx") is None:
        pytest.skip("NOT TESTED: nginx is absent (apt install nginx)")
    running: list[subprocess.Popen[bytes]] = []
    clients: list[httpx.Client] = []

    def start(shown: Identity | None) -> httpx.Client:
        folder, port = tmp_path / str(len(running)), spare_port()
        folder.mkdir()
        file = folder / "nginx.conf"
        file.write_text(configuration(folder, port, gateway, authorities[0].file, shown))
        command = ["nginx", "-p", folder, "-e", folder / "error.log", "-c", file]
        running.append(subprocess.Popen(command, env={"PATH": "/usr/sbin:/usr/bin:/bin"}))
        deadline = time.monotonic() + 20
        while not listens(port):
            assert running[-1].poll() is None, (folder / "error.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        clients.append(httpx.Client(base_url=f"http://127.0.0.1:{port}"))
        return clients[-1]

    yield start
    for client in clients:
        client.close()
    for process in running:
        process.terminate()
        process.wait(20)


def test_nginx_proves_itself_and_keeps_copies(
    nginx: Callable[..., httpx.Client], gateway: Any, authorities: Any
) -> None:
    gateway.put("a.pdf", BODY)
    url = gateway.link("a.pdf")
    assert gateway.client.get(url).json()["code"] == "puller.refused"
    edge = nginx(authorities[1].issue("cdn.example.org"))
    deadline = time.monotonic() + 20
    while (answer := edge.get(url)).headers["x-cache"] != "HIT":
        assert (answer.status_code, answer.content) == (200, BODY)
        assert time.monotonic() < deadline, str(dict(answer.headers))
    assert (answer.status_code, answer.content) == (200, BODY)
    assert edge.get(url[:-1]).status_code == 403
    assert gateway.told(1, route="d", status=200, client="203.0.113.0/24")
    assert gateway.events(client="6.6.6.0/24") == []


@pytest.mark.parametrize("shown", ["nothing", "another name", "another authority", "ended"])
def test_another_nginx_gets_nothing(
    shown: str, nginx: Callable[..., httpx.Client], gateway: Any, authorities: Any
) -> None:
    gateway.put("b.pdf", BODY)
    url = gateway.link("b.pdf")
    server, clients = authorities
    identity = {
        "nothing": lambda: None,
        "another name": lambda: clients.issue("cdn.example.com", file="other"),
        "another authority": lambda: server.issue("cdn.example.org", file="stranger"),
        "ended": lambda: clients.issue("cdn.example.org", ends=-0.5, file="past"),
    }[shown]()
    answer = nginx(identity).get(url)
    # nginx's own 502, or what it was told over a connection that the certificate had ended.
    expected = {"nothing": 403, "another name": 403}.get(shown)
    assert answer.status_code == expected if expected else answer.status_code >= 400
    assert BODY[:9] not in answer.content
