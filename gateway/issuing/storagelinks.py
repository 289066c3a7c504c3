"""Storage links: URLs of the storage routes, given once the ledger holds them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gateway.documents import Zone
from gateway.errors import ResidencyRefused
from gateway.rules import Rules
from gateway.state.ledger import IssueRow, Ledger
from signing.errors import Unsignable
from signing.grants import Grant
from signing.links import LinkRequest
from signing.storage import StorageLink
from signing.windows import holds, life, quantum

# Links that one process remembers having given: a page of fifty for two thousand users.
REMEMBERED = 100_000

_Place: TypeAlias = tuple[str, str, str, int, str]


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


class StorageIssuer:
    """Issues URLs of the storage routes; who may have them has been decided.

    Whoever asks again within a window gets the text that is in the ledger under their name
    already, from memory: pages sign all their pictures anew each time they are opened.
    """

    def __init__(self, rules: Rules, ledger: Ledger) -> None:
        self._signer = rules.signer
        self._residency = rules.residency
        self._revocations = rules.revocations
        self._ledger = ledger
        self._given: OrderedDict[_Place, StorageLink] = OrderedDict()

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
        links = self._remembered(order, keys, now)
        new = [
            (place, self._link(order, key, now))
            for place, (key, link) in enumerate(zip(keys, links, strict=True))
            if link is None
        ]
        signed = [(place, link) for place, link in new if isinstance(link, StorageLink)]
        await self._ledger.record_issue([IssueRow.of(link, order.actor, now) for _, link in signed])
        for _, link in signed:
            self._remember(order, link)
        fresh = dict(new)
        return [link or fresh[place] for place, link in enumerate(links)]

    def _remembered(self, order: Order, keys: Sequence[str], now: int) -> list[StorageLink | None]:
        """What was given for each key and would be given again, word for word."""
        zone, bucket, given = order.zone, order.bucket, self._given
        lifetime = life(order.expires_in, zone.window, zone.longest_life)
        step = quantum(lifetime, zone.window)
        generation = self._revocations.generation

        def good(link: StorageLink | None, key: str) -> bool:
            return (
                link is not None
                and holds(link.expires_at, now, lifetime, step)
                and link.generation == generation(zone, bucket, key)
            )

        before, after = (bucket, order.grant.text), (order.expires_in, order.actor)
        links = [given.get((*before, key, *after)) for key in keys]
        return [link if good(link, key) else None for key, link in zip(keys, links, strict=True)]

    def _remember(self, order: Order, link: StorageLink) -> None:
        grant, asked = order.grant.text, order.expires_in
        self._given[link.bucket, grant, link.key, asked, order.actor] = link
        if len(self._given) > REMEMBERED:
            self._given.popitem(last=False)

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
