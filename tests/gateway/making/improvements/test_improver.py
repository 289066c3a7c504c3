"""The improver replaces first answers in place, one at a time, and lets nobody wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.caches.coalesce import Stripes
from gateway.caches.disk import DiskCache
from gateway.caches.memory import MemoryCache
from gateway.catalogue import describe
from gateway.documents import Document, DocumentRef, Zone
from gateway.errors import StateUnavailable, StoreUnavailable
from gateway.making.improvements import Improver, Pacing, Wishes
from gateway.making.improvements.wishes import Wish
from gateway.making.shelves import PROVISIONAL, Shelf
from gateway.originals import Levels, Originals
from gateway.representations import Ready, Representation, ready
from gateway.state.filelock import FileLock
from gateway.stores.memory import MemoryStore
from imaging.errors import BrokenSource, ImagingError, PageMissing, PoolBusy, WorkerLost
from imaging.names.renditions import Rendition, parse_spec
from imaging.rendered import Rendered

ZONE = Zone("clinic", "main", ("documents",))
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(1_000)
WEBP = parse_spec("w160-webp")
FIRST = Rendered(b"RIFF first answer", "image/webp", 160, 120, 78, "m4")
BETTER = Rendered(b"RIFF better", "image/webp", 160, 120, 64, "m6")
QUICK = Pacing(grace=0.0, poll=0.001, idle=0.05, gather=0.0, longest=0.0)


class Bench:
    """A workshop that gives what it is told to."""

    def __init__(self) -> None:
        self.result: Rendered = BETTER
        self.refusal: ImagingError | None = None
        self.asked: list[tuple[bytes, Rendition]] = []
        self.rests = 0
        self.closed = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def improve(self, source: bytes, rendition: Rendition) -> Rendered:
        self.asked.append((source, rendition))
        await self.gate.wait()
        if self.refusal:
            raise self.refusal
        return self.result

    async def rest(self) -> None:
        self.rests += 1

    async def aclose(self) -> None:
        self.closed = True


class Atelier:
    """One process with a shelf and an improver; others may share its folder."""

    def __init__(self, folder: Path, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.now = 1_000.0
        self.levels = Levels(
            MemoryCache(1 << 20, clock=lambda: self.now),
            DiskCache(folder / "cache", 1 << 26),
            Stripes(folder / "locks"),
            Stripes(folder / "locks" / "sources"),
        )
        self.originals = Originals(self.levels, lambda _: self.store, _dress)
        self.wishes = Wishes(lambda: self.now)
        self.shelf = Shelf(self.levels, self.originals, _dress, self.wishes.want)
        self.bench = Bench()
        self.busy = False
        self.told: list[DocumentRef] = []
        self.fault: StateUnavailable | None = None
        self.outcomes: list[str] = []
        self.made: list[Wish] = []
        self.improver = Improver(
            self.wishes,
            self.shelf,
            self.originals,
            self.bench,
            folder / "improver.lock",
            busy=lambda: self.busy,
            announce=self.announce,
            make=self.make,
            observe=lambda outcome, seconds: self.outcomes.append(outcome),
            clock=lambda: self.now,
        )

    async def announce(self, refs: Sequence[DocumentRef]) -> None:
        if self.fault:
            fault, self.fault = self.fault, None
            raise fault
        self.told += refs

    async def make(self, wish: Wish) -> None:
        self.made.append(wish)

    def put(self, key: str = "a.jpg", body: bytes = JPEG) -> Document:
        stored = self.store.put("documents", key, body)
        ref = DocumentRef("clinic", "documents", key)
        return describe(ref, stored, self.store.kind, body[:4096])

    async def found(self, document: Document) -> Representation:
        """What this process would send."""
        near = self.shelf.near(document, WEBP) or await self.shelf.find(document, WEBP)
        assert near is not None
        return near.representation

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        work = asyncio.create_task(self.improver.run())
        try:
            yield
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


def _dress(representation: Representation) -> Ready:
    return ready(representation, ZONE, corp="same-site")


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "not in 20 s"
        await asyncio.sleep(0.002)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.making.improvements.improver.PACING", QUICK)


@pytest.fixture
def atelier(tmp_path: Path) -> Iterator[Atelier]:
    atelier = Atelier(tmp_path)
    yield atelier
    asyncio.run(atelier.levels.disk.aclose())


def test_a_first_answer_gives_way_to_a_better_one_under_another_etag(atelier: Atelier) -> None:
    async def main() -> None:
        document = atelier.put()
        first = (await atelier.shelf.put(document, WEBP, FIRST)).representation
        assert not first.final
        with capture_logs() as lines:
            async with atelier.running():
                await until(lambda: bool(atelier.told))
        better = await atelier.found(document)
        assert (better.body, better.final) == (BETTER.body, True)
        assert better.etag != first.etag
        assert atelier.bench.asked == [(JPEG, WEBP)]
        assert (atelier.told, atelier.outcomes) == ([document.ref], ["better"])
        [line] = lines
        assert (line["document"], line["rendition"]) == (document.id, "w160-webp")
        assert (line["before"], line["after"]) == (len(FIRST.body), len(BETTER.body))
        assert "a.jpg" not in str(line)

    asyncio.run(main())


def test_without_a_better_one_the_first_is_final_and_nobody_is_told(atelier: Atelier) -> None:
    async def main() -> None:
        document = atelier.put()
        atelier.bench.result = FIRST
        first = (await atelier.shelf.put(document, WEBP, FIRST)).representation
        async with atelier.running():
            await until(lambda: bool(atelier.outcomes))
            await until(lambda: atelier.bench.rests > 0)
        kept = await atelier.found(document)
        assert (kept.etag, kept.body, kept.final) == (first.etag, FIRST.body, True)
        assert (atelier.told, atelier.outcomes) == ([], ["kept"])
        assert len(atelier.wishes) == 0

    asyncio.run(main())


def test_a_print_of_a_master_stays_where_its_page_looks_no_better(atelier: Atelier) -> None:
    async def main() -> None:
        document = atelier.put()
        atelier.bench.result = replace(FIRST, body=b"RIFF as the page would be")
        first = await atelier.shelf.put(document, WEBP, replace(FIRST, effort="m4-master"))
        async with atelier.running():
            await until(lambda: bool(atelier.outcomes))
        kept = await atelier.found(document)
        assert (kept.etag, kept.body) == (first.representation.etag, FIRST.body)
        assert (kept.final, atelier.outcomes, atelier.told) == (True, ["kept"], [])

    asyncio.run(main())


@pytest.mark.parametrize("refusal", [BrokenSource("memory"), WorkerLost("timeout"), PageMissing(1)])
def test_what_can_not_be_improved_is_final(atelier: Atelier, refusal: ImagingError) -> None:
    async def main() -> None:
        document = atelier.put()
        atelier.bench.refusal = refusal
        first = (await atelier.shelf.put(document, WEBP, FIRST)).representation
        async with atelier.running():
            await until(lambda: bool(atelier.outcomes))
        kept = await atelier.found(document)
        assert (kept.etag, kept.body, kept.final) == (first.etag, FIRST.body, True)
        assert atelier.outcomes == ["kept"]

    asyncio.run(main())


@pytest.mark.parametrize("refusal", [WorkerLost("crash"), PoolBusy()])
def test_a_workshop_in_trouble_leaves_the_first_answer(
    atelier: Atelier, refusal: ImagingError
) -> None:
    async def main() -> None:
        document = atelier.put()
        atelier.bench.refusal = refusal
        await atelier.shelf.put(document, WEBP, FIRST)
        async with atelier.running():
            await until(lambda: bool(atelier.outcomes))
            await until(lambda: atelier.bench.rests > 0)
            kept = await atelier.found(document)
            assert (kept.body, kept.final) == (FIRST.body, False)
            assert len(atelier.wishes) == 0, "it is left alone for a while"
        assert atelier.outcomes == ["failed"]

    asyncio.run(main())


def test_a_store_that_fails_leaves_the_first_answer(atelier: Atelier) -> None:
    async def main() -> None:
        document = atelier.put()
        await atelier.shelf.put(document, WEBP, FIRST)
        atelier.store.fault = StoreUnavailable()
        async with atelier.running():
            await until(lambda: bool(atelier.outcomes))
        assert atelier.outcomes == ["failed"]
        assert not (await atelier.found(document)).final

    asyncio.run(main())


def test_a_full_disk_leaves_the_first_answer(atelier: Atelier, tmp_path: Path) -> None:
    async def main() -> None:
        document = atelier.put()
        await atelier.shelf.put(document, WEBP, FIRST)
        atelier.bench.result = Rendered(bytes(1 << 26), "image/webp", 160, 120, 64, "m6")
        async with atelier.running():
            await until(lambda: bool(atelier.outcomes))
        assert atelier.outcomes == ["failed"]
        assert (await atelier.found(document)).body == FIRST.body

    asyncio.run(main())


def test_nothing_is_begun_while_somebody_waits_for_a_first_answer(atelier: Atelier) -> None:
    async def main() -> None:
        atelier.busy = True
        await atelier.shelf.put(atelier.put(), WEBP, FIRST)
        async with atelier.running():
            await asyncio.sleep(0.05)
            assert atelier.bench.asked == []
            atelier.busy = False
            await until(lambda: bool(atelier.bench.asked))

    asyncio.run(main())


def test_what_nobody_asked_for_is_made_elsewhere_and_while_nobody_waits(
    atelier: Atelier, tmp_path: Path
) -> None:
    async def main() -> None:
        document = atelier.put()
        atelier.busy = True
        atelier.wishes.want_made(document, WEBP, 0)
        async with atelier.running():
            await asyncio.sleep(0.05)
            assert atelier.made == []
            atelier.busy = False
            with closing(FileLock(tmp_path / "improver.lock")) as other:
                assert other.take(), "another process works"
                await asyncio.sleep(0.05)
                assert atelier.made == []
            await until(lambda: bool(atelier.made))
            await until(lambda: atelier.bench.rests > 0)
        [wish] = atelier.made
        assert (wish.document, wish.rendition, wish.kind) == (document, WEBP, "make")
        assert (atelier.bench.asked, atelier.told, atelier.outcomes) == ([], [], [])

    asyncio.run(main())


def test_one_process_at_a_time_works_and_the_next_one_sees_it_done(
    atelier: Atelier, tmp_path: Path
) -> None:
    sibling = Atelier(tmp_path, atelier.store)

    async def main() -> None:
        document = atelier.put()
        await atelier.shelf.put(document, WEBP, FIRST)
        assert not (await sibling.found(document)).final
        atelier.bench.gate.clear()
        async with atelier.running(), sibling.running():
            await until(lambda: len(atelier.bench.asked) + len(sibling.bench.asked) == 1)
            await asyncio.sleep(0.05)
            atelier.bench.gate.set()
            await until(lambda: bool(atelier.told + sibling.told))
            await until(lambda: atelier.bench.rests * sibling.bench.rests > 0)
        assert len(atelier.bench.asked) + len(sibling.bench.asked) == 1
        sibling.now += PROVISIONAL
        for each in (atelier, sibling):
            assert (await each.found(document)).final

    asyncio.run(main())
    asyncio.run(sibling.levels.disk.aclose())


def test_another_process_finds_the_better_one_within_moments(
    atelier: Atelier, tmp_path: Path
) -> None:
    sibling = Atelier(tmp_path, atelier.store)

    async def main() -> None:
        document = atelier.put()
        await atelier.shelf.put(document, WEBP, FIRST)
        assert (await sibling.found(document)).body == FIRST.body
        await atelier.shelf.settle(document, WEBP, BETTER)
        sibling.now += PROVISIONAL - 0.1
        assert (await sibling.found(document)).body == FIRST.body
        sibling.now += 0.1
        assert (await sibling.found(document)).body == BETTER.body

    asyncio.run(main())
    asyncio.run(sibling.levels.disk.aclose())


def test_a_lock_is_given_back_whatever_happens(atelier: Atelier, tmp_path: Path) -> None:
    async def main() -> None:
        await atelier.shelf.put(atelier.put(), WEBP, FIRST)
        atelier.bench.gate.clear()
        async with atelier.running():
            await until(lambda: bool(atelier.bench.asked))
            lock = FileLock(tmp_path / "improver.lock")
            assert not lock.take()
        assert lock.take(), "it was stopped in mid-job"
        lock.close()

    asyncio.run(main())


def test_what_was_evicted_meanwhile_costs_nothing(atelier: Atelier) -> None:
    async def main() -> None:
        document = atelier.put()
        atelier.wishes.want(document, WEBP)
        async with atelier.running():
            await until(lambda: atelier.bench.rests > 0)
        assert (atelier.bench.asked, atelier.outcomes) == ([], [])

    asyncio.run(main())


def test_a_purge_that_could_not_be_written_is_asked_for_again(atelier: Atelier) -> None:
    async def main() -> None:
        document = atelier.put()
        atelier.fault = StateUnavailable()
        await atelier.shelf.put(document, WEBP, FIRST)
        async with atelier.running():
            await until(lambda: bool(atelier.told))
        assert atelier.told == [document.ref]

    asyncio.run(main())


def test_at_the_end_what_was_improved_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = Pacing(grace=0.0, poll=0.001, idle=0.05, gather=1e9, longest=1e9)
    monkeypatch.setattr("gateway.making.improvements.improver.PACING", patient)
    atelier = Atelier(tmp_path)

    async def main() -> None:
        document = atelier.put()
        await atelier.shelf.put(document, WEBP, FIRST)
        async with atelier.running():
            await until(lambda: bool(atelier.outcomes))
        assert atelier.told == []
        await atelier.improver.aclose()
        assert atelier.told == [document.ref]
        assert atelier.bench.closed

    asyncio.run(main())
    asyncio.run(atelier.levels.disk.aclose())


def test_siblings_forget_a_first_answer_before_shared_caches_ask_again() -> None:
    assert Pacing().gather > PROVISIONAL
