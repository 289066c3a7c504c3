"""Deliver: the way of a link from its octets to the answer's. No framework, no cache field.

`gate` says whether the link may be used at all, `hit` answers from memory without waiting,
`deliver` does whatever it takes. Cache fields come from the zone's policy, in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from time import time

from cdn.fields import Profile, render
from cdn.modes import absent_policy, policy_for
from cdn.policy import CachePolicy, Confidential, NoStore
from gateway.caches.budget import ByteBudget
from gateway.catalogue import Catalogue
from gateway.deliveries import Delivery, FieldList, Request, selected, unmodified
from gateway.documents import CacheMode, Document, DocumentRef, Zone
from gateway.errors import (
    DocumentChanged,
    DocumentNotFound,
    VersionSuperseded,
)
from gateway.gates import Gate, for_one
from gateway.making.selections import Pass, Selection, Selector
from gateway.originals import Originals
from gateway.permits import Permit
from gateway.representations import http_date, tags_of
from gateway.rules import Rules
from gateway.sharing import Sharing
from gateway.streams import Stream
from signing.errors import LinkExpired
from signing.links import LIVE, Link

HIT = (b"cache-status", b"ostiary; hit")
MISS = (b"cache-status", b"ostiary; fwd=miss")
VARY_ACCEPT = (b"vary", b"Accept")


class Deliverer:
    """Answers links and permits. Every part it works with is given to it."""

    def __init__(
        self,
        rules: Rules,
        sharing: Sharing,
        catalogue: Catalogue,
        originals: Originals,
        selector: Selector,
        budget: ByteBudget,
        gate: Gate,
        clock: Callable[[], float] = time,
    ) -> None:
        self._zones = rules.zones
        self._signer = rules.signer
        self._renditions = rules.renditions
        self._profiles = sharing.profiles
        self._canary = sharing.canary
        self._until = sharing.standings.until
        self.copies = sharing.copies
        self._catalogue = catalogue
        self._originals = originals
        self._selector = selector
        self._budget = budget
        self.gate = gate
        self._clock = clock

    def verify(self, raw_path: bytes, query: bytes, now: float) -> Link:
        """The link, when its own text proves it; nothing is looked up."""
        return self._signer.verify(raw_path, query, int(now))

    def hit(self, link: Pass, request: Request) -> Delivery | None:
        """The answer when everything it takes is in memory and fresh; None asks for `deliver`."""
        if link.bucket not in self._zones[link.zone].buckets:
            return self._canary.answer(link, request)
        ref = DocumentRef(link.zone, link.bucket, link.key)
        document = self._catalogue.fresh(ref)
        if document is None or not _leads_to(link, document):
            return None
        selection = self._selector.near(link, request, document)
        if selection is None:
            return None
        policy = self._policy(link, selection, request)
        if self.copies.traced:
            known = self.copies.known(link, request.asked, policy, request.now)
            if known is None:
                return None
            policy = known
        return self._answer(link, request, selection, policy)

    async def deliver(self, link: Pass, request: Request) -> Delivery:
        """The answer to an admitted link, whatever it takes.

        Raises the errors of catalogue, stores and imaging, `VersionSuperseded`, and
        `RequestRefused` for 412 and 416.
        """
        ref = self._ref(link)
        try:
            return await self._deliver(link, ref, request)
        except DocumentChanged:  # replaced since the catalogue looked: what is there now?
            self._catalogue.forget(ref)
            return await self._deliver(link, ref, request)

    async def _deliver(self, link: Pass, ref: DocumentRef, request: Request) -> Delivery:
        if link.rendition != "original":
            self._renditions.find(link.rendition)  # an unknown name costs the store nothing
        document = await self._document(link, ref)
        selection = await self._selector.select(link, request, document)
        request = request._replace(now=self._clock())
        policy = self._policy(link, selection, request)
        if self.copies.traced:
            policy = await self.copies.note(link, request.asked, policy, request.now)
        self._still(link, request._replace(now=self._clock()))
        delivery = self._answer(link, request, selection, policy)
        if isinstance(delivery.body, Stream):
            await delivery.body.prime(self._budget)
            try:
                self._still(link, request._replace(now=self._clock()))
            except BaseException:
                await delivery.body.aclose()
                raise
        return delivery

    def _still(self, link: Pass, request: Request) -> None:
        """A fetch and a render take time: the link may have died or been revoked meanwhile."""
        if request.now >= link.expires_at:
            raise LinkExpired(link.expires_at)
        self.gate.admit(link, request.viewer)

    def absent(self, link: Pass, now: float) -> FieldList:
        """The cache fields of a 404: short, and tagged so that an upload purges it."""
        if for_one(link):
            return render(Confidential(), self._profiles[link.zone])
        zone = self._zones[link.zone]
        tags = tags_of(zone, DocumentRef(link.zone, link.bucket, link.key), "")
        mode = self._mode(zone, now)
        policy = absent_policy(mode, now=int(now), expires_at=link.expires_at, tags=tags)
        if link.zone in self.copies.traced:
            policy = NoStore()  # for asking for nothing nobody fills the index
        return render(policy, self._profiles[link.zone])

    def _ref(self, link: Pass) -> DocumentRef:
        if link.bucket not in self._zones[link.zone].buckets:
            raise DocumentNotFound
        return DocumentRef(link.zone, link.bucket, link.key)

    async def _document(self, link: Pass, ref: DocumentRef) -> Document:
        document = await self._catalogue.document(ref)
        if not _leads_to(link, document):
            # Perhaps the link is newer than what is remembered here.
            document = await self._catalogue.renewed(ref)
            if not _leads_to(link, document):
                raise VersionSuperseded
        return document

    def _answer(
        self, link: Pass, request: Request, selection: Selection, policy: CachePolicy
    ) -> Delivery:
        ready, level = selection.ready, selection.level
        varying = _varying(self._profiles[link.zone], policy, selection, request.now)
        shown = ready.representation.name
        delivery = unmodified(request, ready, varying, level)
        if delivery is None:
            fixed = ready.download if link.grant.disposition == "download" else ready.inline
            delivery = selected(request, ready, fixed, varying, level, self._originals)
        return delivery if shown == link.rendition else delivery._replace(shown=shown)

    def _mode(self, zone: Zone, now: float) -> CacheMode:
        """The zone's own, while it is known that its CDN guards links."""
        return zone.cache if now < self._until[zone.name] else "private"

    def _policy(self, link: Pass, selection: Selection, request: Request) -> CachePolicy:
        if selection.ready.representation.marked or for_one(link):
            return Confidential()
        zone = self._zones[link.zone]
        mode = self._mode(zone, request.now)
        tags, negotiated = selection.ready.tags, selection.negotiated
        if isinstance(link, Permit):
            return link.policy(
                mode, zone.ttl, tags, negotiated=negotiated, provisional=not selection.final
            )
        return policy_for(
            mode,
            now=int(request.now),
            expires_at=link.expires_at,
            ttl=zone.ttl,
            stale_while_revalidate=zone.stale_while_revalidate,
            stale_if_error=zone.stale_if_error,
            tags=tags,
            negotiated=negotiated,
            pinned=link.version != LIVE,
            provisional=not selection.final,
            proven=request.proven,
        )


def _leads_to(link: Pass, document: Document) -> bool:
    return link.version in (LIVE, document.version)


def _varying(
    profiles: Sequence[Profile], policy: CachePolicy, selection: Selection, now: float
) -> FieldList:
    status = MISS if selection.level == "miss" else HIT
    fields = [(b"date", _date(int(now))), status, *render(policy, profiles), *selection.fields]
    if selection.negotiated:
        fields.append(VARY_ACCEPT)
    return fields


@lru_cache(maxsize=4)
def _date(now: int) -> bytes:
    return http_date(now)


def forbidding(now: float, profiles: Sequence[Profile] = ()) -> FieldList:
    """The cache fields of an answer that nobody may keep."""
    return [(b"date", _date(int(now))), *render(NoStore(), profiles)]
