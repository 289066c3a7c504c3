"""Shelves: what was made is found again, whole or in parts, and given whatever the disk does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.caches.coalesce import Stripes
from gateway.caches.disk import DiskCache
from gateway.caches.memory import MemoryCache
from gateway.catalogue import describe
from gateway.documents import Document, DocumentRef, Zone
from gateway.errors import StoreUnavailable
from gateway.making.shelves import Copy, Shelf, name_of
from gateway.originals import LOCAL_READER, SMALL, Levels, Originals
from gateway.representations import Ready, Representation, ready
from gateway.stores import CHUNK
from gateway.stores.memory import MemoryStore
from gateway.wire.ranges import ByteRange
from imaging.conversions import KEPT, PDF, TEXT, Conversion, Converted
from imaging.names.renditions import Rendition, parse_spec
from imaging.rendered import Rendered

ZONE = Zone("clinic", "main", ("documents",))
LINEAR = Conversion()
LARGE = Converted(b"%PDF" + os.urandom(SMALL + CHUNK), PDF, "qpdf-1")


class Room:
    """A shelf of one worker process."""

    def __init__(
        self,
        folder: Path,
        limit: int = 1 << 26,
        wish: Callable[[Document, Rendition], None] | None = None,
    ) -> None:
        self.store = MemoryStore()
        self.levels = Levels(
            MemoryCache(8 << 20),
            DiskCache(folder / "cache", limit),
            Stripes(folder / "locks"),
            Stripes(folder / "locks" / "sources"),
        )
        originals = Originals(self.levels, lambda _: self.store, _dress)
        self.shelf = Shelf(self.levels, originals, _dress, wish)

    def document(self, octets: int = 2 * SMALL) -> Document:
        body = b"%PDF-1.4\n".ljust(octets, b"%")
        stored = self.store.put("documents", "a.pdf", body)
        ref = DocumentRef("clinic", "documents", "a.pdf")
        return describe(ref, stored, self.store.kind, body[:4096])

    def put(self, document: Document, made: Rendered | Converted, product=LINEAR) -> Representation:
        return asyncio.run(self.shelf.put(document, product, made)).representation

    def find(self, document: Document, product=LINEAR) -> Representation | None:
        found = asyncio.run(self.shelf.find(document, product))
        return found.representation if found else None


def _dress(representation: Representation) -> Ready:
    return ready(representation, ZONE, corp="same-site")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    asyncio.run(room.levels.disk.aclose())


def streamed(made: Representation, *parts: bytes | ByteRange) -> list[bytes]:
    source = made.source
    assert source is not None

    async def read() -> list[bytes]:
        return [bytes(chunk) async for chunk in source.stream(made.document, parts)]

    return asyncio.run(read())


@pytest.mark.parametrize(
    ("product", "made"),
    [
        (LINEAR, Converted(b"%PDF small", PDF, "qpdf-1")),
        (Conversion(1), Converted(b"", TEXT, "pdfium-1")),
        (Conversion(1), Converted(b"x" * SMALL, TEXT, "pdfium-1")),
        (Rendition(width=160, format="webp"), Rendered(b"RIFF", "image/webp", 1, 1, 80, "m4")),
    ],
)
def test_what_is_small_is_found_in_memory_and_on_disk(room: Room, product, made) -> None:
    document = room.document()
    assert room.find(document, product) is None
    put = room.put(document, made, product)
    assert (put.body, put.size, put.final) == (made.body, len(made.body), True)
    assert put.media.text == made.media_type.encode()
    assert put.media.pdf == (made.media_type == PDF)
    assert room.find(document, product) == put
    if len(made.body) < SMALL:
        near = room.shelf.near(document, product)
        assert near is not None
        assert near.representation == put


def test_what_is_large_is_never_held_whole(room: Room) -> None:
    document = room.document()
    put = room.put(document, LARGE)
    assert (put.body, put.size) == (None, len(LARGE.body))
    assert put.source == Copy(room.levels.disk, name_of(document, LINEAR))
    assert room.shelf.near(document, LINEAR) is None
    assert room.find(document) == put
    assert put.source.cost(document) == LOCAL_READER


def test_parts_of_a_copy_come_in_order_and_in_chunks(room: Room) -> None:
    made = room.put(room.document(), LARGE)
    size = len(LARGE.body)
    chunks = streamed(made, ByteRange(0, size - 1))
    assert b"".join(chunks) == LARGE.body
    assert max(map(len, chunks)) == CHUNK
    told = streamed(made, b"--a\r\n", ByteRange(5, 9), b"--b\r\n", ByteRange(size - 1, size - 1))
    assert told == [b"--a\r\n", LARGE.body[5:10], b"--b\r\n", LARGE.body[-1:]]


def test_a_copy_that_the_disk_lost_is_no_shortened_body(room: Room) -> None:
    document = room.document()
    made = room.put(document, LARGE)
    asyncio.run(room.levels.disk.drop(name_of(document, LINEAR)))
    with pytest.raises(StoreUnavailable):
        streamed(made, ByteRange(0, 9))
    assert room.find(document) is None


@pytest.mark.parametrize("octets", [100, 2 * SMALL])
def test_a_kept_source_is_its_own_copy(room: Room, octets: int) -> None:
    document = room.document(octets)
    put = room.put(document, KEPT)
    assert (put.size, put.source, put.final) == (document.size, None, True)
    assert (put.body is None) == (octets > SMALL), "what is large comes from its store"
    assert put.etag.strip(b'"') != document.etag.encode()
    found = room.find(document)
    assert found is not None
    assert (found.etag, found.size, found.body) == (put.etag, put.size, put.body)
    assert room.put(document, LARGE).etag != put.etag


def test_a_full_disk_has_the_original_stand_in_for_now(tmp_path: Path) -> None:
    room = Room(tmp_path, limit=SMALL)
    document = room.document()
    put = room.put(document, LARGE)
    assert (put.body, put.source, put.size, put.final) == (None, None, document.size, False)
    assert room.find(document) is None, "the next one tries again"
    asyncio.run(room.levels.disk.aclose())


def test_other_versions_and_engines_have_other_etags(room: Room) -> None:
    document = room.document()
    etags = {
        room.put(one, made).etag
        for one in (document, room.document(3 * SMALL))
        for made in (LARGE, Converted(LARGE.body, PDF, "qpdf-2"), KEPT)
    }
    assert len(etags) == 6


def test_a_linearised_copy_is_saved_under_the_documents_name(room: Room) -> None:
    document = room.document()
    assert room.put(document, LARGE).filename == "a.pdf"
    text = Converted(b"x", TEXT, "pdfium-1")
    assert room.put(document, text, Conversion(3)).filename == "a p3.txt"


@pytest.mark.parametrize(
    ("spec", "effort", "final"),
    [
        ("w160-webp", "m4", False),
        ("w160-jpeg", "op", False),
        ("w160-webp", "m6", True),
        ("w160-webp", "greys16", True),
        ("w160-webp", "m2-moving", True),
        ("w160-q50-webp", "m4", True),
    ],
)
def test_a_first_answer_is_wished_for_each_time_it_is_given(
    tmp_path: Path, spec: str, effort: str, final: bool
) -> None:
    wished: list[str] = []
    room = Room(tmp_path, wish=lambda document, rendition: wished.append(rendition.spec))
    document, rendition = room.document(), parse_spec(spec)
    made = Rendered(b"RIFF", "image/webp", 160, 120, 78, effort)
    assert room.put(document, made, rendition).final == final
    near = room.shelf.near(document, rendition)
    assert near is not None
    assert near.representation.final == final
    room.levels.memory.clear()
    found = room.find(document, rendition)
    assert found is not None
    assert found.final == final
    assert wished == ([] if final else [spec] * 3)
    asyncio.run(room.levels.disk.aclose())


def test_what_is_not_there_can_not_be_settled(room: Room) -> None:
    rendition = parse_spec("w160-webp")
    assert asyncio.run(room.shelf.settle(room.document(), rendition)) is None


def test_without_anybody_to_improve_it_a_first_answer_is_final(room: Room) -> None:
    made = Rendered(b"RIFF", "image/webp", 160, 120, 78, "m4")
    assert room.put(room.document(), made, parse_spec("w160-webp")).final


def test_what_is_laid_by_is_on_disk_alone_and_wished_for_when_it_is_given(tmp_path: Path) -> None:
    wished: list[str] = []
    room = Room(tmp_path, wish=lambda document, rendition: wished.append(rendition.spec))
    document, rendition = room.document(), parse_spec("w160-webp")
    made = Rendered(b"RIFF", "image/webp", 160, 120, 78, "m4")
    assert not asyncio.run(room.shelf.holds(document, rendition))
    assert asyncio.run(room.shelf.lay_by(document, rendition, made))
    assert asyncio.run(room.shelf.holds(document, rendition))
    assert room.shelf.near(document, rendition) is None
    assert wished == []
    found = room.find(document, rendition)
    assert found is not None
    assert not found.final
    assert wished == ["w160-webp"]
    assert found == room.put(document, made, rendition)
    asyncio.run(room.levels.disk.aclose())
