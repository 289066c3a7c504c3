"""Bunny: purges one tag a call, hard only; `id` is the pull zone's."""

from __future__ import annotations

from collections.abc import Sequence

from cdn.providers.base import Configured, PurgeReceipt


class Bunny(Configured):
    """A pull zone of bunny.net; `secret` is the account's API key."""

    kind = "bunny"

    async def _forget(self, tags: Sequence[str], soft: bool, key: str) -> PurgeReceipt:
        [tag] = tags
        await self._api.post(f"/pullzone/{self._setup.id}/purgeCache", {"CacheTag": tag})
        return self._receipt("", "purged")
