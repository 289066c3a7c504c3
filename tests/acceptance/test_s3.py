"""Documents in S3: the gateway over moto's server, with a proxy between that counts and breaks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from PIL import Image

pytestmark = pytest.mark.engines

REGION = "us-east-1"
PAIR = {"access_key": "AKIAEXAMPLE", "secret_key": "example-secret-key"}
LETTER = bytes(range(256)) * 117
# More than the cache on disk takes (gateway.originals.KEPT), so that it goes through.
LARGE = bytes(range(256)) * (20 << 12)


class Between:
    """A TCP proxy that counts requests by method and path, one on each connection.

    `down` hangs up on everyone; `cut_after` lets so many octets of an answer pass, then it is down.
    """

    def __init__(self, port: int) -> None:
        self._behind = port
        self.counts: Counter[tuple[str, str]] = Counter()
        self.down = False
        self.cut_after = 0
        self.port = 0
        self._handlers: set[object] = set()
        self._listening = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._listening.wait(10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(10)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._ending = asyncio.Event()
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=1_000)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._ending.wait()
        server.close()

    async def _answer(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        # Nothing else holds on to a handler whose client has left.
        self._handlers.add(asyncio.current_task())
        try:
            head = await client.readuntil(b"\r\n\r\n")
            if not self.down:
                await self._pass_on(head, back)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            back.close()

    async def _pass_on(self, head: bytes, back: asyncio.StreamWriter) -> None:
        method, path, _ = head.decode("latin-1").split(" ", 2)
        self.counts[method, path] += 1
        reader, writer = await asyncio.open_connection("127.0.0.1", self._behind)
        with contextlib.closing(writer):
            writer.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            left = self.cut_after or 1 << 40
            while left > 0 and (octets := await reader.read(min(left, 1 << 16))):
                left -= len(octets)
                back.write(octets)
                await back.drain()
            self.down = self.down or left <= 0


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory, spare_port: Callable[[], int]) -> Iterator[int]:
    port = spare_port()
    log = (tmp_path_factory.mktemp("moto") / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env={"PATH": os.environ["PATH"]},
        stdout=log,
        stderr=log,
    )
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, Path(log.name).read_text()
        assert time.monotonic() < deadline, "moto does not answer"
        try:
            httpx.get(f"http://127.0.0.1:{port}/")
            break
        except httpx.TransportError:
            time.sleep(0.05)
    yield port
    process.terminate()
    process.wait(timeout=20)
    log.close()


@pytest.fixture(scope="module")
def bucket(moto: int) -> Any:
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{moto}",
        region_name=REGION,
        aws_access_key_id=PAIR["access_key"],
        aws_secret_access_key=PAIR["secret_key"],
    )
    for name in ("documents", "kept"):
        client.create_bucket(Bucket=name)
    client.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket="documents", Key="in/a letter.txt", Body=LETTER)
    client.put_object(Bucket="documents", Key="large.pdf", Body=LARGE)
    yield client
    client.close()


@pytest.fixture(scope="module")
def between(moto: int) -> Iterator[Between]:
    proxy = Between(moto)
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def gateway(gateway_in: Callable[..., Any], bucket: Any, between: Between) -> Any:
    url = f"s3:?endpoint=http://127.0.0.1:{between.port}&region={REGION}"
    gateway = gateway_in(
        stores={"main": {"url": url, **PAIR}}, clinic={"buckets": ["documents", "kept"]}
    )
    gateway.secrets |= {"letter.txt", "large.pdf", *PAIR.values()}
    return gateway.start()


@pytest.fixture
def unbroken(between: Between) -> Iterator[Between]:
    """The proxy, as it was before when the test is over."""
    yield between
    between.down, between.cut_after = False, 0


def test_a_document_and_its_ranges(gateway: Any, bucket: Any) -> None:
    target = gateway.link("in/a letter.txt")
    whole = gateway.client.get(target)
    assert (whole.status_code, whole.content) == (200, LETTER)
    assert (
        whole.headers["etag"]
        == bucket.head_object(Bucket="documents", Key="in/a letter.txt")["ETag"]
    )
    part = gateway.client.get(target, headers={"Range": "bytes=-6"})
    assert (part.status_code, part.content) == (206, LETTER[-6:])
    unchanged = gateway.client.get(target, headers={"If-None-Match": whole.headers["etag"]})
    assert unchanged.status_code == 304
    large = gateway.client.get(gateway.link("large.pdf"))
    assert large.content == LARGE
    middle = {"Range": "bytes=7000000-7000009"}
    part = gateway.client.get(gateway.link("large.pdf"), headers=middle)
    assert part.content == LARGE[7_000_000:7_000_010]


def test_a_rendition_of_an_object(gateway: Any, bucket: Any, tmp_path: Path) -> None:
    Image.effect_noise((900, 700), 60).convert("RGB").save(tmp_path / "photo.jpg")
    bucket.put_object(
        Bucket="documents", Key="photo.jpg", Body=(tmp_path / "photo.jpg").read_bytes()
    )
    answer = gateway.client.get(gateway.link("photo.jpg", "w320-webp"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")


def test_what_is_not_there_is_a_404_that_is_kept_for_moments(gateway: Any, bucket: Any) -> None:
    bucket.put_object(Bucket="documents", Key="soon gone.txt", Body=b"here")
    target = gateway.link("soon gone.txt")
    bucket.delete_object(Bucket="documents", Key="soon gone.txt")
    purge(gateway, "documents", "soon gone.txt")
    answer = gateway.client.get(target)
    assert (answer.status_code, answer.json()["code"]) == (404, "document.not-found")


def purge(gateway: Any, bucket: str, key: str) -> None:
    document = {"zone": "clinic", "bucket": bucket, "key": key}
    answer = gateway.post("/admin/purge", {"documents": [document]})
    assert answer.status_code in (200, 202), answer.text


def test_a_replaced_object_is_seen_after_a_purge(gateway: Any, bucket: Any) -> None:
    bucket.put_object(Bucket="documents", Key="plan.txt", Body=b"the old plan")
    target = gateway.link("plan.txt")
    assert gateway.client.get(target).text == "the old plan"
    bucket.put_object(Bucket="documents", Key="plan.txt", Body=b"the new plan")
    purge(gateway, "documents", "plan.txt")
    assert gateway.client.get(target).text == "the new plan"


def test_a_purge_is_not_forgotten_by_a_restart(gateway: Any, bucket: Any) -> None:
    bucket.put_object(Bucket="documents", Key="menu.txt", Body=b"the old menu")
    target = gateway.link("menu.txt")
    bucket.put_object(Bucket="documents", Key="menu.txt", Body=b"the new menu")
    purge(gateway, "documents", "menu.txt")
    gateway.kill()
    gateway.start()
    assert gateway.client.get(target).text == "the new menu"


def test_a_pinned_link_serves_its_version_or_nothing(gateway: Any, bucket: Any) -> None:
    def pinned() -> str:
        document = {"zone": "clinic", "bucket": "kept", "key": "minutes.txt"}
        answer = gateway.post("/v1/links", {"documents": [document], "pinned": True})
        return str(answer.json()["links"][0]["url"])

    bucket.put_object(Bucket="kept", Key="minutes.txt", Body=b"same words")
    first = pinned()
    answer = gateway.client.get(first)
    assert (answer.status_code, answer.content) == (200, b"same words")
    assert "immutable" in answer.headers["cache-control"]
    # The octets are the same, so is the ETag: only the store's version id is another.
    bucket.put_object(Bucket="kept", Key="minutes.txt", Body=b"same words")
    purge(gateway, "kept", "minutes.txt")
    second = pinned()
    assert second != first
    assert gateway.client.get(second).status_code == 200
    gone = gateway.client.get(first)
    assert (gone.status_code, gone.json()["code"]) == (410, "version.superseded")


async def crowd(port: int, target: str, connections: int, times: int) -> Counter[Any]:
    """Ask on so many connections at once, so many times on each; what was answered how often."""
    together = asyncio.Barrier(connections)

    async def one() -> list[tuple[int, bytes]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await together.wait()
        answers = []
        for _ in range(times):
            writer.write(f"GET {target} HTTP/1.1\r\nHost: gateway\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"\r\ncontent-length: ")[2].partition(b"\r")[0])
            answers.append((int(head.split(b" ", 2)[1]), await reader.readexactly(length)))
        writer.close()
        return answers

    found = await asyncio.gather(*(one() for _ in range(connections)))
    return Counter(answer for answers in found for answer in answers)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_thousand_who_ask_for_a_cold_document_cost_one_read(
    gateway: Any, bucket: Any, between: Between, workers: str
) -> None:
    bucket.put_object(Bucket="documents", Key="wanted.bin", Body=LETTER)
    target = gateway.link("wanted.bin")
    # Issuing has looked at the document: only a new process knows nothing of it.
    gateway.stop()
    gateway.start("--workers", workers)
    between.counts.clear()

    assert asyncio.run(crowd(gateway.port, target, 200, 5)) == {(200, LETTER): 1_000}
    assert between.counts == {("GET", "/documents/wanted.bin"): 1}


def test_a_store_that_is_down_is_a_503_until_it_is_back(
    gateway: Any, bucket: Any, unbroken: Between
) -> None:
    bucket.put_object(Bucket="documents", Key="patience.txt", Body=b"here again")
    target = gateway.link("patience.txt")
    purge(gateway, "documents", "patience.txt")
    unbroken.down = True
    answer = gateway.client.get(target)
    assert (answer.status_code, answer.json()["code"]) == (503, "store.unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["cache-control"] == "no-store"
    assert gateway.client.get("/readyz").status_code == 503
    unbroken.down = False
    assert gateway.client.get(target).text == "here again"
    assert gateway.client.get("/readyz").status_code == 200


def test_a_body_that_breaks_off_is_never_ended_well(
    gateway: Any, wire: Callable[..., Any], unbroken: Between
) -> None:
    target = gateway.link("large.pdf")
    unbroken.cut_after = 5 << 20
    connection = wire(gateway.port)
    connection.request(target)
    status, fields = connection.head()
    assert (status, fields["content-length"]) == (200, str(len(LARGE)))
    body, whole = connection.body(len(LARGE))
    assert not whole
    assert LARGE.startswith(body)
    assert gateway.told(1, code="delivery.aborted")
    unbroken.down, unbroken.cut_after = False, 0
    assert gateway.client.get(target).content == LARGE


def test_a_body_that_breaks_once_is_resumed(gateway: Any, unbroken: Between) -> None:
    target = gateway.link("large.pdf")
    unbroken.counts.clear()
    unbroken.cut_after = 5 << 20
    mend = threading.Thread(target=_mend, args=(unbroken,))
    mend.start()
    try:
        assert gateway.client.get(target).content == LARGE
    finally:
        mend.join(20)
    assert unbroken.counts["GET", "/documents/large.pdf"] > 1


def _mend(between: Between) -> None:
    """Be there again as soon as it was cut."""
    deadline = time.monotonic() + 20
    while not between.down and time.monotonic() < deadline:
        time.sleep(0.001)
    between.cut_after, between.down = 0, False
