"""Issue: links for documents, many in one call, each durable in the ledger before it is given.

The same grant in the same window gives the same text, and equal calls give equal answers.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.auth import Operator
from gateway.catalogue import Catalogue
from gateway.documents import Document, DocumentRef, Zone
from gateway.errors import DocumentNotFound, GatewayError, ResidencyRefused
from gateway.issuing.markup import Markup, markup
from gateway.issuing.terms import Terms, Text
from gateway.making.measure import Measurer
from gateway.rules import Rules
from gateway.state.ledger import IssueRow, Ledger
from imaging.errors import ImagingError
from signing.errors import SigningError
from signing.links import LIVE, Link, LinkRequest

MOST = 1_000
# Looks at documents that one call may have under way at its stores.
ABREAST = 32


class Wanted(BaseModel):
    """One document a link is wanted for; without `zone` in that of its bucket."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    bucket: Text
    key: Text
    zone: Text = ""


class LinksCall(Terms):
    """The body of `POST /v1/links`: documents, and what their links shall grant.

    `one_time` links are good for one delivery each, of the original or of one exact rendition.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    documents: Annotated[list[Wanted], Field(min_length=1, max_length=MOST)]
    pinned: bool = False
    extension: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{0,8}$")] = ""
    one_time: bool = False


@dataclass(frozen=True, slots=True)
class Issued:
    """A link given out, with what a page needs to show the document."""

    link: Link
    document: Document
    url: str
    renew_at: int
    template: str
    markup: Markup
    width: int | None
    height: int | None
    pages: int | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A document no link is given for, and why."""

    wanted: Wanted
    error: GatewayError | SigningError | ImagingError


class Issuer:
    """Issues links. `origin` is where links point in a zone without a `public_url`."""

    def __init__(
        self,
        rules: Rules,
        catalogue: Catalogue,
        measurer: Measurer,
        ledger: Ledger,
    ) -> None:
        self._rules = rules
        self._zones = rules.zones
        self._homes = {
            bucket: zone.name for zone in rules.zones.values() for bucket in zone.buckets
        }
        self._signer = rules.signer
        self._renditions = rules.renditions
        self._residency = rules.residency
        self._revocations = rules.revocations
        self._catalogue = catalogue
        self._measurer = measurer
        self._ledger = ledger

    async def issue(
        self, call: LinksCall, operator: Operator, origin: str, now: int
    ) -> list[Issued | Refused]:
        """One answer per document, in order; every link in it is in the ledger.

        Raises `StateUnavailable` when the ledger can not be written: then no link is given.
        """
        self._revocations.fresh()
        audience = call.audience or ""
        abreast = asyncio.Semaphore(ABREAST)

        async def answer(wanted: Wanted) -> Issued | Refused:
            try:
                async with abreast:
                    return await self._one(wanted, call, operator, origin, now)
            except (GatewayError, SigningError, ImagingError) as error:
                return Refused(wanted, error)

        answers = await asyncio.gather(*map(answer, call.documents))
        given = [one.link for one in answers if isinstance(one, Issued)]
        await self._ledger.record_issue(
            [IssueRow.of(link, operator.id, now, audience) for link in given]
        )
        return answers

    async def _one(
        self, wanted: Wanted, call: LinksCall, operator: Operator, origin: str, now: int
    ) -> Issued:
        name = wanted.zone or self._homes.get(wanted.bucket, "")
        operator.need("links", name)
        zone = self._zones.get(name)
        if zone is None or wanted.bucket not in zone.buckets:
            raise DocumentNotFound
        if not self._residency.admits(zone):
            raise ResidencyRefused
        call.check(self._rules)
        # The grammar's own refusals come before the store is asked.
        self._sign(wanted, zone, call, LIVE, now)
        document = await self._catalogue.document(DocumentRef(zone.name, wanted.bucket, wanted.key))
        version = document.version if call.pinned else LIVE
        link = self._sign(wanted, zone, call, version, now)
        measured = await self._measurer.measure(document)
        base = zone.public_url or origin
        life = min(call.expires_in or 2 * zone.window, zone.longest_life)
        return Issued(
            link=link,
            document=document,
            url=base + link.target,
            renew_at=link.expires_at - life // 5,
            template=f"{base}/d/{{rendition}}/{link.scope}?t={link.body}.{link.signature}",
            markup=markup(link, document, self._renditions, measured, base),
            width=measured.width,
            height=measured.height,
            pages=measured.pages,
        )

    def _sign(self, wanted: Wanted, zone: Zone, call: LinksCall, version: str, now: int) -> Link:
        request = LinkRequest(
            zone=zone.name,
            bucket=wanted.bucket,
            key=wanted.key,
            grant=call.granted(),
            version=version,
            generation=self._revocations.generation(zone, wanted.bucket, wanted.key),
            expires_in=call.expires_in,
            extension=call.extension if zone.sealed else "",
            audience=call.audience or "",
            one_time=token_urlsafe(12) if call.one_time else "",
            returns=self._revocations.returns(call.audience or ""),
        )
        return self._signer.issue(request, now)
