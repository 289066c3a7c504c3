"""Placeholders that are asked for: made once and quickly, or unknown; never an error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.caches.coalesce import Stripes
from gateway.caches.disk import DiskCache
from gateway.caches.memory import MemoryCache
from gateway.catalogue import describe
from gateway.documents import Document, DocumentRef, Zone
from gateway.errors import StoreUnavailable
from gateway.making.measure import Measurer
from gateway.making.measurements import Measured
from gateway.making.placeholders import Placeholders
from gateway.originals import KEPT, Levels, Originals
from gateway.representations import Ready, Representation, ready
from gateway.stores.memory import MemoryStore
from gateway.wire.media import MediaType
from imaging.errors import BrokenSource, PoolBusy
from imaging.names.renditions import Product
from imaging.rendered import Description

ZONE = Zone("clinic", "main", ("documents",))
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
PDF = b"%PDF-1.7\n"


class Ruler:
    """Describes every source alike."""

    async def describe(self, source: bytes) -> Description:
        return Description("image/jpeg", 800, 600, 1)


class Painter:
    """Stands for the deriver: gives one picture, or fails as it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failure: Exception | None = None
        self.hash = b"\xd7hash"
        self.hold = asyncio.Event()
        self.hold.set()

    async def ready(self, document: Document, product: Product) -> tuple[Ready, bool]:
        self.asked.append(product.spec)
        await self.hold.wait()
        if self.failure:
            raise self.failure
        media = MediaType(b"image/webp", inline=True)
        made = Representation(
            document, product.spec, b'"e"', media, 4, b"RIFF", placeholder=self.hash
        )
        return ready(made, ZONE, corp="same-site"), True


class RemoteStore(MemoryStore):
    local = False


class Bench:
    """Placeholders over one store and a painter."""

    def __init__(self, folder: Path, store: MemoryStore) -> None:
        self.store = store
        self.painter = Painter()
        self.levels = Levels(
            MemoryCache(1 << 20),
            DiskCache(folder / "cache", 1 << 26),
            Stripes(folder / "locks"),
            Stripes(folder / "locks" / "sources"),
        )
        originals = Originals(self.levels, lambda _: store, _dress)
        measurer = Measurer(self.levels, originals, Ruler())
        self.placeholders = Placeholders(self.levels, originals, measurer, self.painter)

    def put(self, body: bytes, key: str = "a") -> Document:
        stored = self.store.put("documents", key, body)
        ref = DocumentRef("clinic", "documents", key)
        return describe(ref, stored, self.store.kind, body[:4096])

    def measure(self, document: Document) -> Measured:
        return asyncio.run(self.placeholders.measure(document))


def _dress(representation: Representation) -> Ready:
    return ready(representation, ZONE, corp="same-site")


@pytest.fixture
def new_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    benches: list[Bench] = []

    def opened(store: type[MemoryStore] = MemoryStore) -> Bench:
        benches.append(Bench(tmp_path, store()))
        return benches[-1]

    yield opened
    for bench in benches:
        asyncio.run(bench.levels.disk.aclose())


@pytest.fixture
def bench(new_bench: Callable[..., Bench]) -> Bench:
    return new_bench()


@pytest.mark.parametrize(("body", "spec"), [(JPEG, "w160-webp"), (PDF, "p1-w160-webp")])
def test_the_smallest_rung_that_links_open_tells_it(bench: Bench, body: bytes, spec: str) -> None:
    assert bench.measure(bench.put(body)).placeholder == b"\xd7hash"
    assert bench.painter.asked == [spec]


def test_it_is_kept(bench: Bench) -> None:
    document = bench.put(JPEG)
    first = bench.measure(document)
    assert bench.measure(document) == first == Measured(800, 600, placeholder=b"\xd7hash")
    assert len(bench.painter.asked) == 1


@pytest.mark.parametrize(
    "failure",
    [PoolBusy(), BrokenSource("damaged"), StoreUnavailable()],
    ids=lambda failure: type(failure).__name__,
)
def test_it_is_unknown_rather_than_an_error(bench: Bench, failure: Exception) -> None:
    document = bench.put(JPEG)
    bench.painter.failure = failure
    assert bench.measure(document) == Measured(800, 600)
    bench.painter.failure = None
    assert bench.measure(document).placeholder, "and it is tried again"


def test_who_asks_does_not_wait_for_a_slow_picture(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.making.placeholders.PATIENCE", 0.01)
    bench.painter.hold.clear()
    assert bench.measure(bench.put(JPEG)) == Measured(800, 600)
    assert bench.painter.asked == ["w160-webp"]


@pytest.mark.parametrize("body", [b"", b"plain text", b"PK\x03\x04" + bytes(30)])
def test_what_has_no_picture_is_not_tried(bench: Bench, body: bytes) -> None:
    assert bench.measure(bench.put(body)).placeholder == b""
    assert bench.painter.asked == []


def test_a_large_document_far_away_is_not_fetched_for_it(new_bench: Callable[..., Bench]) -> None:
    far, near = new_bench(RemoteStore), new_bench()
    large = JPEG + bytes(KEPT)
    assert far.measure(far.put(large)) == Measured(800, 600)
    assert far.painter.asked == []
    assert near.measure(near.put(large, "b")).placeholder


def test_a_picture_without_one_is_no_news(bench: Bench) -> None:
    bench.painter.hash = b""
    document = bench.put(JPEG)
    assert bench.measure(document) == Measured(800, 600)
