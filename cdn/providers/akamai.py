"""Akamai: purges by Edge-Cache-Tag through Fast Purge (CCU v3), softly too."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence

from cdn.providers.base import Configured, PurgeReceipt, Tools
from cdn.providers.calls import read
from cdn.providers.edgegrid import EdgeGrid
from cdn.setups import Setup


class Akamai(Configured):
    """An API client of Akamai: `url` is its own host, `secret` its client secret.

    Tags are purged on the whole `network`, so no id of a property is asked for.
    """

    kind = "akamai"

    def __init__(self, setup: Setup, tools: Tools) -> None:
        super().__init__(setup, tools)
        self._clock = tools.clock
        self._signer = EdgeGrid(setup.client_token, setup.secret, setup.access_token)

    async def _forget(self, tags: Sequence[str], soft: bool, key: str) -> PurgeReceipt:
        way = "invalidate" if soft else "delete"
        url = self._api.url(f"/ccu/v3/{way}/tag/{self._setup.network or 'production'}", {})
        body = json.dumps({"objects": list(tags)}, separators=(",", ":")).encode()
        proof = self._signer.signed("POST", url, body, self._clock(), secrets.token_hex(16))
        fields = [("Content-Type", "application/json"), ("Authorization", proof)]
        answer = await self._api.send("POST", url, body, fields)
        told = read(answer)
        if "purgeId" not in told:
            raise self._api.unreadable(answer)
        return self._receipt(told["purgeId"], "accepted", told.get("estimatedSeconds"))
