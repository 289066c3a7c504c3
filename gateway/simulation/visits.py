"""Visits: reads of documents, with names and tokens reduced to numbers."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from gateway.simulation.addresses import Access, Address
from gateway.simulation.entries import UNKNOWN, Entry, Verdict

Body: TypeAlias = Literal["whole", "part", "none"]

READ: Final = frozenset({200, 206, 304})
METHODS: Final = frozenset({"GET", "HEAD"})


class Visit(NamedTuple):
    """One read of one form of one document.

    `document`, `token` and `viewer` are numbers that are equal when what they stand for is equal,
    `token` 0 when the log shows none. `family` only sets the phase of windows, and is never told.
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
        hash(entry.client),
        entry.edge,
        0 if body == "none" else max(entry.octets, UNKNOWN),
        body,
        entry.cached,
    )


def _body(entry: Entry) -> Body:
    if entry.method == "HEAD" or entry.status == 304:
        return "none"
    return "part" if entry.status == 206 else "whole"
