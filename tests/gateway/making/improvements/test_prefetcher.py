"""What is prefetched is what would be made if it were asked for, and no more than may be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from gateway.caches.coalesce import Stripes
from gateway.caches.disk import DiskCache
from gateway.caches.memory import MemoryCache
from gateway.catalogue import Catalogue
from gateway.documents import Document, DocumentRef, Zone
from gateway.errors import StoreUnavailable
from gateway.looks import Looks
from gateway.making.improvements import Prefetcher, Wishes
from gateway.making.improvements.wishes import Wish
from gateway.making.masters import Masters
from gateway.making.measurements import Measured, Measurements
from gateway.making.shelves import Shelf
from gateway.originals import Levels, Originals
from gateway.regions import Residency
from gateway.representations import Ready, Representation, ready
from gateway.rules import Rules
from gateway.state.database import Database
from gateway.state.revocations import Revocations, bump, document_scope
from gateway.stores.memory import MemoryStore
from imaging.errors import BrokenSource, ImagingError
from imaging.names.renditions import Rendition, Renditions, parse_spec
from imaging.rendered import Rendered

ZONE = Zone("clinic", "main", ("documents",), home="eu", prefetch=True)
REF = DocumentRef("clinic", "documents", "a.jpg")
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(1_000)
WEBP = parse_spec("w320-webp")
MADE = Rendered(b"RIFF made", "image/webp", 320, 240, 78, "m4")


class Painter:
    """A workshop that gives what it is told to, after something happened meanwhile."""

    def __init__(self) -> None:
        self.result = MADE
        self.refusal: ImagingError | None = None
        self.meanwhile: Any = None
        self.asked: list[Rendition] = []

    async def recall(self, rendition: Rendition, of: str) -> Rendered | None:
        return None

    async def render(
        self, source: bytes, rendition: Rendition, of: str = "", *, develop: bool = False
    ) -> Rendered:
        assert source == JPEG
        self.asked.append(rendition)
        if self.meanwhile:
            await self.meanwhile()
        if self.refusal:
            raise self.refusal
        return self.result


class Pantry:
    """Everything a prefetcher works with, in one process."""

    def __init__(self, folder: Path) -> None:
        self.store, self.now = MemoryStore(), 1_000.0
        self.database = Database.open(folder / "ostiary.db")
        self.revocations = Revocations(self.database)
        self.levels = Levels(
            MemoryCache(1 << 20, clock=lambda: self.now),
            DiskCache(folder / "cache", 1 << 26),
            Stripes(folder / "locks"),
            Stripes(folder / "locks" / "sources"),
        )
        self.originals = Originals(self.levels, lambda _: self.store, _dress)
        self.wishes = Wishes(lambda: self.now)
        self.shelf = Shelf(self.levels, self.originals, _dress, self.wishes.want)
        self.measurements = Measurements(self.levels.disk)
        self.painter = Painter()
        self.outcomes: list[str] = []
        self.catalogue = Catalogue(
            {"clinic": ZONE},
            {"main": self.store},
            Looks(self.levels.disk, self.levels.sources, 5.0),
            clock=lambda: self.now,
            keep=lambda document, body: None,
            changed=self.changed,
        )
        self.at("eu")

    def at(self, region: str) -> None:
        """Let the gateway stand in a region."""
        rules = Rules(
            {"clinic": ZONE}, cast(Any, None), Renditions(), Residency(region), self.revocations
        )
        self.prefetcher = Prefetcher(
            rules,
            self.catalogue,
            (self.originals, self.shelf, self.measurements),
            Masters(self.levels.disk, cast(Any, self.painter)),
            self.wishes,
            lambda outcome, seconds: self.outcomes.append(outcome),
            clock=lambda: self.now,
        )

    async def changed(self, ref: DocumentRef) -> None:
        pass

    async def document(self) -> Document:
        self.store.put("documents", "a.jpg", JPEG)
        return await self.catalogue.document(REF)

    async def revoke(self) -> None:
        scope = document_scope(REF)
        await self.database.write(lambda connection: bump(connection, scope, 1.0))

    async def replace(self) -> None:
        self.store.put("documents", "a.jpg", JPEG + b"another")
        self.now += 60.0

    async def remove(self) -> None:
        self.store.remove("documents", "a.jpg")
        self.now += 60.0

    async def make(self, document: Document, rendition: Rendition = WEBP) -> list[str]:
        """Fulfil a wish for it; the outcomes."""
        await self.prefetcher.make(Wish(document, rendition, self.now, "make"))
        return self.outcomes

    def close(self) -> None:
        asyncio.run(self.levels.disk.aclose())
        self.database.close()


def _dress(representation: Representation) -> Ready:
    return ready(representation, ZONE, corp="same-site")


@pytest.fixture
def pantry(tmp_path: Path) -> Iterator[Pantry]:
    pantry = Pantry(tmp_path)
    yield pantry
    pantry.close()


def test_it_is_found_with_the_octets_and_the_etag_of_what_is_asked_for(pantry: Pantry) -> None:
    async def main() -> None:
        document = await pantry.document()
        with capture_logs() as lines:
            assert await pantry.make(document) == ["made"]
        assert pantry.shelf.near(document, WEBP) is None, "memory is for what was asked for"
        assert len(pantry.wishes) == 0, "and so are improvements"
        found = await pantry.shelf.find(document, WEBP)
        assert found is not None
        assert pantry.wishes.waiting("improve") == 1
        assert pantry.wishes.waiting("make") == 0, "it has no neighbours made"
        asked = await pantry.shelf.put(document, WEBP, MADE)
        assert found.representation == asked.representation
        assert found.representation.body == MADE.body
        [line] = lines
        assert (line["event"], line["document"], line["rendition"]) == (
            "prefetched",
            document.id,
            "w320-webp",
        )
        assert "a.jpg" not in str(line)

    asyncio.run(main())


def test_what_is_there_is_not_made_again(pantry: Pantry) -> None:
    async def main() -> None:
        document = await pantry.document()
        await pantry.shelf.put(document, WEBP, MADE)
        assert await pantry.make(document) == ["needless"]
        assert pantry.painter.asked == []

    asyncio.run(main())


def test_what_was_asked_for_and_made_better_meanwhile_stays(pantry: Pantry) -> None:
    better = replace(MADE, body=b"RIFF better", effort="m6")

    async def main() -> None:
        document = await pantry.document()

        async def settled() -> None:
            await pantry.shelf.put(document, WEBP, MADE)
            await pantry.shelf.settle(document, WEBP, better)

        pantry.painter.meanwhile = settled
        assert await pantry.make(document) == ["needless"]
        found = await pantry.shelf.find(document, WEBP)
        assert found is not None
        assert found.representation.body == better.body

    asyncio.run(main())


def test_nothing_above_the_source_is_made_where_its_size_is_known(pantry: Pantry) -> None:
    async def main() -> None:
        document = await pantry.document()
        await pantry.measurements.note(document, Measured(319, 200, 1))
        assert await pantry.make(document) == ["needless"]
        assert pantry.painter.asked == []
        await pantry.measurements.note(document, Measured(320, 200, 1))
        assert await pantry.make(document) == ["needless", "made"]

    asyncio.run(main())


def test_nothing_above_the_source_is_kept_where_its_size_is_seen_only_then(pantry: Pantry) -> None:
    page = replace(WEBP, page=2)

    async def main() -> None:
        document = await pantry.document()
        await pantry.measurements.note(document, Measured(100, 100, 2))
        pantry.painter.result = replace(MADE, width=319)
        assert await pantry.make(document, page) == ["needless"]
        assert pantry.painter.asked == [page]
        assert not await pantry.shelf.holds(document, page)

    asyncio.run(main())


@pytest.mark.parametrize("happening", ["revoke", "replace", "remove"])
def test_what_was_revoked_or_replaced_before_is_not_read(pantry: Pantry, happening: str) -> None:
    async def main() -> None:
        document = await pantry.document()
        await getattr(pantry, happening)()
        assert await pantry.make(document) == ["gone"]
        assert pantry.painter.asked == []

    asyncio.run(main())


@pytest.mark.parametrize("happening", ["revoke", "replace", "remove"])
def test_what_is_revoked_or_replaced_meanwhile_is_not_kept(pantry: Pantry, happening: str) -> None:
    async def main() -> None:
        document = await pantry.document()
        pantry.painter.meanwhile = getattr(pantry, happening)
        assert await pantry.make(document) == ["gone"]
        assert pantry.painter.asked == [WEBP]
        assert not await pantry.shelf.holds(document, WEBP)

    asyncio.run(main())


def test_where_the_zone_may_not_be_nothing_is_read(pantry: Pantry) -> None:
    async def main() -> None:
        document = await pantry.document()
        pantry.at("us")
        pantry.store.fault = StoreUnavailable()  # whoever asks it anything fails
        pantry.now += 60.0
        assert await pantry.make(document) == ["gone"]
        assert pantry.painter.asked == []

    asyncio.run(main())


def test_what_fails_is_told_and_left_alone_for_a_while(pantry: Pantry) -> None:
    async def main() -> None:
        document = await pantry.document()
        pantry.painter.refusal = BrokenSource("memory")
        with capture_logs() as lines:
            assert await pantry.make(document) == ["failed"]
        assert [line["event"] for line in lines] == ["not prefetched"]
        pantry.wishes.want_made(document, WEBP, 0)
        assert len(pantry.wishes) == 0
        assert not await pantry.shelf.holds(document, WEBP)

    asyncio.run(main())


def test_a_disk_that_is_full_keeps_nothing(pantry: Pantry) -> None:
    async def main() -> None:
        document = await pantry.document()
        pantry.painter.result = replace(MADE, body=bytes(1 << 26))
        assert await pantry.make(document) == ["failed"]

    asyncio.run(main())
