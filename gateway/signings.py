"""Signings: URLs of the storage routes, given once the ledger holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cdn.tags import document_id
from gateway.documents import Zone
from gateway.errors import ResidencyRefused
from gateway.rules import Rules
from gateway.state.ledger import IssueRow, Ledger
from signing.errors import Unsignable
from signing.grants import Grant
from signing.links import LinkRequest
from signing.storage import StorageLink


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: URLs of documents of one bucket, with one grant, for one `actor`.

    `expires_in` is in seconds and no URL outlives it.
    """

    zone: Zone
    bucket: str
    grant: Grant
    expires_in: int
    actor: str


class Signings:
    """Issues URLs of the storage routes; who may have them has been decided."""

    def __init__(self, rules: Rules, ledger: Ledger) -> None:
        self._signer = rules.signer
        self._residency = rules.residency
        self._revocations = rules.revocations
        self._ledger = ledger

    def check(self, zone: Zone) -> None:
        """Raise what forbids any URL of a zone, before anybody is asked about its documents.

        `ResidencyRefused`; `Unsignable` for a zone that seals its addresses, which these routes
        would show.
        """
        if not self._residency.admits(zone):
            raise ResidencyRefused
        if zone.sealed:
            raise Unsignable("sealed")

    async def issue(
        self, order: Order, keys: Sequence[str], now: int
    ) -> list[StorageLink | Unsignable]:
        """A link for each key, in order, durable in the ledger; or why these routes have none.

        Raises `StateUnavailable` when the ledger can not be written: then no link is given.
        """
        self._revocations.fresh()
        links = [self._link(order, key, now) for key in keys]
        rows = [_row(link, order.actor, now) for link in links if isinstance(link, StorageLink)]
        await self._ledger.record_issue(rows)
        return links

    def _link(self, order: Order, key: str, now: int) -> StorageLink | Unsignable:
        zone, bucket = order.zone, order.bucket
        try:
            request = LinkRequest(
                zone=zone.name,
                bucket=bucket,
                key=key,
                grant=order.grant,
                generation=self._revocations.generation(zone, bucket, key),
                expires_in=order.expires_in,
            )
            return self._signer.issue_storage(request, now)
        except Unsignable as error:
            return error


def _row(link: StorageLink, actor: str, now: int) -> IssueRow:
    return IssueRow(
        link_id=link.id,
        actor=actor,
        zone=link.zone,
        bucket=link.bucket,
        key=link.key,
        document_id=document_id(link.zone, link.bucket, link.key),
        grant=link.grant.text,
        version=link.version,
        generation=link.generation,
        kid=link.kid,
        expires_at=link.expires_at,
        issued_at=now,
    )
