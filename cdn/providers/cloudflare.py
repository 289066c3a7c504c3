"""Cloudflare: purges by Cache-Tag, softly too, on every plan; `id` is the zone's."""

from __future__ import annotations

from collections.abc import Sequence

from cdn.providers.base import Configured, PurgeReceipt
from cdn.providers.calls import read


class Cloudflare(Configured):
    """A zone of Cloudflare; `secret` is an API token that may purge it."""

    kind = "cloudflare"

    async def _forget(self, tags: Sequence[str], soft: bool, key: str) -> PurgeReceipt:
        way = "invalidate_cache" if soft else "purge_cache"
        path = f"/client/v4/zones/{self._setup.id}/{way}"
        answer = await self._api.post(path, {"tags": list(tags)})
        told = read(answer)
        if told.get("success") is not True:
            raise self._api.unreadable(answer)
        result = told.get("result")
        return self._receipt(result.get("id") if isinstance(result, dict) else "", "accepted")
