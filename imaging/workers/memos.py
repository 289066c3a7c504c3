"""Memos: the last pictures a worker has scaled, so that another format of one decodes nothing."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from imaging.pixels.scaled import Scaled
from imaging.workers.jobs import PICTURES

OCTETS = 12 << 20
"""What they take in memory together: one of 1920 x 1440 pixels in colours, or many small ones."""


class Kept(NamedTuple):
    """A scaled picture, and the octets of its source that it is to stay below."""

    scaled: Scaled
    below: int


class Memo:
    """Keeps the newest pictures under names that the pool gives and a source never sees.

    A name stands for one version of one document and one size of it: whoever asks under another
    name gets nothing. Pictures that another format would show in another way are not kept.
    """

    def __init__(self, octets: int = OCTETS) -> None:
        self._limit = octets
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def find(self, name: str) -> Kept | None:
        """What is kept under that name."""
        if name in self._kept:
            self._kept.move_to_end(name)
        return self._kept.get(name)

    def keep(self, name: str, scaled: Scaled, below: int) -> None:
        """Keep a picture in place of the oldest ones, if it may and can be kept."""
        if not (name and scaled.lasting) or scaled.octets > self._limit:
            return
        self._kept[name] = Kept(scaled.detached(), below)
        while len(self._kept) > PICTURES or self._octets() > self._limit:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Give back all memory."""
        self._kept.clear()

    def _octets(self) -> int:
        return sum(kept.scaled.octets for kept in self._kept.values())
