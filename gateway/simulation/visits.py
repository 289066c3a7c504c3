"""Visits: reads of documents, with names and tokens reduced to numbers."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias
from zlib import crc32

from gateway.simulation.addresses import Access, Address
from gateway.simulation.entries import Entry, Verdict

Body: TypeAlias = Literal["whole", "part", "none"]

READ: Final = frozenset({200, 206, 304})
METHODS: Final = frozenset({"GET", "HEAD"})


class Visit(NamedTuple):
    """One read of one form of one document.

    `document`, `token` and `viewer` are numbers that are equal when what they stand for is equal,
    `token` 0 when the log shows none; `viewer` is the same in every run, so that the edges viewers
    are spread over are too. `family` only sets the phase of windows, and is never told.
    """

    at: float
    family: str
    document: int
    access: Access
    token: int
    expires_at: float
    viewer: int
    edge: str
    octets: int
    body: Body
    cached: Verdict


def visit_of(entry: Entry, address: Address) -> Visit:
    """The read of a document that a request was."""
    family, variant, access, token, expires_at = address
    body = _body(entry)
    return Visit(
        entry.at,
        family,
        hash((family, variant)),
        access,
        hash(token),
        expires_at,
        crc32(entry.client.encode()),
        entry.edge,
        0 if body == "none" else entry.octets,
        body,
        entry.cached,
    )


def _body(entry: Entry) -> Body:
    if entry.method == "HEAD" or entry.status == 304:
        return "none"
    return "part" if entry.status == 206 else "whole"
