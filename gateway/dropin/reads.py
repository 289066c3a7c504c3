"""Reads: documents by the storage routes, with a token of ours or by Supabase's yes."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.admissions import Admissions
from gateway.deliver import Deliverer
from gateway.deliveries import Delivery
from gateway.documents import Zone
from gateway.dropin.calls import Read, Signed
from gateway.dropin.credentials import Credentials
from gateway.exchanges import Exchange
from gateway.fronts.rates import FREE, Rate
from gateway.permits import Permit
from gateway.rules import Rules
from gateway.supabase.callers import Caller
from gateway.supabase.oracle import Oracle
from gateway.supabase.transforms import Bounds, Transform
from gateway.supabase.upstream import NOBODY
from gateway.wire.dispositions import content_disposition
from signing.errors import LinkRefused
from signing.grants import Grant
from signing.storage import StorageLink

# How long an answer may be in the making before its permit is worth nothing, in seconds.
PATIENCE = 300
_ORIGINAL = Grant("inline", "original")


class Reads:
    """Answers GET and HEAD. `zones` has the zone of each bucket of the Supabase project.

    `links` counts how often each link is used.
    """

    def __init__(
        self,
        rules: Rules,
        deliverer: Deliverer,
        admissions: Admissions,
        oracle: Oracle,
        bounds: Bounds,
        zones: Mapping[str, Zone],
        links: Rate = FREE,
    ) -> None:
        self._signer = rules.signer
        self._revocations = rules.revocations
        self._deliverer = deliverer
        self._admissions = admissions
        self._oracle = oracle
        self._bounds = bounds
        self._zones = zones
        self._links = links

    async def signed(self, call: Signed, exchange: Exchange) -> Delivery:
        """What a URL of ours opens. Raises signing's refusals and what delivering raises."""
        bucket, key = call.address.bucket, call.address.key
        zone = self._zones.get(bucket)
        if zone is None:
            raise LinkRefused("zone")
        token, now = call.query.token, int(exchange.now)
        link = self._signer.verify_storage(call.route, zone.name, bucket, key, token, now)
        self._links.spend(link.id)
        if call.query.download is not None:
            link = link._replace(grant=_saved(link.grant))
        return await self._deliver(link, call.query.download, exchange)

    async def read(self, call: Read, credentials: Credentials, exchange: Exchange) -> Delivery:
        """What Supabase allows this caller to read now.

        Raises `UpstreamRefused` with its no, `CallerRefused`, `InvalidRequest` for a transform
        that it would not take, and what delivering raises.
        """
        bucket, key = call.address.bucket, call.address.key
        rendition = "original"
        if call.render:
            rendition = Transform.of_query(call.query.pairs, self._bounds).rendition_name()
        caller = await self._caller(call, credentials)
        asked = self._oracle.read(caller, call.how, exchange.method, bucket, key)
        decision = await self._admissions.still(caller, asked)
        zone = self._zones[bucket]
        grant = Grant("inline", "exact", rendition) if call.render else _ORIGINAL
        permit = Permit(
            zone=zone.name,
            bucket=bucket,
            key=key,
            rendition=rendition,
            grant=grant if call.query.download is None else _saved(grant),
            generation=self._revocations.generation(zone, bucket, key),
            expires_at=int(exchange.now) + PATIENCE,
            max_age=decision.max_age,
            viewer=caller.subject,
        )
        return await self._deliver(permit, call.query.download, exchange)

    async def _caller(self, call: Read, credentials: Credentials) -> Caller:
        if call.how == "public":
            return NOBODY
        return await self._admissions.caller(*credentials)

    async def _deliver(
        self, visit: StorageLink | Permit, download: str | None, exchange: Exchange
    ) -> Delivery:
        exchange.link = visit
        deliverer = self._deliverer
        if not deliverer.gate.admit(visit):
            await deliverer.gate.reread(visit)
        request = exchange.request()
        delivery = deliverer.hit(visit, request) or await deliverer.deliver(visit, request)
        return _named(delivery, download) if download else delivery


def _saved(grant: Grant) -> Grant:
    return Grant("download", grant.covers, grant.name)


def _named(delivery: Delivery, name: str) -> Delivery:
    """The same, to be saved under another name than its own."""
    if delivery.status not in (200, 206):
        return delivery
    field = (b"content-disposition", content_disposition("attachment", name))
    head = delivery.head.without(b"content-disposition")
    return delivery._replace(head=head, fields=[*delivery.fields, field])
