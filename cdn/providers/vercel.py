"""Vercel: purges by Vercel-Cache-Tag, softly too; `id` is the project, `account` the team."""

from __future__ import annotations

from collections.abc import Sequence

from cdn.providers.base import Configured, PurgeReceipt


class Vercel(Configured):
    """A project on Vercel; `secret` is an access token. Only production is purged."""

    kind = "vercel"

    async def _forget(self, tags: Sequence[str], soft: bool, key: str) -> PurgeReceipt:
        way = "invalidate-by-tags" if soft else "dangerously-delete-by-tags"
        query = {"projectIdOrName": self._setup.id}
        if self._setup.account:
            query["teamId"] = self._setup.account
        body = {"tags": list(tags), "target": "production"}
        await self._api.post(f"/v1/edge-cache/{way}", body, query=query)
        return self._receipt("", "accepted")
