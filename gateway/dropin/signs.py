"""Signs: signed URLs of the storage routes, Supabase's yes turned into links of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from gateway.admissions import Admissions
from gateway.documents import Zone
from gateway.dropin.calls import Address
from gateway.dropin.credentials import Credentials
from gateway.issuing.storagelinks import Order, StorageIssuer
from gateway.supabase.callers import Caller
from gateway.supabase.messages import SignMany, SignOne
from gateway.supabase.oracle import Oracle, Sight
from gateway.supabase.transforms import Bounds, Transform
from signing.errors import Unsignable
from signing.grants import Grant
from signing.storage import StorageLink

Json: TypeAlias = dict[str, str | None]
MISSING = "Either the object does not exist or you do not have access to it"
_ORIGINAL = Grant("inline", "original")


class Signs:
    """Answers POST. `zones` has the zone of each bucket of the Supabase project.

    The upstream URL is thrown away, but for a document that no link of ours can name: its URL
    is handed on as it is.
    """

    def __init__(
        self,
        admissions: Admissions,
        oracle: Oracle,
        issuer: StorageIssuer,
        bounds: Bounds,
        zones: Mapping[str, Zone],
    ) -> None:
        self._admissions = admissions
        self._oracle = oracle
        self._issuer = issuer
        self._bounds = bounds
        self._zones = zones

    async def one(self, address: Address, body: bytes, credentials: Credentials, now: int) -> Json:
        """`{"signedURL": …}`. Raises `UpstreamRefused`, `CallerRefused`, `InvalidRequest`."""
        wanted = SignOne.read(body)
        grant = self._grant(wanted.transform)
        caller, zone = await self._admitted(address, credentials)
        bucket, key = address.bucket, address.key
        asked = self._oracle.sign_one(caller, bucket, key, wanted)
        theirs = await self._admissions.still(caller, asked)
        order = Order(zone, bucket, grant, wanted.expires_in, caller.actor)
        (link,) = await self._issued(caller, order, [key], now)
        if isinstance(link, StorageLink):
            return {"signedURL": link.target}
        if not theirs:
            asked = self._oracle.sign_one(caller, bucket, key, wanted, fresh=True)
            theirs = await self._admissions.still(caller, asked)
        return {"signedURL": theirs}

    async def many(
        self, address: Address, body: bytes, credentials: Credentials, now: int
    ) -> list[Json]:
        """An answer for each path, in order: its URL, or Supabase's error."""
        wanted = SignMany.read(body)
        grant = self._grant(wanted.transform)
        caller, zone = await self._admitted(address, credentials)
        asked = self._oracle.sign_many(caller, address.bucket, wanted.paths, wanted)
        sights = await self._admissions.still(caller, asked)
        order = Order(zone, address.bucket, grant, wanted.expires_in, caller.actor)
        allowed = list(dict.fromkeys(sight.key for sight in sights if sight.allowed))
        links = await self._issued(caller, order, allowed, now)
        urls = {
            key: link.target
            for key, link in zip(allowed, links, strict=True)
            if isinstance(link, StorageLink)
        }
        if len(urls) < len(allowed):
            rest = [key for key in allowed if key not in urls]
            urls |= await self._handed_on(caller, address.bucket, rest, wanted)
        return [_line(sight, urls) for sight in sights]

    async def _issued(
        self, caller: Caller, order: Order, keys: Sequence[str], now: int
    ) -> list[StorageLink | Unsignable]:
        """Judged again once they are in the ledger: a receipt for a viewer lists all there are."""
        return await self._admissions.still(caller, self._issuer.issue(order, keys, now))

    async def _handed_on(
        self, caller: Caller, bucket: str, keys: Sequence[str], wanted: SignMany
    ) -> dict[str, str]:
        asked = self._oracle.sign_many(caller, bucket, keys, wanted, fresh=True)
        fresh = await self._admissions.still(caller, asked)
        return {sight.key: sight.signed_url for sight in fresh if sight.allowed}

    async def _admitted(self, address: Address, credentials: Credentials) -> tuple[Caller, Zone]:
        zone = self._zones[address.bucket]
        self._issuer.check(zone)
        return await self._admissions.caller(*credentials), zone

    def _grant(self, transform: Mapping[str, object]) -> Grant:
        if not transform:
            return _ORIGINAL
        wanted = Transform.of_body(transform, self._bounds)
        return Grant("inline", "exact", wanted.rendition_name())


def _line(sight: Sight, urls: Mapping[str, str]) -> Json:
    url = urls.get(sight.key) if sight.allowed else None
    error = None if url else sight.error or MISSING
    return {"error": error, "path": sight.key, "signedURL": url}
