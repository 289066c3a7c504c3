"""Refreshes: soft purges that the gateway itself asks for, so that shared caches ask again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import time

from gateway.documents import DocumentRef, Zone
from gateway.purges.named import PurgeRequest
from gateway.purges.requests import Purges


class Refreshes:
    """Purges what shared caches may hold; documents of private zones are in none."""

    def __init__(self, zones: Mapping[str, Zone], purges: Purges) -> None:
        self._zones = zones
        self._purges = purges

    async def changed(self, ref: DocumentRef) -> None:
        """A store shows another version. Raises `StateUnavailable`."""
        await self._ask((ref,), "seen")

    async def improved(self, refs: Sequence[DocumentRef]) -> None:
        """There are better renditions. Raises `StateUnavailable`."""
        await self._ask(refs, "improved")

    async def _ask(self, refs: Sequence[DocumentRef], reason: str) -> None:
        shared = tuple(ref for ref in refs if self._zones[ref.zone].cache != "private")
        if shared:
            request = PurgeRequest(documents=shared)
            await self._purges.ask(request, soft=True, by="gateway", reason=reason, now=time())
