"""Measuring: once per version, remembered, and never a reason to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.caches.coalesce import Stripes
from gateway.caches.disk import DiskCache
from gateway.caches.memory import MemoryCache
from gateway.catalogue import describe
from gateway.documents import Document, DocumentRef, Zone
from gateway.errors import StoreUnavailable
from gateway.making.measure import HEAD, WHOLE, Measurer, NoDescriber
from gateway.making.measurements import UNKNOWN, Measured
from gateway.originals import KEPT, Levels, Originals
from gateway.representations import Ready, Representation, ready
from gateway.stores.memory import MemoryStore
from imaging.errors import (
    BrokenSource,
    ImagingError,
    PageMissing,
    PoolBusy,
    SourceTooLarge,
    WorkerLost,
)
from imaging.rendered import Description

ZONE = Zone("clinic", "main", ("documents",))
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
TIFF = b"II*\x00\x08\x00\x00\x00"
PDF = b"%PDF-1.7\n"
DICOM = bytes(128) + b"DICM"
HEIC = b"\0\0\0\x14ftypheic" + bytes(8)


class Ruler:
    """A describer that counts, and refuses what it is told to."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.refusal: ImagingError | None = None
        self.shortest = 0
        self.sizes_told: tuple[tuple[float, float], ...] = ()
        self.abreast = self.most = 0

    async def describe(self, source: bytes) -> Description:
        self.sizes.append(len(source))
        self.abreast += 1
        self.most = max(self.most, self.abreast)
        await asyncio.sleep(0)
        self.abreast -= 1
        if self.refusal:
            raise self.refusal
        if len(source) < self.shortest:
            raise BrokenSource("truncated")
        return Description("image/jpeg", 800, 600, 3, self.sizes_told)


class RemoteStore(MemoryStore):
    local = False


class Bench:
    """A measurer over one store."""

    def __init__(self, folder: Path, store: MemoryStore) -> None:
        self.store = store
        self.ruler = Ruler()
        self.levels = Levels(
            MemoryCache(1 << 20),
            DiskCache(folder / "cache", 1 << 26),
            Stripes(folder / "locks"),
            Stripes(folder / "locks" / "sources"),
        )
        self.originals = Originals(self.levels, lambda _: store, _dress)
        self.measurer = Measurer(self.levels, self.originals, self.ruler)

    def put(self, body: bytes, key: str = "a") -> Document:
        stored = self.store.put("documents", key, body)
        ref = DocumentRef("clinic", "documents", key)
        return describe(ref, stored, self.store.kind, body[:4096])

    def measure(self, document: Document) -> Measured:
        return asyncio.run(self.measurer.measure(document))


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


@pytest.mark.parametrize(
    ("body", "measured"),
    [
        (JPEG, Measured(800, 600, None)),
        (TIFF, Measured(800, 600, 3)),
        (PDF, Measured(None, None, 3)),
        (DICOM, Measured(800, 600, 3, ((800, 600),) * 3)),
        (HEIC, Measured(800, 600, None)),
    ],
)
def test_what_is_measured_depends_on_the_kind(
    bench: Bench, body: bytes, measured: Measured
) -> None:
    assert bench.measure(bench.put(body)) == measured
    assert bench.ruler.sizes == [len(body)]


def test_an_empty_document_is_known_to_be_broken(bench: Bench) -> None:
    assert bench.measure(bench.put(b"")) == Measured(broken="empty")
    assert (bench.ruler.sizes, bench.store.opened) == ([], 0)


@pytest.mark.parametrize("body", [b"plain text", b"PK\x03\x04" + bytes(30)])
def test_what_has_no_size_is_not_measured(bench: Bench, body: bytes) -> None:
    assert bench.measure(bench.put(body)) == UNKNOWN
    assert (bench.ruler.sizes, bench.store.opened) == ([], 0)


def test_a_measure_is_taken_once_and_remembered_on_disk(
    bench: Bench, new_bench: Callable[..., Bench]
) -> None:
    document = bench.put(TIFF)

    async def ask() -> set[Measured]:
        return set(await asyncio.gather(*(bench.measurer.measure(document) for _ in range(50))))

    assert asyncio.run(ask()) == {Measured(800, 600, 3)}
    assert len(bench.ruler.sizes) == 1
    later = new_bench()
    assert later.measure(document) == Measured(800, 600, 3)
    assert later.ruler.sizes == []


def test_sizes_of_pages_are_remembered(bench: Bench) -> None:
    bench.ruler.sizes_told = ((595.28, 841.89), (0, 0))
    document = bench.put(PDF)
    for _ in range(2):
        assert bench.measure(document).sizes == ((595.28, 841.89), (0, 0))
    assert len(bench.ruler.sizes) == 1


def test_a_large_picture_is_measured_by_its_head(bench: Bench) -> None:
    assert bench.measure(bench.put(JPEG + bytes(HEAD))) == Measured(800, 600, None)
    frames = bench.measure(bench.put(DICOM + bytes(HEAD), "b"))
    assert (frames.width, frames.height, frames.pages) == (800, 600, 3)
    assert bench.ruler.sizes == [HEAD, HEAD]


def test_a_size_that_stands_far_in_is_looked_for_where_that_is_near(
    new_bench: Callable[..., Bench],
) -> None:
    near, far = new_bench(), new_bench(RemoteStore)
    for bench in (near, far):
        bench.ruler.shortest = HEAD + 1
    body = JPEG + bytes(HEAD)
    assert near.measure(near.put(body)) == Measured(800, 600, None)
    document = far.put(body, "b")
    assert far.measure(document) == UNKNOWN, "not known to be broken"
    found = asyncio.run(far.measurer.measure(document, fetch=True))
    assert found == Measured(800, 600, None)


def test_too_many_pixels_are_told_by_the_first_octets(bench: Bench) -> None:
    bench.ruler.refusal = SourceTooLarge("pixels")
    assert bench.measure(bench.put(JPEG + bytes(HEAD))) == Measured(broken="pixels")
    assert bench.ruler.sizes == [HEAD]


def test_pages_of_a_remote_store_are_not_fetched_to_be_counted(
    new_bench: Callable[..., Bench],
) -> None:
    bench = new_bench(RemoteStore)
    assert bench.measure(bench.put(PDF)) == UNKNOWN
    assert (bench.ruler.sizes, bench.store.opened) == ([], 0)
    assert bench.measure(bench.put(JPEG)) == Measured(800, 600, None)


def test_pages_of_a_remote_store_are_fetched_when_that_is_asked_for(
    new_bench: Callable[..., Bench],
) -> None:
    bench = new_bench(RemoteStore)
    document = bench.put(PDF)
    far = replace(document, size=KEPT + 1)
    assert asyncio.run(bench.measurer.measure(far, fetch=True)) == UNKNOWN
    assert bench.store.opened == 0
    found = asyncio.run(bench.measurer.measure(document, fetch=True))
    assert found == Measured(None, None, 3)
    assert bench.measure(document) == found, "what is known needs no fetch"


def test_pages_of_a_huge_document_are_not_counted(bench: Bench) -> None:
    assert bench.measure(replace(bench.put(PDF), size=WHOLE + 1)) == UNKNOWN
    assert bench.store.opened == 0


def test_a_broken_document_tells_why_and_is_not_tried_again(bench: Bench) -> None:
    document = bench.put(JPEG)
    bench.ruler.refusal = BrokenSource("damaged")
    assert bench.measure(document) == bench.measure(document) == Measured(broken="damaged")
    assert len(bench.ruler.sizes) == 1


@pytest.mark.parametrize("refusal", [PoolBusy(), PageMissing(1), WorkerLost("crash")])
def test_what_may_go_better_later_is_tried_later(bench: Bench, refusal: ImagingError) -> None:
    document = bench.put(JPEG)
    bench.ruler.refusal = refusal
    assert bench.measure(document) == UNKNOWN
    bench.ruler.refusal = None
    assert bench.measure(document) == Measured(800, 600, None)


def test_a_store_that_is_down_is_no_reason_to_fail(bench: Bench) -> None:
    document = bench.put(JPEG)
    bench.store.fault = StoreUnavailable()
    assert bench.measure(document) == UNKNOWN
    bench.store.fault = None
    assert bench.measure(document) == Measured(800, 600, None)


def test_few_are_measured_at_a_time(bench: Bench) -> None:
    documents = [bench.put(JPEG + bytes([n]), key=str(n)) for n in range(20)]

    async def ask() -> None:
        await asyncio.gather(*map(bench.measurer.measure, documents))

    asyncio.run(ask())
    assert (len(bench.ruler.sizes), bench.ruler.most) == (20, 2)


def test_without_workers_nothing_new_is_measured(bench: Bench) -> None:
    idle = Measurer(bench.levels, bench.originals, NoDescriber())
    document = bench.put(JPEG)
    assert asyncio.run(idle.measure(document)) == UNKNOWN
    bench.measure(document)
    assert asyncio.run(idle.measure(document)) == Measured(800, 600, None)
