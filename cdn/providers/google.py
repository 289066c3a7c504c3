"""Google Cloud CDN: invalidates by Cache-Tag, hard only.

`id` is the URL map, `account` the project.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from cdn.providers.base import Configured, PurgeReceipt, Tools
from cdn.providers.calls import read
from cdn.providers.tokens import AccessTokens
from cdn.setups import Setup

# So that the same purge has the same name, and no other's.
_NAMES = uuid.UUID("6a3f0d1e-9c0b-5f5e-8a53-0a7b7a8f6d11")


class Google(Configured):
    """A URL map of a project; `secret` is the key of a service account, as JSON."""

    kind = "google"

    def __init__(self, setup: Setup, tools: Tools) -> None:
        super().__init__(setup, tools)
        self._tokens = AccessTokens(setup.name, setup.secret, tools.client, tools.clock)

    async def _forget(self, tags: Sequence[str], soft: bool, key: str) -> PurgeReceipt:
        at = f"/compute/v1/projects/{self._setup.account}/global/urlMaps/{self._setup.id}"
        proof = [("Authorization", f"Bearer {await self._tokens.token()}")]
        query = {"requestId": str(uuid.uuid5(_NAMES, key))}
        body = {"cacheTags": list(tags)}
        answer = await self._api.post(f"{at}/invalidateCache", body, proof, query)
        told = read(answer)
        if "name" not in told:
            raise self._api.unreadable(answer)
        return self._receipt(told["name"], "accepted")
