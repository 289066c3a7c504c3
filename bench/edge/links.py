"""Links of the bench that end when it wants, so that as many as it needs differ."""

from __future__ import annotations

import time

from bench.documents import BUCKET
from bench.ostiary import ZONE, Ostiary
from signing.grants import Grant
from signing.links import LinkRequest, SignedZone, Signer

LONGEST = 86_400


class Links:
    """Makes links for a gateway by its keys, without windows: another end is another text."""

    def __init__(self, gateway: Ostiary, grant: str = "ia") -> None:
        ring = gateway.settings.signing.key_ring()
        self._signer = Signer(ring, [SignedZone(ZONE, 1, LONGEST)])
        self._grant = Grant.parse(grant)
        self._now = int(time.time())

    def ending(self, key: str, seconds: int, rendition: str = "original") -> str:
        """The target of a link that ends so many seconds after the maker was made."""
        request = LinkRequest(ZONE, BUCKET, key, self._grant, expires_in=seconds)
        return self._signer.issue(request, self._now).for_rendition(rendition)
