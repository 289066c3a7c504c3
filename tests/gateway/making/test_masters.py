"""What spares a rendition its source belongs to one version of one document."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.caches.disk import DiskCache
from gateway.catalogue import describe
from gateway.documents import Document, DocumentRef
from gateway.making.masters import Masters
from gateway.stores.memory import MemoryStore
from imaging.errors import BrokenSource, PoolBusy, WorkerLost
from imaging.masters.masters import NO_MASTER, Master
from imaging.names.areas import Area
from imaging.names.redactions import Box, Redaction
from imaging.names.renditions import Rendition, parse_spec
from imaging.rendered import Rendered

HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1" + bytes(100)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(100)
MASTER = Master(b"\xff\xd8\xff a master", 2048, 1536, (4032.0, 3024.0))
WEBP = Rendition(width=160, format="webp")


class Press:
    """A printer that notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.names: set[str] = set()
        self.kept: dict[str, Rendered] = {}
        self.leaves: Master = MASTER
        self.pushy = False
        self.refusal: Exception | None = None

    async def render(
        self, source: bytes, rendition: Rendition, of: str = "", *, develop: bool = False
    ) -> Rendered:
        self.asked.append(("render", rendition.spec, develop))
        self.names.add(of)
        await asyncio.sleep(0)
        return replace(painted("m4"), master=self.leaves if develop or self.pushy else NO_MASTER)

    async def recall(self, rendition: Rendition, of: str) -> Rendered | None:
        return self.kept.get(of)

    async def reprint(
        self, master: Master, rendition: Rendition, of: str, origin: tuple[str, int]
    ) -> Rendered:
        self.asked.append(("reprint", rendition.spec, master, origin))
        self.names.add(of)
        if self.refusal:
            raise self.refusal
        return painted("m4-master")


def painted(effort: str) -> Rendered:
    return Rendered(b"RIFF", "image/webp", 160, 120, 78, effort)


class Studio:
    def __init__(self, folder: Path) -> None:
        self.disk = DiskCache(folder, 1 << 26)
        self.press = Press()
        self.masters = Masters(self.disk, self.press)

    async def make(self, document: Document, rendition: Rendition) -> Rendered:
        printed = await self.masters.printed(document, rendition)
        return printed or await self.masters.rendered(document, rendition, b"source")

    def made(self, document: Document, *renditions: Rendition) -> list[str]:
        return [asyncio.run(self.make(document, each)).effort for each in renditions]


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    studio = Studio(tmp_path)
    yield studio
    asyncio.run(studio.disk.aclose())


def document(body: bytes = HEIC, key: str = "a") -> Document:
    store = MemoryStore()
    ref = DocumentRef("clinic", "documents", key)
    return describe(ref, store.put("documents", key, body), store.kind, body)


def test_later_renditions_are_made_of_the_master(studio: Studio) -> None:
    photo = document()
    wide = replace(WEBP, width=1280)
    assert studio.made(photo, WEBP, wide) == ["m4", "m4-master"]
    origin = ("image/heic", photo.size)
    assert studio.press.asked == [
        ("render", "w160-webp", True),
        ("reprint", "w1280-webp", MASTER, origin),
    ]
    assert len(studio.press.names) == 1
    assert photo.id not in studio.press.names, "nobody can choose the name"


def test_another_process_finds_the_master(studio: Studio) -> None:
    studio.made(document(), WEBP)
    sibling = Masters(studio.disk, studio.press)
    made = asyncio.run(sibling.printed(document(), replace(WEBP, width=320)))
    assert made is not None


def test_a_master_is_no_other_versions_documents_pages_or_windows(studio: Studio) -> None:
    studio.made(document(), WEBP)
    assert studio.made(document(HEIC + b"2"), WEBP) == ["m4"]
    assert studio.made(document(key="b"), WEBP) == ["m4"]
    assert studio.made(document(), replace(WEBP, page=1)) == ["m4-master"], "page one is the first"
    assert studio.made(document(), replace(WEBP, page=2)) == ["m4"]
    assert studio.made(document(), parse_spec("w160-win40_400")) == ["m4"]
    assert len(studio.press.names) == 3, "a name for each version of each document"


def test_what_is_larger_than_the_master_is_made_of_the_source(studio: Studio) -> None:
    photo = document()
    studio.made(photo, WEBP)
    assert studio.made(photo, replace(WEBP, width=2560)) == ["m4"]
    assert studio.press.asked[-1] == ("render", "w2560-webp", False)


@pytest.mark.parametrize("spec", ["full", "w160-c0_0_500_500", "w160-h160-cover-gsm"])
def test_some_neither_leave_a_master_nor_come_of_one(studio: Studio, spec: str) -> None:
    photo = document()
    studio.made(photo, WEBP)
    assert studio.made(photo, parse_spec(spec)) == ["m4"]
    assert studio.press.asked[-1][2] is False


def test_a_source_that_is_decoded_soon_is_asked_for_no_master(studio: Studio) -> None:
    studio.made(document(JPEG), WEBP)
    assert studio.press.asked == [("render", "w160-webp", False)]


def test_a_master_that_nobody_asked_for_is_not_kept(studio: Studio) -> None:
    studio.press.pushy = True
    hidden = Redaction("face", 3, (Box(Area(0, 0, 500, 500)),))
    photo = document()
    assert studio.made(photo, replace(WEBP, redaction=hidden)) == ["m4"]
    assert asyncio.run(studio.masters.printed(photo, WEBP)) is None


def test_whoever_comes_meanwhile_waits_for_the_master(studio: Studio) -> None:
    photo = document()
    rungs = [replace(WEBP, width=width) for width in (160, 320, 640, 960)]

    async def ask() -> list[Rendered]:
        return await asyncio.gather(*(studio.make(photo, rung) for rung in rungs))

    asyncio.run(ask())
    assert [one[0] for one in studio.press.asked] == ["render", "reprint", "reprint", "reprint"]


def test_a_page_that_leaves_none_is_asked_for_one_once(studio: Studio) -> None:
    studio.press.leaves = NO_MASTER
    assert studio.made(document(), parse_spec("h160-webp"), WEBP, WEBP) == ["m4"] * 3
    wanted = [one[2] for one in studio.press.asked]
    assert wanted == [True, True, False], "only a rung tells it for certain"
    studio.made(document(), replace(WEBP, page=2))
    assert studio.press.asked[-1][2] is True


def test_what_is_known_of_such_pages_is_bounded(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.making.masters._BARE", 1)
    studio.press.leaves = NO_MASTER
    for page in (1, 2, 2, 1):
        studio.made(document(), replace(WEBP, page=page))
    assert [one[2] for one in studio.press.asked] == [True, True, False, True]


def test_what_a_worker_keeps_comes_first(studio: Studio) -> None:
    photo = document()
    studio.made(photo, WEBP)
    studio.press.kept = {name: painted("kept") for name in studio.press.names}
    assert studio.made(photo, WEBP) == ["kept"]
    assert studio.made(document(HEIC + b"2"), WEBP) == ["m4"]


@pytest.mark.parametrize("refusal", [BrokenSource("damaged"), WorkerLost("timeout")])
def test_a_bad_master_is_dropped_and_the_source_asked(studio: Studio, refusal: Exception) -> None:
    photo = document()
    studio.made(photo, WEBP)
    studio.press.refusal = refusal
    wide = replace(WEBP, width=640)
    assert studio.made(photo, wide) == ["m4"]
    assert studio.press.asked[-1] == ("render", "w640-webp", True), "it leaves another"


def test_a_pool_that_is_busy_costs_no_master(studio: Studio) -> None:
    photo = document()
    studio.made(photo, WEBP)
    studio.press.refusal = PoolBusy()
    with pytest.raises(PoolBusy):
        studio.made(photo, WEBP)
    studio.press.refusal = None
    assert studio.made(photo, WEBP) == ["m4-master"]
