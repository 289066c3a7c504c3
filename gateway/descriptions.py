"""Descriptions: what a document is, for pages and viewers that are to show it."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.auth import Operator
from gateway.catalogue import Catalogue
from gateway.documents import Document, DocumentRef
from gateway.errors import DocumentNotFound, ResidencyRefused
from gateway.making.choices import BROWSERS, Choice, choose
from gateway.making.measurements import Measured
from gateway.making.placeholders import Placeholders
from gateway.making.sights import Sights
from gateway.rules import Rules
from signing.addresses import check_bucket, check_key
from signing.errors import Unsignable


@dataclass(frozen=True, slots=True)
class Described:
    """A document, what was measured of it, and the names that a link to all of it opens.

    `choice` is what `auto` gives to today's browsers, None where it is not known in time.
    """

    document: Document
    measured: Measured
    names: tuple[str, ...]
    choice: Choice | None


class Descriptions:
    """Describes documents to whoever may have links to them."""

    def __init__(
        self, rules: Rules, catalogue: Catalogue, placeholders: Placeholders, sights: Sights
    ) -> None:
        self._zones = rules.zones
        self._residency = rules.residency
        self._renditions = rules.renditions
        self._catalogue = catalogue
        self._placeholders = placeholders
        self._sights = sights

    async def of(self, ref: DocumentRef) -> Described:
        """What the document is now; its caller has been judged.

        Raises `DocumentNotFound`, `ResidencyRefused` and what the store raises.
        """
        self._check(ref)
        document = await self._catalogue.document(ref)
        measured = await self._placeholders.measure(document)
        names = ("original", *self._renditions.names(document.sniffed))
        sight = await self._sights.cheaply(document)
        choice = None if sight is None else choose(document, sight, BROWSERS)
        return Described(document, measured, names, choice)

    async def choice(self, ref: DocumentRef, accept: str = BROWSERS) -> Choice:
        """What `auto` gives to a client that sends that Accept field.

        Raises as `of` does, `Overloaded`, and imaging's `PoolBusy`.
        """
        self._check(ref)
        document = await self._catalogue.document(ref)
        return choose(document, await self._sights.of(document), accept)

    async def of_operator(self, ref: DocumentRef, operator: Operator) -> Described:
        """The same to an operator. Raises `NotAuthorised` too."""
        operator.need("links", ref.zone)
        return await self.of(ref)

    def _check(self, ref: DocumentRef) -> None:
        zone = self._zones.get(ref.zone)
        if zone is None or ref.bucket not in zone.buckets:
            raise DocumentNotFound
        if not self._residency.admits(zone):
            raise ResidencyRefused
        try:
            check_bucket(ref.bucket)
            check_key(ref.key)
        except (Unsignable, ValueError):  # half a surrogate pair has no octets to count
            raise DocumentNotFound from None
