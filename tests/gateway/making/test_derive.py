"""Renditions: made once for everyone, found again, and not tried in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.caches.budget import ByteBudget
from gateway.caches.coalesce import Stripes
from gateway.caches.disk import DiskCache
from gateway.caches.memory import MemoryCache
from gateway.catalogue import describe
from gateway.documents import Document, DocumentRef, Zone
from gateway.errors import DocumentBroken, Overloaded, StoreUnavailable
from gateway.making.derive import ABREAST, LOSSES, POISONED_FOR, SOURCE_LIMIT, Deriver
from gateway.making.shelves import Shelf
from gateway.originals import SMALL, Levels, Originals
from gateway.representations import Ready, Representation, ready
from gateway.stores.memory import MemoryStore
from imaging.conversions import KEPT, PDF, Conversion, Converted
from imaging.errors import BrokenSource, ImagingError, PageMissing, PoolBusy, WorkerLost
from imaging.masters.masters import Master
from imaging.names.renditions import Product, Rendition
from imaging.rendered import Rendered

ZONE = Zone("clinic", "main", ("documents",))
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(100)
SMALL_WEBP = Rendition(width=160, format="webp")


class Painter:
    """A renderer that counts, and refuses what it is told to."""

    def __init__(self) -> None:
        self.sources: list[bytes] = []
        self.refusal: ImagingError | None = None
        self.effort = "m4"
        self.keeps = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def convert(self, source: bytes, conversion: Conversion) -> Converted:
        self.sources.append(source)
        await asyncio.sleep(0)
        if self.refusal:
            raise self.refusal
        if conversion.page:
            return Converted(b"read", "text/plain; charset=utf-8", "pdfium-1")
        return KEPT if self.keeps else Converted(b"%PDF lined", PDF, "qpdf-1")

    async def recall(self, rendition: Rendition, of: str) -> Rendered | None:
        return None

    async def reprint(
        self, master: Master, rendition: Rendition, of: str, origin: tuple[str, int]
    ) -> Rendered:
        raise BrokenSource("damaged")

    async def render(
        self, source: bytes, rendition: Rendition, of: str = "", *, develop: bool = False
    ) -> Rendered:
        self.sources.append(source)
        await asyncio.sleep(0)
        await self.gate.wait()
        if self.refusal:
            raise self.refusal
        return Rendered(b"RIFF painted", "image/webp", 160, 120, 80, self.effort)


class Studio:
    """A deriver of one worker process, with its clock in hand."""

    def __init__(
        self, folder: Path, store: MemoryStore | None = None, stripes: int = 4_096
    ) -> None:
        self.store = store or MemoryStore()
        self.painter = Painter()
        self.now = 1_000.0
        self.levels = Levels(
            MemoryCache(1 << 20),
            DiskCache(folder / "cache", 1 << 26),
            Stripes(folder / "locks", count=stripes),
            Stripes(folder / "locks" / "sources", count=stripes),
        )
        originals = Originals(self.levels, lambda _: self.store, _dress)
        shelf = Shelf(self.levels, originals, _dress)
        self.deriver = Deriver(self.levels, originals, self.painter, shelf, lambda: self.now)

    def put(self, body: bytes = JPEG) -> Document:
        stored = self.store.put("documents", "a.jpg", body)
        ref = DocumentRef("clinic", "documents", "a.jpg")
        return describe(ref, stored, self.store.kind, body[:4096])

    def make(self, document: Document, rendition: Product = SMALL_WEBP) -> tuple[Ready, bool]:
        return asyncio.run(self.deriver.ready(document, rendition))


def _dress(representation: Representation) -> Ready:
    return ready(representation, ZONE, corp="same-site")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    yield from _opened(Studio(tmp_path))


@pytest.fixture
def sibling(tmp_path: Path, studio: Studio) -> Iterator[Studio]:
    """A second worker process on the same store and folder."""
    yield from _opened(Studio(tmp_path, studio.store))


def _opened(studio: Studio) -> Iterator[Studio]:
    yield studio
    asyncio.run(studio.levels.disk.aclose())


def test_a_rendition_is_made_of_the_original_and_then_near(studio: Studio) -> None:
    document = studio.put()
    assert studio.deriver.near(document, SMALL_WEBP) is None
    made, hit = studio.make(document)
    assert (made.representation.body, hit) == (b"RIFF painted", False)
    assert made.representation.media.text == b"image/webp"
    assert made.representation.filename == "a w160.webp"
    assert studio.painter.sources == [JPEG]
    assert studio.make(document) == (made, True)
    assert studio.deriver.near(document, SMALL_WEBP) is made


def test_a_hundred_cold_requests_cost_one_render(studio: Studio, sibling: Studio) -> None:
    document = studio.put()

    async def ask() -> list[tuple[Ready, bool]]:
        return await asyncio.gather(
            *(
                each.deriver.ready(document, SMALL_WEBP)
                for each in (studio, sibling)
                for _ in range(100)
            )
        )

    etags = {made.representation.etag for made, _ in asyncio.run(ask())}
    assert len(etags) == 1
    assert len(studio.painter.sources) + len(sibling.painter.sources) == 1


def test_another_process_finds_it_on_disk(studio: Studio, sibling: Studio) -> None:
    document = studio.put()
    made, _ = studio.make(document)
    studio.store.fault = StoreUnavailable()
    found, hit = sibling.make(document)
    assert hit
    assert sibling.painter.sources == []
    assert found.representation == made.representation


def test_each_version_page_size_and_format_is_its_own(studio: Studio) -> None:
    document = studio.put()
    etags = {
        studio.make(document, rendition)[0].representation.etag
        for rendition in (
            SMALL_WEBP,
            replace(SMALL_WEBP, width=320),
            replace(SMALL_WEBP, format="avif"),
            replace(SMALL_WEBP, page=2),
        )
    }
    etags.add(studio.make(studio.put(JPEG + b"2"))[0].representation.etag)
    assert len(etags) == 5
    assert len(studio.painter.sources) == 5


def test_the_etag_tells_the_engines_effort(studio: Studio, tmp_path: Path) -> None:
    document = studio.put()
    first, _ = studio.make(document)
    later = Studio(tmp_path / "elsewhere", studio.store)
    later.painter.effort = "m6"
    better, _ = later.make(document)
    asyncio.run(later.levels.disk.aclose())
    assert better.representation.body == first.representation.body
    assert better.representation.etag != first.representation.etag


def test_a_bad_source_is_left_alone_for_a_while(studio: Studio, sibling: Studio) -> None:
    document = studio.put()
    studio.painter.refusal = BrokenSource("damaged")
    with pytest.raises(BrokenSource):
        studio.make(document)
    studio.now += POISONED_FOR - 0.1
    for rendition in (SMALL_WEBP, replace(SMALL_WEBP, width=320)):
        with pytest.raises(DocumentBroken, match="damaged"):
            studio.make(document, rendition)
    assert len(studio.painter.sources) == 1
    studio.now += 0.1
    studio.painter.refusal = None
    assert studio.make(document)[0].representation.body


def test_what_was_made_before_a_source_turned_out_bad_is_still_given(
    studio: Studio, sibling: Studio
) -> None:
    document = studio.put()
    made, _ = studio.make(document)
    sibling.painter.refusal = WorkerLost("timeout")
    with pytest.raises(WorkerLost):
        sibling.make(document, Rendition(width=320, format="webp"))
    found, hit = sibling.make(document)
    assert (found.representation.body, hit) == (made.representation.body, True)


def test_other_pages_and_versions_of_a_bad_source_are_still_tried(studio: Studio) -> None:
    document = studio.put()
    studio.painter.refusal = BrokenSource("timeout")
    with pytest.raises(BrokenSource):
        studio.make(document, replace(SMALL_WEBP, page=1))
    studio.painter.refusal = None
    assert studio.make(document, replace(SMALL_WEBP, page=2))[0].representation.body
    mended = studio.put(JPEG + b"mended")
    assert studio.make(mended, replace(SMALL_WEBP, page=1))[0].representation.body


def test_a_document_that_costs_workers_on_several_pages_is_left_alone(studio: Studio) -> None:
    document = studio.put()
    studio.painter.refusal = WorkerLost("timeout")
    for page in range(1, 9):
        with pytest.raises((WorkerLost, DocumentBroken)):
            studio.make(document, replace(SMALL_WEBP, page=page))
    assert len(studio.painter.sources) == LOSSES
    studio.painter.refusal = None
    studio.now += POISONED_FOR
    assert studio.make(document)[0].representation.body, "in time it is tried again"


def test_one_document_leaves_workers_to_the_others(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.making.derive.PATIENCE", 0.05)
    document = studio.put()
    pages = [replace(SMALL_WEBP, page=page) for page in range(1, 10)]

    async def crowd() -> list[object]:
        studio.painter.gate = asyncio.Event()
        asking = [asyncio.create_task(studio.deriver.ready(document, page)) for page in pages]
        await asyncio.wait(asking, return_when=asyncio.FIRST_EXCEPTION)
        assert len(studio.painter.sources) == ABREAST
        studio.painter.gate.set()
        return await asyncio.gather(*asking, return_exceptions=True)

    told = asyncio.run(crowd())
    assert sum(isinstance(one, Overloaded) for one in told) == len(pages) - ABREAST
    assert studio.make(document, pages[-1])[0].representation.body, "turns are given back"


def test_a_page_past_the_end_is_asked_for_once(studio: Studio) -> None:
    document = studio.put()
    studio.painter.refusal = PageMissing(3)
    for page in (9_999, 4, 5):
        with pytest.raises(PageMissing) as missing:
            studio.make(document, replace(SMALL_WEBP, page=page))
        assert missing.value.pages == 3
    assert len(studio.painter.sources) == 1
    studio.painter.refusal = None
    for page in (0, 3):
        assert studio.make(document, replace(SMALL_WEBP, page=page))[0].representation.body
    longer = studio.put(JPEG + b"!")
    assert studio.make(longer, replace(SMALL_WEBP, page=4))[0].representation.body


def test_what_is_known_of_bad_sources_is_bounded(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.making.derive.POISONED", 1)
    documents = [studio.put(JPEG + bytes([number])) for number in (1, 2)]
    late = replace(SMALL_WEBP, page=4)
    studio.painter.refusal = PageMissing(3)
    for document in (*documents, documents[1], documents[0]):
        studio.store.put("documents", "a.jpg", b"")
        studio.deriver._originals.keep(document, JPEG)
        with pytest.raises(PageMissing):
            studio.make(document, late)
    assert len(studio.painter.sources) == 3, "the newest is known, the one before is asked again"


def test_more_sources_than_fit_into_memory_are_told_to_come_again(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = studio.put()
    monkeypatch.setattr(studio.deriver, "_sources", ByteBudget(document.size - 1))
    with pytest.raises(Overloaded):
        studio.make(document)
    assert studio.store.opened == 0
    monkeypatch.setattr(studio.deriver, "_sources", ByteBudget(document.size))
    for width in (160, 320):
        rendition = replace(SMALL_WEBP, width=width)
        assert studio.make(document, rendition)[0].representation.body, "room is given back"


def test_a_remote_source_is_fetched_while_its_renditions_lock_is_held(tmp_path: Path) -> None:
    class Remote(MemoryStore):
        local = False

    studio = Studio(tmp_path, Remote(), stripes=1)
    document = studio.put(JPEG + bytes(SMALL))

    async def soon() -> Ready:
        async with asyncio.timeout(10):
            return (await studio.deriver.ready(document, SMALL_WEBP))[0]

    try:
        assert asyncio.run(soon()).representation.body
    finally:
        asyncio.run(studio.levels.disk.aclose())


@pytest.mark.parametrize("refusal", [PageMissing(3), PoolBusy()])
def test_what_is_not_the_sources_fault_is_tried_again(
    studio: Studio, refusal: ImagingError
) -> None:
    document = studio.put()
    studio.painter.refusal = refusal
    for tries in (1, 2):
        with pytest.raises(type(refusal)):
            studio.make(document)
        assert len(studio.painter.sources) == tries


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"", "empty"), (b"plain text", "unsupported"), (b"PK\x03\x04" + bytes(60), "unsupported")],
)
def test_what_can_not_be_shown_is_refused_before_any_work(
    studio: Studio, body: bytes, reason: str
) -> None:
    with pytest.raises(DocumentBroken) as refused:
        studio.make(studio.put(body))
    assert refused.value.reason == reason
    assert (studio.store.opened, studio.painter.sources) == (0, [])


def test_a_source_that_is_too_large_is_not_read(studio: Studio) -> None:
    with pytest.raises(DocumentBroken, match="too-large"):
        studio.make(replace(studio.put(), size=SOURCE_LIMIT + 1))
    assert studio.store.opened == 0


def test_a_store_that_is_down_poisons_nothing(studio: Studio) -> None:
    document = studio.put()
    studio.store.fault = StoreUnavailable()
    with pytest.raises(StoreUnavailable):
        studio.make(document)
    studio.store.fault = None
    assert studio.make(document)[0].representation.body


LETTER = b"%PDF-1.4\n" + bytes(100)
LINEAR, TEXT = Conversion(), Conversion(1)


def test_a_copy_and_texts_are_made_once_for_all(studio: Studio, sibling: Studio) -> None:
    document = studio.put(LETTER)

    async def ask(product: Conversion) -> set[bytes | None]:
        made = await asyncio.gather(
            *(
                each.deriver.ready(document, product)
                for each in (studio, sibling)
                for _ in range(50)
            )
        )
        return {one.representation.body for one, _ in made}

    assert asyncio.run(ask(LINEAR)) == {b"%PDF lined"}
    assert asyncio.run(ask(TEXT)) == {b"read"}
    assert len(studio.painter.sources) + len(sibling.painter.sources) == 2


@pytest.mark.parametrize(("product", "reason"), [(LINEAR, "unsupported"), (TEXT, "no-text")])
def test_what_is_no_pdf_is_not_read_for_it(
    studio: Studio, product: Conversion, reason: str
) -> None:
    with pytest.raises(DocumentBroken, match=reason):
        studio.make(studio.put(JPEG), product)
    with pytest.raises(DocumentBroken, match="empty"):
        studio.make(studio.put(b""), product)
    assert (studio.painter.sources, studio.store.opened) == ([], 0)


def test_a_document_that_can_not_be_linearised_is_still_drawn_and_read(studio: Studio) -> None:
    document = studio.put(LETTER)
    studio.painter.refusal = BrokenSource("encrypted")
    with pytest.raises(BrokenSource):
        studio.make(document, LINEAR)
    studio.painter.refusal = None
    with pytest.raises(DocumentBroken, match="encrypted"):
        studio.make(document, LINEAR)
    for product in (TEXT, SMALL_WEBP, replace(SMALL_WEBP, page=1)):
        assert studio.make(document, product)[0].representation.body


def test_text_past_the_end_is_asked_for_once(studio: Studio) -> None:
    document = studio.put(LETTER)
    studio.painter.refusal = PageMissing(3)
    for page in (9, 4, 5):
        with pytest.raises(PageMissing):
            studio.make(document, Conversion(page))
    assert len(studio.painter.sources) == 1


def test_a_linearised_source_is_not_read_whatever_its_size(studio: Studio) -> None:
    head = b"%%PDF-1.4\n7 0 obj\n<</Linearized 1/L %d>>"
    small = studio.put(head % 39)
    assert small.size == 39
    assert studio.make(small, LINEAR)[0].representation.size == 39
    huge = studio.put((head % (SOURCE_LIMIT + 1)).ljust(SMALL + 1))
    huge = replace(huge, size=SOURCE_LIMIT + 1)
    made, _ = studio.make(huge, LINEAR)
    assert (made.representation.size, made.representation.body) == (huge.size, None)
    assert studio.make(huge, LINEAR)[1], "it is remembered"
    assert studio.painter.sources == []


def test_too_large_a_source_is_not_linearised(studio: Studio) -> None:
    document = replace(studio.put(LETTER.ljust(SMALL + 1)), size=SOURCE_LIMIT + 1)
    with pytest.raises(DocumentBroken, match="too-large"):
        studio.make(document, LINEAR)
    with pytest.raises(DocumentBroken, match="too-large"):
        studio.make(document, TEXT)
    assert studio.painter.sources == []


def test_a_source_that_is_kept_is_sent_itself(studio: Studio) -> None:
    studio.painter.keeps = True
    document = studio.put(LETTER)
    made, hit = studio.make(document, LINEAR)
    assert (made.representation.body, hit) == (LETTER, False)
    assert studio.make(document, LINEAR)[1]
    assert len(studio.painter.sources) == 1


def test_a_copy_needs_room_for_itself_too(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    document = studio.put(LETTER)
    monkeypatch.setattr(studio.deriver, "_sources", ByteBudget(3 * document.size - 1))
    with pytest.raises(Overloaded):
        studio.make(document, LINEAR)
    assert studio.make(document, TEXT)[0].representation.body
    monkeypatch.setattr(studio.deriver, "_sources", ByteBudget(3 * document.size))
    assert studio.make(document, LINEAR)[0].representation.body


def test_each_kind_is_timed_by_its_name(tmp_path: Path) -> None:
    studio, seen = Studio(tmp_path), []
    studio.deriver._observe = lambda kind, seconds: seen.append(kind)
    document = studio.put(LETTER)
    for product in (LINEAR, TEXT, SMALL_WEBP, replace(SMALL_WEBP, page=1)):
        studio.make(document, product)
    assert seen == ["linear", "text", "image", "page"]
    asyncio.run(studio.levels.disk.aclose())
