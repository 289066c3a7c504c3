"""Wishes are bounded, asked once each, and taken in their order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from gateway.catalogue import describe
from gateway.documents import Document, DocumentRef
from gateway.making.improvements import Wishes
from gateway.stores.memory import MemoryStore
from imaging.names.renditions import Rendition, parse_spec

SMALL, LARGE = parse_spec("w160-webp"), parse_spec("w640-avif")


class Desk:
    """Wishes with their clock in hand."""

    def __init__(self, runner: asyncio.Runner, most: int = 3) -> None:
        self.run = runner.run
        self.now = 100.0
        self.store = MemoryStore()
        self.wishes = Wishes(lambda: self.now, most=most, patience=600.0)

    def document(self, key: str = "a.jpg", body: bytes = b"\xff\xd8\xff") -> Document:
        stored = self.store.put("documents", key, body)
        return describe(DocumentRef("clinic", "documents", key), stored, self.store.kind, body)

    def taken(self, seconds: float = 0.01) -> list[tuple[Document, Rendition]]:
        async def take() -> list[tuple[Document, Rendition]]:
            taken = []
            while wish := await self.wishes.next(seconds):
                taken.append((wish.document, wish.rendition))
            return taken

        return self.run(take())


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def desk(runner: asyncio.Runner) -> Desk:
    return Desk(runner)


def test_they_are_taken_in_the_order_of_asking_each_once(desk: Desk) -> None:
    document = desk.document()
    for rendition in (SMALL, LARGE, SMALL):
        desk.wishes.want(document, rendition)
    assert len(desk.wishes) == 2
    assert desk.taken() == [(document, SMALL), (document, LARGE)]
    assert len(desk.wishes) == 0


def test_the_oldest_gives_way_when_there_are_too_many(runner: asyncio.Runner) -> None:
    desk = Desk(runner, most=2)
    one, two, three = (desk.document(key) for key in ("1", "2", "3"))
    for document in (one, two, three):
        desk.wishes.want(document, SMALL)
    assert desk.taken() == [(two, SMALL), (three, SMALL)]
    desk.wishes.want(one, SMALL)
    assert desk.taken() == [(one, SMALL)], "it is met again at its next hit"


def test_each_version_is_a_wish_of_its_own(desk: Desk) -> None:
    old, new = desk.document(body=b"\xff\xd8\xff1"), desk.document(body=b"\xff\xd8\xff2")
    desk.wishes.want(old, SMALL)
    desk.wishes.want(new, SMALL)
    assert len(desk.wishes) == 2


def test_what_is_being_made_is_not_wished_for_again(desk: Desk) -> None:
    document = desk.document()

    async def main() -> None:
        desk.wishes.want(document, SMALL)
        assert await desk.wishes.next(1.0) is not None
        desk.wishes.want(document, SMALL)
        assert len(desk.wishes) == 0
        assert desk.wishes.of(document.id)
        assert await desk.wishes.next(0.01) is None, "the one before is over"
        assert not desk.wishes.of(document.id)
        desk.wishes.want(document, SMALL)
        assert len(desk.wishes) == 1
        assert desk.wishes.of(document.id)
        assert not desk.wishes.of("d-other")

    desk.run(main())


def test_whoever_waits_is_woken(desk: Desk) -> None:
    document = desk.document()

    async def main() -> None:
        waiting = asyncio.create_task(desk.wishes.next(60.0))
        await asyncio.sleep(0)
        desk.wishes.want(document, SMALL)
        wish = await waiting
        assert wish is not None
        assert (wish.document, wish.since) == (document, 100.0)

    desk.run(main())


@pytest.mark.parametrize(("later", "wanted"), [(599.9, 0), (600.0, 1)])
def test_what_failed_is_left_alone_for_a_while(desk: Desk, later: float, wanted: int) -> None:
    document = desk.document()

    async def main() -> None:
        desk.wishes.want(document, SMALL)
        wish = await desk.wishes.next(1.0)
        assert wish is not None
        desk.wishes.leave(wish)
        await desk.wishes.next(0.01)

    desk.run(main())
    desk.now += later
    desk.wishes.want(document, SMALL)
    desk.wishes.want(document, LARGE)
    assert len(desk.wishes) == wanted + 1


def test_what_is_known_of_failures_is_bounded(runner: asyncio.Runner) -> None:
    desk = Desk(runner, most=2)
    documents = [desk.document(key) for key in ("1", "2", "3")]

    async def main() -> None:
        for document in documents:
            desk.wishes.want(document, SMALL)
            wish = await desk.wishes.next(1.0)
            assert wish is not None
            desk.wishes.leave(wish)
        await desk.wishes.next(0.01)

    desk.run(main())
    for document in documents:
        desk.wishes.want(document, SMALL)
    assert desk.taken() == [(documents[0], SMALL)]


def test_one_to_be_made_and_the_same_to_be_made_better_are_two_wishes(desk: Desk) -> None:
    document = desk.document()
    for _ in range(2):
        desk.wishes.want_made(document, SMALL, 7)
        desk.wishes.want(document, SMALL)
    assert (desk.wishes.waiting("make"), desk.wishes.waiting("improve")) == (1, 1)

    async def main() -> None:
        first, second = await desk.wishes.next(1.0), await desk.wishes.next(1.0)
        assert first is not None
        assert second is not None
        assert (first.kind, first.generation, second.kind) == ("make", 7, "improve")

    desk.run(main())


def test_what_nobody_asked_for_takes_no_others_place(desk: Desk) -> None:
    documents = [desk.document(key) for key in ("1", "2", "3", "4")]
    for document in documents[:3]:
        desk.wishes.want(document, SMALL)
    desk.wishes.want_made(documents[3], SMALL, 0)
    assert desk.taken() == [(document, SMALL) for document in documents[:3]]


def test_what_is_to_be_made_holds_no_purge_up(desk: Desk) -> None:
    document = desk.document()
    desk.wishes.want_made(document, SMALL, 0)
    assert not desk.wishes.of(document.id)
