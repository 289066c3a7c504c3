"""Google Cloud CDN: invalidates by Cache-Tag, hard only.

`id` is the URL map, `account` the project.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from cdn.errors import PurgeLost
from cdn.providers.base import Configured, PurgeReceipt, Tools
from cdn.providers.calls import read
from cdn.providers.tokens import AccessTokens
from cdn.setups import Setup

# So that the same purge has the same name, and no other's.
_NAMES = uuid.UUID("6a3f0d1e-9c0b-5f5e-8a53-0a7b7a8f6d11")

# What stands in the path of an operation as it is.
_NAME = re.compile(r"[A-Za-z0-9-]{1,128}", re.ASCII)


class Google(Configured):
    """A URL map of a project; `secret` is the key of a service account, as JSON."""

    kind = "google"

    def __init__(self, setup: Setup, tools: Tools) -> None:
        super().__init__(setup, tools)
        self._project = f"/compute/v1/projects/{setup.account}/global"
        self._tokens = AccessTokens(setup.name, setup.secret, tools.client, tools.clock)

    async def _forget(self, tags: Sequence[str], soft: bool, key: str) -> PurgeReceipt:
        at = f"{self._project}/urlMaps/{self._setup.id}"
        proof = [("Authorization", f"Bearer {await self._tokens.token()}")]
        query = {"requestId": str(uuid.uuid5(_NAMES, key))}
        body = {"cacheTags": list(tags)}
        answer = await self._api.post(f"{at}/invalidateCache", body, proof, query)
        name = str(read(answer).get("name", ""))
        if not _NAME.fullmatch(name):
            raise self._api.unreadable(answer)
        return self._receipt(name, "accepted")

    async def settled(self, reference: str) -> bool:
        """Whether the operation is done; one that ended in an error is lost."""
        proof = [("Authorization", f"Bearer {await self._tokens.token()}")]
        url = self._api.url(f"{self._project}/operations/{reference}", {})
        answer = await self._api.ask("GET", url, fields=proof)
        if answer.status_code == 404:
            raise PurgeLost(f"{self.name} knows nothing of the operation")
        if not answer.is_success:
            raise self._api.refusal(answer)
        told = read(answer)
        if told.get("error"):
            raise PurgeLost(f"{self.name} has failed")
        return told.get("status") == "DONE"
