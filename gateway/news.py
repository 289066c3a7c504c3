"""News: what other parts and processes changed, so that nobody serves what they remember of it."""

from __future__ import annotations

from gateway.catalogue import Catalogue
from gateway.documents import DocumentRef
from gateway.state.feed import FeedRow


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
        kind, _, place = scope.partition(":")
        zone, _, below = place.partition("/")
        bucket, _, key = below.partition("/")
        if kind == "d":
            self._catalogue.forget(DocumentRef(zone, bucket, key))
        else:
            self._catalogue.forget_below(zone, bucket, key)
