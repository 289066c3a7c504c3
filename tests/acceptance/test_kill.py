"""kill -9 in the middle of everything: what was acknowledged stands, what was half done is none."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from gateway.caches.entry import HEADER_SIZE, unpack, verified

pytestmark = pytest.mark.slow

PICTURES = 40
LETTERS = 400


@dataclass
class Acknowledged:
    """What the gateway said before it was killed."""

    targets: set[str] = field(default_factory=set)
    revoked: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)


def document(key: str) -> dict[str, str]:
    return {"zone": "clinic", "bucket": "documents", "key": key}


@pytest.fixture(scope="module")
def gateway(gateway_in: Callable[..., Any]) -> Any:
    # Nothing in memory: every rendition is read from the cache's files.
    # And they are to be the same octets afterwards.
    gateway = gateway_in(server={"cache_memory": 0}, renditions={"improve": False})
    for number in range(LETTERS):
        gateway.put(f"letter-{number}.txt", b"A letter.")
    for number in range(PICTURES):
        picture = Image.effect_noise((300, 200), 60).convert("RGB")
        picture.save(gateway.documents / f"picture-{number}.jpg")
    return gateway


class Customers:
    """Threads that ask for links, revoke and look at pictures until nobody answers any more."""

    def __init__(self, gateway: Any, known: Acknowledged, letters: list[str]) -> None:
        self._gateway = gateway
        self._known = known
        self._letters = letters
        self._views = {n: gateway.link(f"picture-{n}.jpg", "w160-webp") for n in range(PICTURES)}
        works = (self._issue, self._issue, self._revoke, self._look, self._look)
        self._threads = [threading.Thread(target=self._until_the_end, args=(w,)) for w in works]
        for thread in self._threads:
            thread.start()

    def leave(self) -> None:
        for thread in self._threads:
            thread.join(timeout=60)
            assert not thread.is_alive()

    def _until_the_end(self, work: Callable[[httpx.Client], None]) -> None:
        token = {"Authorization": f"Bearer {self._gateway.token}"}
        with httpx.Client(base_url=self._gateway.url, headers=token, timeout=30) as client:
            try:
                while True:
                    work(client)
            except (httpx.TransportError, LookupError):
                return

    def _issue(self, client: httpx.Client) -> None:
        wanted = [document(f"letter-{number}.txt") for number in range(20)]
        answer = client.post("/v1/links", json={"documents": wanted})
        for issued in answer.raise_for_status().json()["links"]:
            self._known.targets.add(issued["url"])

    def _revoke(self, client: httpx.Client) -> None:
        letter = self._letters.pop()
        body = {"documents": [document(letter)]}
        [issued] = client.post("/v1/links", json=body).raise_for_status().json()["links"]
        assert client.get(issued["url"]).status_code == 200
        client.post("/admin/revoke", json=body).raise_for_status()
        self._known.revoked[letter] = issued["url"]

    def _look(self, client: httpx.Client) -> None:
        _, target = self._views.popitem()
        self._known.pictures[target] = client.get(target).raise_for_status().content


def entries(gateway: Any) -> list[Path]:
    """The finished files of the cache."""
    found = (gateway.folder / "data" / "cache").glob("??/*")
    return [path for path in found if not path.name.startswith(".")]


def is_whole(path: Path) -> bool:
    octets = path.read_bytes()
    lengths = unpack(octets[:HEADER_SIZE])
    if lengths is None or lengths.file != len(octets):
        return False
    end = HEADER_SIZE + lengths.meta
    return verified(path.name, lengths, octets[HEADER_SIZE:end], octets[end:]) is not None


def link_id(url: str) -> str:
    return sha256(url.rpartition(".")[2].encode()).hexdigest()[:16]


def test_what_was_acknowledged_outlives_every_kill(gateway: Any) -> None:
    known = Acknowledged()
    # The first 20 are only read; one round alone never uses up its share of the others.
    letters = [f"letter-{number}.txt" for number in range(20, LETTERS)]
    for workers in ("1", "2", "1"):
        gateway.start("--workers", workers)
        before = len(known.revoked)
        customers = Customers(gateway, known, letters)
        deadline = time.monotonic() + 30
        while len(known.revoked) < before + 10:
            assert time.monotonic() < deadline, "nothing is acknowledged"
            time.sleep(0.02)
        gateway.kill()
        customers.leave()
    gateway.start()
    # Every link that was returned has its row.
    with closing(sqlite3.connect(gateway.folder / "data" / "ostiary.db")) as database:
        rows = {link for (link,) in database.execute("SELECT link_id FROM issue")}
    assert known.targets
    assert {link_id(url) for url in (*known.targets, *known.revoked.values())} <= rows
    # Every revocation is in force, and takes no other document with it.
    for url in known.revoked.values():
        assert gateway.client.get(url).status_code == 410
    for url in known.targets:
        assert gateway.client.get(url).status_code == 200
    # No entry of the cache is torn, and all are what was made first.
    assert known.pictures
    assert all(map(is_whole, entries(gateway)))
    for target, body in known.pictures.items():
        assert gateway.client.get(target).content == body


def test_half_written_files_are_ignored_and_swept(gateway: Any) -> None:
    target = gateway.link("picture-0.jpg", "w160-webp")
    whole = gateway.client.get(target).content
    [path] = [path for path in entries(gateway) if whole in path.read_bytes()]
    octets = path.read_bytes()
    gateway.kill()
    old = path.with_name(f".{path.name}.0123456789abcdef")
    young = path.with_name(f".{path.name}.fedcba9876543210")
    for leftover in (old, young):
        leftover.write_bytes(octets[:100])
    hours_ago = time.time() - 7_200
    os.utime(old, (hours_ago, hours_ago))
    path.write_bytes(octets[:-1])

    gateway.start()
    assert gateway.client.get(target).content == whole
    assert is_whole(path)
    # The first entry that a process writes has it sweep; a young file may have a living writer.
    deadline = time.monotonic() + 20
    while old.exists():
        assert time.monotonic() < deadline, "what a dead process left is not swept"
        time.sleep(0.02)
    assert young.exists()


def test_a_torn_log_of_the_database_loses_only_what_was_never_acknowledged(gateway: Any) -> None:
    url = gateway.link("letter-1.txt")
    gateway.kill()
    log = gateway.folder / "data" / "ostiary.db-wal"
    with log.open("ab") as file:
        file.write(os.urandom(5_000))
    gateway.start()
    with closing(sqlite3.connect(gateway.folder / "data" / "ostiary.db")) as database:
        rows = {link for (link,) in database.execute("SELECT link_id FROM issue")}
    assert link_id(url) in rows


def test_a_folder_in_an_entrys_place_is_a_miss(gateway: Any) -> None:
    target = gateway.link("picture-1.jpg", "w160-jpeg")
    made = gateway.client.get(target)
    assert made.status_code == 200
    (gateway.folder / "data" / "cache" / "README").write_text("not ours")
    [path] = [path for path in entries(gateway) if made.content in path.read_bytes()]
    path.unlink()
    path.mkdir()
    (path / "inside").write_text("not ours")
    assert gateway.client.get(target).content == made.content
