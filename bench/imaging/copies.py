"""Copies of photographs that differ in a comment: every one has to be rendered anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, cycle, islice

from bench.documents import Documents

_START, _COMMENT = b"\xff\xd8", b"\xff\xfe"


@dataclass(frozen=True, slots=True)
class Copies:
    """Makes documents that nobody has seen, the photographs by turns."""

    documents: Documents
    photos: Sequence[bytes]
    _number: count[int] = field(default_factory=count)

    @contextmanager
    def made(self, number: int) -> Iterator[list[str]]:
        """So many new documents until the end of the block; their names."""
        names = [f"{next(self._number):06}.jpg" for _ in range(number)]
        for name, photo in zip(names, islice(cycle(self.photos), number), strict=False):
            self.documents.add(name, commented(photo, name))
        try:
            yield names
        finally:
            for name in names:
                (self.documents.bucket / name).unlink()


def commented(jpeg: bytes, text: str) -> bytes:
    """The same picture with a comment in front (ITU-T T.81 section B.2.4.5)."""
    if not jpeg.startswith(_START):
        raise ValueError("a JPEG begins with SOI")
    words = text.encode()
    return _START + _COMMENT + (len(words) + 2).to_bytes(2, "big") + words + jpeg[len(_START) :]
