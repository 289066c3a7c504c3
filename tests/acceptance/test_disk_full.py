"""A full disk: what can be answered is answered, what can not be kept is not promised."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

SIZE = 6 << 20


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of its own, of a few megabytes."""
    folder = tmp_path_factory.mktemp("disk")
    options = ["-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    mount = shutil.which("mount")
    if os.geteuid() or not mount or subprocess.run([mount, *options], check=False).returncode:
        pytest.skip("NOT TESTED: a full disk (needs root and the right to mount a tmpfs)")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def gateway(gateway_in: Callable[..., Any], disk: Path) -> Any:
    # Nothing in memory, so that every answer meets the disk.
    server = {"data": str(disk / "data"), "cache_memory": 0}
    gateway = gateway_in(server=server, renditions={"improve": False})
    for number in range(8):
        picture = Image.effect_noise((800, 600), 60).convert("RGB")
        picture.save(gateway.documents / f"photo-{number}.jpg")
    gateway.put("letter.txt", b"A letter.")
    gateway.put("secret.txt", b"A secret.")
    return gateway.start()


class Filled:
    """A file that takes all the room there is."""

    def __init__(self, disk: Path) -> None:
        self._file = disk / "filler"

    def __enter__(self) -> Filled:
        with self._file.open("wb", buffering=0) as file:
            for size in (1 << 16, 1 << 12):
                with suppress(OSError):
                    while True:
                        file.write(b"\0" * size)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.unlink()


def free(disk: Path) -> int:
    return shutil.disk_usage(disk).free


def issue(gateway: Any, key: str) -> Any:
    document = {"zone": "clinic", "bucket": "documents", "key": key}
    return gateway.post("/v1/links", {"documents": [document]})


def test_renditions_and_originals_need_no_room(gateway: Any, disk: Path) -> None:
    targets = [gateway.link(f"photo-{number}.jpg", "w640-jpeg") for number in range(4)]
    originals = [gateway.link(f"photo-{number}.jpg") for number in range(4)]
    with Filled(disk):
        assert free(disk) == 0
        for target in targets * 2:
            answer = gateway.client.get(target)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        for number, target in enumerate(originals):
            body = (gateway.documents / f"photo-{number}.jpg").read_bytes()
            assert gateway.client.get(target).content == body
        assert not list((disk / "data" / "cache").glob("??/.*")), "half a file was left behind"
    before = gateway.client.get(targets[0])
    assert gateway.client.get(targets[0]).content == before.content
    assert list((disk / "data" / "cache").glob("??/*")), "the cache does not write again"


def test_what_can_not_be_kept_is_not_given(gateway: Any, disk: Path) -> None:
    old = gateway.link("secret.txt")
    told: list[str] = []
    with Filled(disk):
        while (answer := issue(gateway, "letter.txt")).status_code == 200:
            told.append(answer.json()["links"][0]["url"])
            assert len(told) < 5_000, "the disk is not full"
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "state.unavailable"
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["cache-control"] == "no-store"
        # A revocation that can not be written is refused, not promised.
        document = {"zone": "clinic", "bucket": "documents", "key": "secret.txt"}
        refused = gateway.post("/admin/revoke", {"documents": [document]})
        assert (refused.status_code, refused.json()["code"]) == (503, "state.unavailable")
        assert gateway.client.get(old).status_code == 200
        assert gateway.client.get("/livez").status_code == 200
    assert issue(gateway, "letter.txt").status_code == 200
    gateway.revoke("secret.txt")
    assert gateway.client.get(old).status_code == 410
    gateway.kill()
    gateway.start()
    assert gateway.client.get(old).status_code == 410
    with closing(sqlite3.connect(disk / "data" / "ostiary.db")) as database:
        rows = {link for (link,) in database.execute("SELECT link_id FROM issue")}
    ids = {sha256(url.rpartition(".")[2].encode()).hexdigest()[:16] for url in told}
    assert ids <= rows


def fill_the_log(gateway: Any) -> None:
    """Issue until the database's log wants room that is not there."""
    for _ in range(5_000):
        if issue(gateway, "letter.txt").status_code == 503:
            return
    raise AssertionError("the disk is not full")


def test_a_replaced_document_is_answered_though_its_purge_can_not_be_written(
    gateway: Any, disk: Path
) -> None:
    gateway.put("plan.txt", b"the old plan")
    target = gateway.link("plan.txt")
    assert gateway.client.get(target).text == "the old plan"
    with Filled(disk):
        fill_the_log(gateway)
        gateway.put("plan.txt", b"the new plan")
        deadline = time.monotonic() + 10
        while (answer := gateway.client.get(target)).text != "the new plan":
            assert (answer.status_code, answer.text) == (200, "the old plan")
            assert time.monotonic() < deadline, "the new plan is not seen"
            time.sleep(0.05)


def test_workers_live_and_are_replaced_on_a_full_disk(gateway: Any, disk: Path) -> None:
    """A worker that touched a mapped page without room for it would be killed by the kernel."""
    gateway.stop()
    began = len(gateway.events(event="worker_serves"))
    gateway.start("--workers", "2")
    *_, victim = [one["worker"] for one in gateway.told(began + 2, event="worker_serves")]
    target = gateway.link("photo-7.jpg", "w320-webp")
    with Filled(disk):
        fill_the_log(gateway)
        # Words that no figure has counted yet.
        assert gateway.client.get(target).status_code == 200
        assert gateway.client.get("/nowhere").status_code == 404
        assert gateway.client.get("/d/").status_code == 403
        os.kill(victim, signal.SIGKILL)
        gateway.told(began + 3, event="worker_serves")
        assert gateway.client.get(target).status_code == 200
        headers = {"Authorization": f"Bearer {gateway.token}"}
        assert gateway.client.get("/metrics", headers=headers).status_code == 200
    assert [line["worker"] for line in gateway.events(event="worker_died")] == [victim]
    gateway.stop()
    gateway.start()


def test_nothing_starts_without_room_for_its_state(gateway: Any, disk: Path) -> None:
    gateway.stop()
    shutil.rmtree(disk / "data")
    with Filled(disk):
        title, fault = complaint(gateway)
    assert title == "Error: the configuration has faults:"
    assert fault.startswith("  server.data: ")
    gateway.start()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_data_folder_that_can_not_be_written_ends_the_start_in_a_line(
    gateway: Any, disk: Path, workers: str
) -> None:
    gateway.stop()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    try:
        title, fault = complaint(gateway, "--workers", workers)
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert title == "Error: the configuration has faults:"
    assert fault.startswith("  server.data: database: Read-only file system")
    gateway.start()


def complaint(gateway: Any, *options: str) -> list[str]:
    """Start it in vain: what it says in the place of serving."""
    gateway.log.write_bytes(b"")
    assert gateway.launch(*options).wait(timeout=60) == 1
    return gateway.log.read_text().splitlines()
