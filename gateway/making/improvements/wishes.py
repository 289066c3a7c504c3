"""Wishes: first answers that could be better, and renditions to come, in their order."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gateway.documents import Document
from gateway.making.shelves import name_of
from imaging.names.renditions import Rendition

MOST = 1_000

Kind = Literal["improve", "make"]
"""Make a first answer better; make one that nobody asked for yet."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done for a rendition; `since` is when it was wished for, by the clock.

    `generation` is that of the document's links when a rendition to be made was wished for.
    """

    document: Document
    rendition: Rendition
    since: float
    kind: Kind = "improve"
    generation: int = 0

    @property
    def name(self) -> str:
        """What it is called among wishes."""
        return f"{self.kind} {name_of(self.document, self.rendition)}"


class Wishes:
    """At most `most` wishes; the oldest gives way, and is wished for anew at its next hit.

    What nobody asked for takes no other's place: where there is no room it is not wished for.

    What failed is not wished for again before `patience` seconds of the clock are over.
    """

    def __init__(
        self, clock: Callable[[], float], most: int = MOST, patience: float = 600.0
    ) -> None:
        self._clock = clock
        self._most = most
        self._patience = patience
        self._waiting: OrderedDict[str, Wish] = OrderedDict()
        self._left_alone: OrderedDict[str, float] = OrderedDict()
        self._current: tuple[Wish, ...] = ()
        self._news = asyncio.Event()

    def __len__(self) -> int:
        """How many wait, not counting the one that was taken last."""
        return len(self._waiting)

    def waiting(self, kind: Kind) -> int:
        """How many of a kind wait."""
        return sum(wish.kind == kind for wish in self._waiting.values())

    def want(self, document: Document, rendition: Rendition) -> None:
        """Wish for a better one, unless it is wished for already or failed of late."""
        self._want(Wish(document, rendition, self._clock()))

    def want_made(self, document: Document, rendition: Rendition, generation: int) -> None:
        """Wish for one that nobody asked for, unless it is wished for already or failed of late."""
        if len(self._waiting) < self._most:
            self._want(Wish(document, rendition, self._clock(), "make", generation))

    def _want(self, wish: Wish) -> None:
        name = wish.name
        if name in self._waiting or any(name == taken.name for taken in self._current):
            return
        if self._left_alone.get(name, wish.since) > wish.since:
            return
        self._waiting[name] = wish
        if len(self._waiting) > self._most:
            self._waiting.popitem(last=False)
        self._news.set()

    async def next(self, seconds: float) -> Wish | None:
        """Take the oldest wish; None when there was none for so long. The one before is over."""
        self._current = ()
        try:
            async with asyncio.timeout(seconds):
                while not self._waiting:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None
        _, wish = self._waiting.popitem(last=False)
        self._current = (wish,)
        return wish

    def leave(self, wish: Wish) -> None:
        """Leave alone for a while what failed."""
        self._left_alone[wish.name] = self._clock() + self._patience
        if len(self._left_alone) > self._most:
            self._left_alone.popitem(last=False)

    def of(self, document: str) -> bool:
        """Whether anything of the document with that id is about to be made better."""
        wishes = (*self._waiting.values(), *self._current)
        return any(wish.document.id == document and wish.kind == "improve" for wish in wishes)
