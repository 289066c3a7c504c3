"""Visits: reads of documents, with names and tokens reduced to numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from sys import intern
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from zlib import crc32

from gateway.simulation.addresses import Access, Address
from gateway.simulation.entries import Entry, Verdict
from signing.windows import phase_of

Body: TypeAlias = Literal["whole", "part", "none"]

READ: Final = frozenset({200, 206, 304})
METHODS: Final = frozenset({"GET", "HEAD"})
_REMEMBERED = 65_536


class Visit(NamedTuple):
    """One read of one form of one document.

    `document`, `token` and `viewer` are numbers that are equal when what they stand for is equal,
    in every process and run; `token` is 0 when the log shows none. `phase` is that of the windows
    of all forms of the document.
    """

    at: float
    phase: int
    document: int
    access: Access
    token: int
    expires_at: float
    viewer: int
    edge: str
    octets: int
    body: Body
    cached: Verdict


@dataclass(frozen=True, slots=True)
class Visits:
    """Many visits, each of their members a column: to go through, and to send, in little time."""

    at: Sequence[float] = ()
    phase: Sequence[int] = ()
    document: Sequence[int] = ()
    access: Sequence[Access] = ()
    token: Sequence[int] = ()
    expires_at: Sequence[float] = ()
    viewer: Sequence[int] = ()
    edge: Sequence[str] = ()
    octets: Sequence[int] = ()
    body: Sequence[Body] = ()
    cached: Sequence[Verdict] = ()

    @classmethod
    def of(cls, visits: Iterable[Visit]) -> Visits:
        return cls(*zip(*visits, strict=True))

    @classmethod
    def joined(cls, parts: Iterable[Visits]) -> Visits:
        """All visits of some parts, one part after the other."""
        columns = zip(*(part.columns() for part in parts), strict=True)
        return cls(*(list(chain.from_iterable(pieces)) for pieces in columns))

    def __len__(self) -> int:
        return len(self.at)

    def columns(self) -> tuple[Sequence[Any], ...]:
        return tuple(getattr(self, name) for name in Visit._fields)

    def cut(self, begin: int, end: int) -> Visits:
        return Visits(*(column[begin:end] for column in self.columns()))

    def sorted(self) -> Visits:
        """The same by their time; those of one moment in the order they were in."""
        order = sorted(range(len(self)), key=self.at.__getitem__)
        return Visits(*([column[place] for place in order] for column in self.columns()))


def visit_of(entry: Entry, address: Address) -> Visit:
    """The read of a document that a request was."""
    family, variant, access, token, expires_at = address
    at, method, _, status, octets, client, edge, cached = entry
    body: Body = "part" if status == 206 else "whole"
    if method == "HEAD" or status == 304:
        body, octets = "none", 0
    phase, document = _named(family, variant)
    return Visit(
        at,
        phase,
        document,
        access,
        _number(token) if token else 0,
        expires_at,
        crc32(client.encode()),
        intern(edge),
        octets,
        body,
        cached,
    )


@lru_cache(_REMEMBERED)
def _named(family: str, variant: str) -> tuple[int, int]:
    """The phase of the windows of a document's forms, and a number for this form of it."""
    return phase_of(family), _number(f"{family}\0{variant}")


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
