"""Fastly: purges by Surrogate-Key, softly too; `id` is the service's."""

from __future__ import annotations

from collections.abc import Sequence

from cdn.providers.base import Configured, PurgeReceipt
from cdn.providers.calls import read


class Fastly(Configured):
    """A service of Fastly; `secret` is a token with the scope purge_select."""

    kind = "fastly"

    async def _forget(self, tags: Sequence[str], soft: bool, key: str) -> PurgeReceipt:
        mild = [("Fastly-Soft-Purge", "1")] if soft else []
        fields = [("Accept", "application/json"), *mild]
        path = f"/service/{self._setup.id}/purge"
        answer = await self._api.post(path, {"surrogate_keys": list(tags)}, fields)
        told = read(answer)
        if not all(tag in told for tag in tags):
            raise self._api.unreadable(answer)
        return self._receipt(told[tags[0]], "purged")
