"""The whole way: `ostiary serve` behind the nginx of deploy/nginx, which keys by the whole URL."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from cdn.copies import digest_of
from tests.engines.edges.servers import NJS, absent
from tests.engines.edges.wire import free_port, listens

pytestmark = pytest.mark.engines

SHIPPED = Path(__file__).parents[2] / "deploy" / "nginx"
SECRET = "purge-secret-of-the-tests"


@dataclass(frozen=True)
class Front:
    """A gateway, the nginx in front of it, and the folder of its copies."""

    gateway: Any
    client: httpx.Client
    purges: str
    copies: Path

    def seen(self, link: str) -> tuple[int, str]:
        answer = self.client.get(link)
        return answer.status_code, answer.headers.get("x-cache", "")

    def file(self, link: str) -> Path:
        """Where nginx keeps the answer of a link."""
        name = digest_of(link.encode()).hex()
        return self.copies / name[31:] / name[29:31] / name

    def until(self, purge: str, *states: str) -> str:
        deadline = time.monotonic() + 60
        while True:
            told = self.gateway.operator.get(
                f"/admin/purges/{purge}",
                headers={"Authorization": f"Bearer {self.gateway.token}"},
            ).json()
            if told["state"] in states:
                return str(told["state"])
            assert time.monotonic() < deadline, told
            time.sleep(0.05)


def written(folder: Path, origin: int, port: int, purges: int) -> list[str]:
    """The shipped configuration with what a test has of its own."""
    text = (SHIPPED / "ostiary.conf").read_text()
    for shipped, own in (
        ("/etc/nginx/njs/", f"{folder}/"),
        ("/var/cache/nginx/ostiary", f"{folder}/copies"),
        ("http://127.0.0.1:8080", f"http://127.0.0.1:{origin}"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("listen 127.0.0.1:8081;", f"listen 127.0.0.1:{purges};"),
        ('default "";', f'default "{SECRET}";'),
    ):
        assert shipped in text, f"the configuration no longer says {shipped}"
        text = text.replace(shipped, own)
    shutil.copy(SHIPPED / "purge.js", folder)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    root = "user root;\n" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"load_module {NJS};\n{root}daemon off;\nworker_processes 1;\npid {folder}/pid;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{text}}}\n"
    )
    return ["nginx", "-p", str(folder), "-e", str(folder / "log"), "-c", str(folder / "nginx.conf")]


@pytest.fixture(scope="module")
def front(
    gateway_in: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    if packages := absent("nginx"):
        pytest.skip(f"NOT TESTED: nginx is absent (apt install {packages})")
    port, purges, folder = free_port(), free_port(), tmp_path_factory.mktemp("nginx")
    url = f"http://127.0.0.1:{purges}"
    gateway = gateway_in(cdn={"nginx": {"provider": "nginx", "url": url, "secret": SECRET}})
    gateway.put("a.txt", b"first")
    gateway.start()
    process = subprocess.Popen(written(folder, gateway.port, port, purges))
    try:
        deadline = time.monotonic() + 30
        while not listens(port):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "nginx listens"
            time.sleep(0.02)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield Front(gateway, client, url, folder / "copies")
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_whoever_has_the_url_shares_its_copy_and_a_broken_one_opens_nothing(front: Front) -> None:
    link = front.gateway.link("a.txt")
    assert [front.seen(link) for _ in range(2)] == [(200, "MISS"), (200, "HIT")]
    assert front.seen(link[:-1] + "!")[0] == 403
    assert front.seen(link.partition("?")[0])[0] == 403
    assert front.file(link).exists()


def test_a_revocation_takes_the_copies_and_the_second_pass_what_came_after(front: Front) -> None:
    front.gateway.put("b.txt", b"secret")
    link = front.gateway.link("b.txt")
    assert [front.seen(link)[1] for _ in range(2)] == ["MISS", "HIT"]
    kept = front.file(link).read_bytes()
    document = {"zone": "clinic", "bucket": "documents", "key": "b.txt"}
    answer = front.gateway.post("/admin/revoke", {"documents": [document]})
    purge = answer.json()["id"]
    front.until(purge, "sent")
    assert not front.file(link).exists()
    assert front.seen(link)[0] == 410
    # As if it had been fetched before and stored after.
    front.file(link).write_bytes(kept)
    assert front.until(purge, "confirmed") == "confirmed"
    assert not front.file(link).exists()
    assert front.seen(link)[0] == 410


def test_a_soft_purge_is_a_hard_one_and_links_stay_good(front: Front) -> None:
    front.gateway.put("c.txt", b"old")
    link = front.gateway.link("c.txt")
    assert [front.seen(link)[1] for _ in range(2)] == ["MISS", "HIT"]
    front.gateway.put("c.txt", b"new")
    document = {"zone": "clinic", "bucket": "documents", "key": "c.txt"}
    body = {"documents": [document], "soft": True}
    front.until(front.gateway.post("/admin/purge", body).json()["id"], "sent")
    assert front.client.get(link).text == "new"


def test_a_link_is_purged_by_itself_and_a_folder_with_what_lies_in_it(front: Front) -> None:
    for key in ("d.txt", "folder/e.txt"):
        front.gateway.put(key, b"x")
    links = [front.gateway.link(key) for key in ("d.txt", "folder/e.txt")]
    for body in ({"urls": [f"https://docs.example{links[0]}"]}, {"folder": "documents/folder/"}):
        for link in links:
            front.seen(link)
        front.until(front.gateway.post("/admin/purge", body).json()["id"], "sent")
    assert [front.file(link).exists() for link in links] == [True, False]
    front.until(front.gateway.post("/admin/purge", {"urls": links}).json()["id"], "sent")
    assert [front.file(link).exists() for link in links] == [False, False]


def test_a_link_good_once_is_not_used_up_by_a_look(front: Front) -> None:
    link = front.gateway.link("a.txt", grant="original", one_time=True)
    assert front.client.head(link).status_code == 405
    assert [front.seen(link) for _ in range(2)] == [(200, ""), (410, "")]


def test_what_nobody_has_is_kept_by_nobody(front: Front) -> None:
    link = front.gateway.link("a.txt").replace("a.txt", "gone.txt")
    assert [front.seen(link)[1] for _ in range(2)] == ["MISS", "MISS"]


@pytest.mark.parametrize(
    ("method", "key", "body", "status"),
    [
        ("POST", SECRET, "0" * 32, 200),
        ("POST", SECRET, "", 200),
        ("POST", "", "0" * 32, 403),
        ("POST", "wrong", "0" * 32, 403),
        ("GET", SECRET, "", 403),
        ("POST", SECRET, "../../../etc/passwd", 500),
        ("POST", SECRET, "A" * 32, 500),
        ("POST", SECRET, "0" * 70_000, 413),
    ],
)
def test_purges_are_taken_from_whoever_has_the_secret_alone(
    front: Front, method: str, key: str, body: str, status: int
) -> None:
    fields = {"purge-key": key} if key else {}
    answer = httpx.request(method, f"{front.purges}/njspurge", headers=fields, content=body)
    assert answer.status_code == status
    assert httpx.get(f"{front.purges}/").status_code == 404


def test_the_doctor_sees_that_nginx_takes_purges(front: Front) -> None:
    told = front.gateway.run("doctor", check=False).stdout
    assert "takes purges" in told
