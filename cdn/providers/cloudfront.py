"""CloudFront: invalidates by tag, hard only; `id` is the distribution's.

It is told through boto3's client, which it is given: this package imports no cloud's library.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cdn.errors import PurgeLost, PurgeRefused
from cdn.providers.base import Configured, PurgeReceipt, Tools
from cdn.setups import Setup

# Said with 4xx, and yet soon over.
_LATER = frozenset({"TooManyInvalidationsInProgress", "Throttling", "ThrottlingException"})
_DENIED = frozenset({401, 403})


class CloudFront(Configured):
    """A distribution whose CacheTagConfig names the field Cache-Tag."""

    kind = "cloudfront"

    def __init__(self, setup: Setup, tools: Tools) -> None:
        super().__init__(setup, tools)
        self._client = tools.distribution(setup)

    async def check(self) -> PurgeReceipt:
        """Look whether the distribution reads our tags; an invalidation would cost money."""
        told = await self._ask(lambda: self._client.get_distribution_config(Id=self._setup.id))
        named = told.get("DistributionConfig", {}).get("CacheTagConfig", {}).get("HeaderName", "")
        if named.lower() != self.profile.tag_field.lower():
            raise PurgeRefused(
                f"{self.name} reads no tags from {self.profile.tag_field}",
                dead=True,
                hint="set HeaderName of the distribution's CacheTagConfig",
            )
        return self._receipt("", "reads our tags")

    async def _forget(self, tags: Sequence[str], soft: bool, key: str) -> PurgeReceipt:
        items = [f"#{tag}" for tag in tags]
        batch = {"Paths": {"Quantity": len(items), "Items": items}, "CallerReference": key}
        told = await self._ask(
            lambda: self._client.create_invalidation(
                DistributionId=self._setup.id, InvalidationBatch=batch
            )
        )
        receipt = self._receipt(told.get("Invalidation", {}).get("Id"), "accepted")
        if not receipt.reference:
            raise PurgeRefused(f"{self.name} took an invalidation without a name")
        return receipt

    async def settled(self, reference: str) -> bool:
        """Whether the invalidation is completed; its user must be allowed to look at it."""
        told = await self._ask(
            lambda: self._client.get_invalidation(DistributionId=self._setup.id, Id=reference)
        )
        # moto writes it in capitals.
        return str(told.get("Invalidation", {}).get("Status", "")).lower() == "completed"

    async def _ask(self, call: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """What the client says; its errors are known by what they carry, since none is imported."""
        try:
            return await asyncio.to_thread(call)
        except Exception as error:  # any client's
            raise self._refusal(error) from None

    def _refusal(self, error: Exception) -> PurgeRefused:
        response = getattr(error, "response", None)
        told = response if isinstance(response, dict) else {}
        code = str(told.get("Error", {}).get("Code", ""))
        status = told.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if not told:
            return PurgeRefused(f"{self.name} does not answer: {type(error).__name__}")
        if code == "NoSuchInvalidation":
            return PurgeLost(f"{self.name} knows nothing of the invalidation")
        return PurgeRefused(
            f"{self.name} answered {status} {code[:64]}",
            dead=400 <= status < 500 and status != 429 and code not in _LATER,
            hint="check its credentials, and what they may do" if status in _DENIED else "",
        )
