"""Sizes: how many octets a visit brought, and how many its whole document has."""

from __future__ import annotations

from gateway.simulation.entries import UNKNOWN
from gateway.simulation.visits import Visits


class Sizes:
    """What is known of the documents seen so far; the only thing kept for each of them.

    A document has the size of the largest answer of it. Where no answer told any, it is taken for
    as large as the documents on the average; `guessed` counts the visits that this was done for.
    """

    def __init__(self) -> None:
        self.guessed = 0
        self._known: dict[int, int] = {}
        self._seen: set[int] = set()
        self._total = 0

    def __len__(self) -> int:
        return len(self._known) + len(self._seen)

    def of(self, visits: Visits) -> tuple[list[int], list[int]]:
        """Octets of the answer to each visit, and of its whole document."""
        delivered: list[int] = []
        wholes: list[int] = []
        for document, octets, body in zip(visits.document, visits.octets, visits.body, strict=True):
            if body != "none" and octets != UNKNOWN:
                delivered.append(octets)
                wholes.append(self._told(document, octets))
            else:
                whole = self._guess(document)
                delivered.append(0 if body == "none" else whole)
                wholes.append(whole)
        return delivered, wholes

    def _told(self, document: int, octets: int) -> int:
        before = self._known.get(document, UNKNOWN)
        if octets <= before:
            return before
        self._seen.discard(document)
        self._total += octets - max(before, 0)
        self._known[document] = octets
        return octets

    def _guess(self, document: int) -> int:
        """What the document is known to have, or as much as others have."""
        whole = self._known.get(document, UNKNOWN)
        if whole == UNKNOWN:
            self._seen.add(document)
            self.guessed += 1
            whole = self._total // len(self._known) if self._known else 0
        return whole
