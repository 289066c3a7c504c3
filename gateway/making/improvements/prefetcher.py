"""The prefetcher: makes a rendition that nobody asked for yet, just as if somebody had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import structlog

from gateway.catalogue import Catalogue
from gateway.errors import DocumentChanged, DocumentNotFound, GatewayError
from gateway.making.derive import SOURCE_LIMIT
from gateway.making.improvements.wishes import Wish, Wishes
from gateway.making.masters import Masters
from gateway.making.measurements import Measurements
from gateway.making.shelves import Shelf
from gateway.originals import Originals
from gateway.rules import Rules
from imaging.errors import ImagingError
from imaging.rendered import Rendered

_log = structlog.stdlib.get_logger(__name__)

Outcome = Literal["made", "needless", "gone", "failed"]
Observe = Callable[[Outcome, float], None]


class Prefetcher:
    """Makes what was wished for, of documents that are still what they were and may be read here.

    `masters` work in the workshop that nobody waits for. What is made is on disk alone, and no
    lock is held for it: who asks for it meanwhile has it made at once.
    """

    def __init__(
        self,
        rules: Rules,
        catalogue: Catalogue,
        stock: tuple[Originals, Shelf, Measurements],
        masters: Masters,
        wishes: Wishes,
        observe: Observe = lambda outcome, seconds: None,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._rules = rules
        self._catalogue = catalogue
        self._originals, self._shelf, self._measurements = stock
        self._masters = masters
        self._wishes = wishes
        self._observe = observe
        self._clock = clock

    async def make(self, wish: Wish) -> None:
        """Fulfil one wish, or leave it alone for a while when that fails."""
        began = self._clock()
        try:
            outcome = await self._fulfil(wish)
        except (DocumentChanged, DocumentNotFound):
            outcome = "gone"
        except (ImagingError, GatewayError) as error:
            outcome = "failed"
            name = type(error).__name__
            _log.warning("not prefetched", document=wish.document.id, error=name)
        if outcome == "failed":
            self._wishes.leave(wish)
        self._observe(outcome, self._clock() - began)

    async def _fulfil(self, wish: Wish) -> Outcome:
        document, rendition = wish.document, wish.rendition
        if not await self._stands(wish):
            return "gone"
        if await self._above(wish) or await self._shelf.holds(document, rendition):
            return "needless"
        made = await self._made(wish)
        if made.width < rendition.width:  # nothing is made larger than its source
            return "needless"
        if not await self._stands(wish):
            return "gone"
        # Somebody was faster, and may have had it made better since.
        if await self._shelf.holds(document, rendition):
            return "needless"
        return await self._keep(wish, made)

    async def _stands(self, wish: Wish) -> bool:
        """Whether it is the document it was, with the same links, and may be read here."""
        ref = wish.document.ref
        zone = self._rules.zones[ref.zone]
        if not self._rules.residency.admits(zone):
            return False
        document = await self._catalogue.document(ref)
        self._rules.revocations.fresh()
        known = self._rules.revocations.generation(zone, ref.bucket, ref.key)
        return known == wish.generation and document.identity == wish.document.identity

    async def _above(self, wish: Wish) -> bool:
        """Whether the page is known to be narrower than what was wished for."""
        if wish.rendition.page > 1:
            return False
        width = (await self._measurements.known(wish.document)).width
        return width is not None and width < wish.rendition.width

    async def _made(self, wish: Wish) -> Rendered:
        document, rendition = wish.document, wish.rendition
        if printed := await self._masters.printed(document, rendition):
            return printed
        source = await self._originals.whole(document, SOURCE_LIMIT)
        return await self._masters.rendered(document, rendition, source)

    async def _keep(self, wish: Wish, made: Rendered) -> Outcome:
        if not await self._shelf.lay_by(wish.document, wish.rendition, made):
            return "failed"
        _log.info(
            "prefetched",
            document=wish.document.id,
            rendition=wish.rendition.spec,
            fingerprint=made.fingerprint,
            octets=len(made.body),
        )
        return "made"
