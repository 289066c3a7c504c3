"""A whole gateway in this process, spoken to through ASGI; a database and processes on it."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw

from gateway.app import compose
from gateway.applications import build
from gateway.documents import DocumentRef
from gateway.parts import Parts
from gateway.settings import Settings, StoreAddress
from gateway.state.database import Database
from gateway.stores import Store
from gateway.stores.memory import MemoryStore
from gateway.stores.opening import open_store
from gateway.telemetry import Draining, LineWriter, Metrics, Telemetry
from tests.contract.pairs import REPORT, SCAN, Pair, emptied
from tests.contract.server import ContractServer

Process = subprocess.Popen[str]
Child = Callable[..., Process]
TOKEN = "operator-token"


class Door:
    """One gateway and one client of it; `log` is the file its lines go to.

    `store` holds the documents, unless the settings name another; it stands for a Supabase project
    at example.org as well, which nobody can ask. Without `renders` no worker
    process is started, unless a rendition is asked for.
    """

    def __init__(self, settings: Settings, log: Path, *, renders: bool) -> None:
        self.store = MemoryStore()
        metrics = Metrics()

        def opener(address: StoreAddress, **options: Any) -> Store:
            nowhere = address.kind == "memory" or address.root.endswith(".example.org")
            return self.store if nowhere else open_store(address, **options)

        self.parts: Parts = compose(settings, metrics=metrics, opener=opener)
        self.draining = Draining()
        self.log = log
        self._stack = ExitStack()
        stream = self._stack.enter_context(log.open("wb", buffering=0))
        writer = self._stack.enter_context(closing(LineWriter(stream.fileno())))
        telemetry = Telemetry(settings.server.region, writer, metrics)
        self.apps = build(self.parts, telemetry, self.draining)
        self.runner = self._stack.enter_context(asyncio.Runner())
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.apps.main), base_url="http://gateway.test"
        )
        if renders:
            self.run(self.apps.start())

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def ask(self, method: str, url: str, **options: Any) -> httpx.Response:
        answer = self.run(self.client.request(method, url, **options))
        assert isinstance(answer, httpx.Response)
        return answer

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.ask("GET", url, headers=dict(headers or {}))

    def put(self, key: str, body: bytes, bucket: str = "documents") -> None:
        self.store.put(bucket, key, body)

    def post(self, url: str, body: object, token: str = TOKEN, **fields: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.ask("POST", url, json=body, headers={**headers, **fields})

    def issue(self, *keys: str, **wishes: object) -> list[dict[str, Any]]:
        documents = [{"zone": "clinic", "bucket": "documents", "key": key} for key in keys]
        answer = self.post("/v1/links", {"documents": documents, **wishes})
        assert answer.status_code == 200, answer.text
        links = answer.json()["links"]
        assert isinstance(links, list)
        return links

    def link(self, key: str, rendition: str = "original", **wishes: object) -> str:
        [issued] = self.issue(key, **wishes)
        return str(issued["template"]).replace("{rendition}", rendition)

    def issue_tag(self, key: str) -> str:
        return DocumentRef("clinic", "documents", key).id

    def call(self, app: Any, method: str, url: str, **options: Any) -> httpx.Response:
        """Ask another application than the main one."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://gateway.test"
            ) as client:
                return await client.request(method, url, **options)

        answer = self.run(asked())
        assert isinstance(answer, httpx.Response)
        return answer

    def lines(self, count: int) -> str:
        """The log, once it has at least so many lines."""
        self.run(self.apps.close())
        deadline = time.monotonic() + 10
        while (text := self.log.read_text()).count("\n") < count:
            assert time.monotonic() < deadline, text
            time.sleep(0.01)
        return text

    def close(self) -> None:
        self.run(self.client.aclose())
        self.run(self.apps.close())
        self._stack.close()


def configured(data: Path, **tables: Mapping[str, object]) -> Settings:
    """Settings of one zone over documents in memory; `tables` add to the tables or replace them."""
    zone: dict[str, object] = {"store": "main", "buckets": ["documents"], "cache": "windowed"}
    values: dict[str, Any] = {
        "server": {"data": str(data)},
        "signing": {"keys": {"k1": "5a" * 32}},
        "admin": {"tokens": ["sha256:" + hashlib.sha256(TOKEN.encode()).hexdigest()]},
        "stores": {"main": {"url": "memory:"}},
        # Better renditions would come in the middle of tests of something else.
        "renditions": {"improve": False},
        "zones": {"clinic": zone},
    }
    for name, table in tables.items():
        if name == "clinic":
            zone.update(table)
        else:
            values[name] = {**values.get(name, {}), **table}
    return Settings.model_validate(values)


@pytest.fixture
def open_door(tmp_path: Path) -> Iterator[Callable[..., Door]]:
    """Open gateways: `open_door(clinic={"cache": "private"}, renders=True)`."""
    with ExitStack() as stack:

        def opened(*, renders: bool = False, **tables: Mapping[str, object]) -> Door:
            settings = configured(tmp_path / "var", **tables)
            door = Door(settings, tmp_path / "log.jsonl", renders=renders)
            stack.callback(door.close)
            return door

        yield opened


@pytest.fixture
def door(open_door: Callable[..., Door]) -> Door:
    return open_door()


@pytest.fixture(scope="module")
def stand_in() -> Iterator[ContractServer]:
    """A storage server for the tests of a module; `open_pair` empties it for each."""
    with ContractServer() as upstream:
        yield upstream


def before(upstream: ContractServer, **tables: Any) -> dict[str, Any]:
    """The tables of a gateway before a stand-in; `tables` add to them."""
    supabase = {
        "url": upstream.url,
        "service_key": upstream.service,
        "jwt_secret": upstream.jwt_secret,
        "webhook_secret": "secret-of-the-hooks",
        **tables.pop("supabase", {}),
    }
    zone = {"buckets": ["documents", "pub"], **tables.pop("clinic", {})}
    stores = {"main": {"url": "supabase:"}}
    return {"supabase": supabase, "clinic": zone, "stores": stores, **tables}


@pytest.fixture
def open_pair(open_door: Callable[..., Door], stand_in: ContractServer) -> Callable[..., Pair]:
    """Open a gateway before the stand-in: `open_pair(supabase={"strict": True})`."""

    def opened(**tables: Any) -> Pair:
        upstream = emptied(stand_in)
        return Pair(open_door(**before(upstream, **tables)), upstream)

    return opened


@pytest.fixture(scope="session")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """One gateway with render workers before a stand-in, for tests that only look."""
    folder = tmp_path_factory.mktemp("drawing")
    with ContractServer() as upstream:
        settings = configured(folder / "var", **before(upstream, renditions={"workers": 1}))
        door = Door(settings, folder / "log.jsonl", renders=True)
        documents = ((SCAN, drawn("PNG", 1), "png"), (REPORT, drawn("PDF", 2), "pdf"))
        for key, body, form in documents:
            upstream.put("documents", key, body, f"image/{form}")
        upstream.put("pub", "img/logo.png", drawn("PNG", 1), "image/png", "max-age=120")
        try:
            yield Pair(door, upstream)
        finally:
            door.close()


@pytest.fixture
def pair(open_pair: Callable[..., Pair]) -> Pair:
    return open_pair()


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One gateway with render workers for all tests that only look: pictures, pages, a broken one.

    Nobody may change or revoke its documents; CDNs are told nothing.
    """
    folder = tmp_path_factory.mktemp("gallery")
    presets = {"presets": {"thumb": "w160-h160-cover"}, "workers": 1}
    settings = configured(folder / "var", renditions=presets)
    door = Door(settings, folder / "log.jsonl", renders=True)
    door.put("picture.jpg", drawn("JPEG", 1))
    door.put("scan.tif", drawn("TIFF", 3))
    door.put("letter.pdf", drawn("PDF", 2))
    door.put("broken.jpg", drawn("JPEG", 1)[:300])
    door.put("note.txt", b"nothing to see")
    try:
        yield door
    finally:
        door.close()


def drawn(form: str, pages: int, size: tuple[int, int] = (800, 600)) -> bytes:
    """A file of so many pages, each of another colour."""
    images = [Image.new("RGB", size, colour) for colour in ("teal", "navy", "maroon")[:pages]]
    for image in images:
        ImageDraw.Draw(image).ellipse((100, 100, 500, 500), fill="gold")
    out = BytesIO()
    more = {"save_all": True, "append_images": images[1:]} if pages > 1 else {}
    images[0].save(out, form, **more)
    return out.getvalue()


@pytest.fixture(scope="session")
def draw() -> Callable[..., bytes]:
    return drawn


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ostiary.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = Database.open(path)
    yield opened
    opened.close()


@pytest.fixture
def child(path: Path) -> Iterator[Child]:
    """Starts a program with the database's path and more as its arguments."""
    started: list[Process] = []

    def start(program: str, *arguments: str) -> Process:
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(path), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
