"""What is known of a document's versions: measured, learnt from pictures, each kept beside."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.caches.disk import DiskCache
from gateway.catalogue import describe
from gateway.documents import Document, DocumentRef
from gateway.making.measurements import UNKNOWN, Measured, Measurements
from gateway.stores.memory import MemoryStore
from imaging.rendered import Rendered

MADE = Rendered(b"RIFF", "image/webp", 640, 480, 78, "m4", b"\xd7hash", (4000, 3000))


class Book:
    """Measurements of one document on a disk."""

    def __init__(self, disk: DiskCache) -> None:
        store = MemoryStore()
        stored = store.put("documents", "a", b"%PDF-1.7")
        self.document: Document = describe(
            DocumentRef("clinic", "documents", "a"), stored, store.kind, b"%PDF-1.7"
        )
        self.measurements = Measurements(disk)

    def known(self) -> Measured:
        return asyncio.run(self.measurements.known(self.document))

    def note(self, measured: Measured) -> Measured:
        return asyncio.run(self.measurements.note(self.document, measured))

    def learn(self, made: Rendered) -> None:
        asyncio.run(self.measurements.learn(self.document, made))


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    disk = DiskCache(tmp_path, 1 << 20)
    yield Book(disk)
    asyncio.run(disk.aclose())


def test_nothing_is_known_at_first(book: Book) -> None:
    assert book.known() == UNKNOWN


def test_what_was_noted_is_known(book: Book) -> None:
    measured = Measured(None, None, 2, ((595.28, 841.89), (0, 0)), "", b"hash")
    assert book.note(measured) == measured
    assert book.known() == measured


def test_a_picture_tells_placeholder_and_true_size(book: Book) -> None:
    book.learn(MADE)
    assert book.known() == Measured(4000, 3000, placeholder=b"\xd7hash")


def test_a_page_without_pixels_tells_its_placeholder_alone(book: Book) -> None:
    book.learn(replace(MADE, source=(0, 0)))
    assert book.known() == Measured(placeholder=b"\xd7hash")


def test_a_picture_without_a_placeholder_tells_nothing(book: Book) -> None:
    book.learn(replace(MADE, placeholder=b""))
    assert book.known() == UNKNOWN


def test_the_first_picture_counts(book: Book) -> None:
    book.learn(MADE)
    book.learn(replace(MADE, placeholder=b"other", source=(1, 1)))
    assert book.known() == Measured(4000, 3000, placeholder=b"\xd7hash")


def test_what_was_measured_before_stays(book: Book) -> None:
    measured = Measured(800, 600, 3, ((800, 600),) * 3)
    book.note(measured)
    book.learn(MADE)
    assert book.known() == replace(measured, placeholder=b"\xd7hash")


def test_what_is_measured_later_comes_beside_the_placeholder(book: Book) -> None:
    book.learn(replace(MADE, source=(0, 0)))
    pages = Measured(None, None, 2, ((595, 842), (595, 842)))
    assert book.note(pages) == book.known() == replace(pages, placeholder=b"\xd7hash")


def test_what_a_picture_was_made_of_is_not_broken(book: Book) -> None:
    broken = Measured(broken="truncated")
    book.note(broken)
    book.learn(MADE)
    shown = Measured(4000, 3000, placeholder=b"\xd7hash")
    assert book.known() == shown
    assert book.note(broken) == book.known() == shown


def test_another_version_is_another_document(book: Book) -> None:
    book.learn(MADE)
    book.document = replace(book.document, version="x" * 22)
    assert book.known() == UNKNOWN
