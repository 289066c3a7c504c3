"""Supabase's own CDN, which stands before the project's URLs: by document or bucket, no tags."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from cdn.errors import PurgeRefused
from cdn.providers.base import Configured, PurgeReceipt, Tools
from cdn.providers.calls import read
from cdn.providers.traces import Place
from cdn.setups import Setup

_ROUTE = "/storage/v1/cdn/"


class Supabase(Configured):
    """The project at `url`; `secret` is its service key. A folder is purged with its bucket."""

    kind = "supabase"

    def __init__(self, setup: Setup, tools: Tools) -> None:
        super().__init__(setup, tools)
        self._traces = tools.traces

    async def check(self) -> PurgeReceipt:
        """Purge a document that is not there."""
        return await self._purged(Place("ostiary-doctor", "nothing"))

    async def _forget(self, tags: Sequence[str], soft: bool, key: str) -> PurgeReceipt:
        places = [place for tag in tags for place in await self._traces.places(self.name, tag)]
        if not places:
            raise PurgeRefused(
                f"{self.name} knows no tags, and nobody knows what this one stands for",
                dead=True,
                hint="purge documents, buckets or zones there, by their names",
            )
        return [await self._purged(place) for place in places][-1]

    async def _purged(self, place: Place) -> PurgeReceipt:
        path = _ROUTE + quote(place.bucket, safe="") + ("/" + quote(place.key) if place.key else "")
        # Pictures that the project makes of a document are purged by a call of their own.
        for query in ({}, {"transformations": "true"}):
            answer = await self._api.send("DELETE", self._api.url(path, query))
            if read(answer).get("message") != "success":
                raise self._api.unreadable(answer)
        return self._receipt("", "purged")
