"""News: what other parts and processes changed, so that nobody serves what they remember of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway.catalogue import Catalogue
from gateway.documents import DocumentRef
from gateway.state.feed import FeedRow
from gateway.state.proofs import SCOPE


class News:
    """Takes rows of the feed and makes the catalogue forget what they touch."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def tell(self, row: FeedRow) -> None:
        """Forget what the row's scope covers, or everything when rows were lost."""
        if row.kind == "lost":
            self._catalogue.forget_all()
        elif row.kind == "changed":
            self._forget(row.scope)

    def _forget(self, scope: str) -> None:
        kind, zone, bucket, key = _place(scope)
        if kind == "d":
            self._catalogue.forget(DocumentRef(zone, bucket, key))
        elif kind != SCOPE:
            self._catalogue.forget_below(zone, bucket, key)


class Forgets(Protocol):
    """Remembers what was decided about objects, until it is told to ask again."""

    def forget(self, bucket: str, key: str) -> None: ...

    def forget_bucket(self, bucket: str) -> None: ...


class DecisionNews:
    """Takes rows of the feed and has remembered decisions asked for again.

    `buckets` are those that decisions are about, each with its zone.
    """

    def __init__(self, decisions: Forgets, buckets: Mapping[str, str]) -> None:
        self._decisions = decisions
        self._buckets = buckets

    def tell(self, row: FeedRow) -> None:
        """Forget what the row's scope covers, or everything when rows were lost."""
        if row.kind == "lost":
            self._forget_zones(set(self._buckets.values()))
        elif row.kind in ("changed", "revoked"):
            self._forget(row.scope)

    def _forget(self, scope: str) -> None:
        kind, zone, bucket, key = _place(scope)
        if kind == "d":
            self._decisions.forget(bucket, key)
        elif kind == "z":
            self._forget_zones({zone})
        elif kind in ("b", "p"):
            self._decisions.forget_bucket(bucket)

    def _forget_zones(self, zones: set[str]) -> None:
        for bucket, zone in self._buckets.items():
            if zone in zones:
                self._decisions.forget_bucket(bucket)


def _place(scope: str) -> tuple[str, str, str, str]:
    """Kind, zone, bucket and the rest of a scope; what it does not name is empty."""
    kind, _, place = scope.partition(":")
    zone, _, below = place.partition("/")
    bucket, _, key = below.partition("/")
    return kind, zone, bucket, key
