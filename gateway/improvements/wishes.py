"""Wishes: the first answers that were given and could be better, in the order of their asking."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from gateway.documents import Document
from gateway.shelves import name_of
from imaging.renditions import Rendition

MOST = 1_000


@dataclass(frozen=True, slots=True)
class Wish:
    """A rendition to be made better; `since` is when it was first asked for, by the clock."""

    document: Document
    rendition: Rendition
    since: float

    @property
    def name(self) -> str:
        """What it is called on the shelf."""
        return name_of(self.document, self.rendition)


class Wishes:
    """At most `most` wishes; the oldest gives way, and is wished for anew at its next hit.

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

    def want(self, document: Document, rendition: Rendition) -> None:
        """Wish for it, unless it is wished for already or failed of late."""
        wish = Wish(document, rendition, self._clock())
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
        """Whether anything of the document with that id is waited for or being made."""
        wishes = (*self._waiting.values(), *self._current)
        return any(wish.document.id == document for wish in wishes)
