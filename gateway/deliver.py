"""Deliver: the way of a link from its octets to the answer's. No framework, no cache field.

`admit` says whether the link may be used at all, `hit` answers from memory without waiting,
`deliver` does whatever it takes. Cache fields come from the zone's policy, in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from cdn.fields import Profile, render
from cdn.modes import absent_policy, policy_for
from cdn.policy import CachePolicy, NoStore
from gateway.catalogue import Catalogue
from gateway.derive import Deriver
from gateway.documents import Document, DocumentRef, Zone
from gateway.errors import (
    DocumentChanged,
    DocumentNotFound,
    RequestRefused,
    ResidencyRefused,
    VersionSuperseded,
)
from gateway.originals import Originals
from gateway.preconditions import (
    Preconditions,
    Verdict,
    evaluate,
    range_applies,
)
from gateway.ranges import (
    ByteRange,
    Multipart,
    Several,
    Single,
    Unsatisfiable,
    Whole,
    content_range,
    select,
    unsatisfied_range,
)
from gateway.regions import Residency
from gateway.representations import Ready, http_date, tags_of
from gateway.state.revocations import Guard, Revocations
from gateway.streams import Stream
from imaging.negotiate import choose_format
from imaging.renditions import Rendition, Renditions
from signing.errors import GrantRefused
from signing.links import LIVE, Link, Signer, check_companions, check_generation

FieldList: TypeAlias = list[tuple[bytes, bytes]]

HIT = (b"cache-status", b"ostiary; hit")
MISS = (b"cache-status", b"ostiary; fwd=miss")
VARY_ACCEPT = (b"vary", b"Accept")


@dataclass(frozen=True, slots=True)
class Request:
    """What delivery needs of a request; `now` is Unix time in seconds."""

    head: bool
    preconditions: Preconditions
    range: bytes
    accept: str
    now: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer: status, fields ready for the wire, and a body in hand or to be streamed.

    `level` is the cache level it came from, "memory" or "disk", or "miss"; empty for an error.
    """

    status: int
    fields: FieldList
    body: bytes | Stream
    level: str = ""
    document: str = ""


class Deliverer:
    """Answers links. Every part it works with is given to it."""

    def __init__(
        self,
        *,
        zones: Mapping[str, Zone],
        profiles: Mapping[str, Sequence[Profile]],
        signer: Signer,
        renditions: Renditions,
        residency: Residency,
        revocations: Revocations,
        catalogue: Catalogue,
        originals: Originals,
        deriver: Deriver,
    ) -> None:
        self._zones = zones
        self._profiles = profiles
        self._signer = signer
        self._renditions = renditions
        self._residency = residency
        self._revocations = revocations
        self._catalogue = catalogue
        self._originals = originals
        self._deriver = deriver

    def verify(self, raw_path: bytes, query: bytes, now: float) -> Link:
        """The link, when its own text proves it; nothing is looked up."""
        return self._signer.verify(raw_path, query, int(now))

    def admit(self, link: Link) -> bool:
        """Whether the link may be used now; False asks to `reread` the revocations first.

        Raises signing's refusals and `ResidencyRefused`.
        """
        self._revocations.fresh()
        known = self._revocations.generation(self._zones[link.zone], link.bucket, link.key)
        if link.generation > known:
            return False
        check_generation(link, known)
        self._check_use(link)
        return True

    async def reread(self, link: Link) -> None:
        """Admit a link of a generation that was not known: ask the authority, then decide."""
        await self._revocations.refresh()
        known = self._revocations.generation(self._zones[link.zone], link.bucket, link.key)
        check_generation(link, known)
        self._check_use(link)

    def _check_use(self, link: Link) -> None:
        check_companions(link)
        name = link.rendition
        allowed = link.grant.allows(
            name,
            declared=name == "original" or self._renditions.declared(name),
            carries_original=self._renditions.carries_original(name),
        )
        if not allowed:
            raise GrantRefused
        if not self._residency.admits(self._zones[link.zone]):
            raise ResidencyRefused

    def hit(self, link: Link, request: Request) -> Delivery | None:
        """The answer when everything it takes is in memory and fresh; None asks for `deliver`."""
        ref = self._ref(link)
        document = self._catalogue.fresh(ref)
        if document is None:
            return None
        if not _leads_to(link, document):
            return None
        if link.rendition == "original":
            ready = self._originals.near(document)
            negotiated = False
        else:
            rendition, negotiated = self._rendition(link, request)
            ready = self._deriver.near(document, rendition)
        if ready is None:
            return None
        return self._answer(link, request, ready, negotiated, level="memory")

    async def deliver(self, link: Link, request: Request) -> Delivery:
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

    async def _deliver(self, link: Link, ref: DocumentRef, request: Request) -> Delivery:
        if link.rendition == "original":
            document = await self._document(link, ref)
            ready = await self._originals.ready(document)
            delivery = self._answer(link, request, ready, negotiated=False, level="miss")
        else:
            rendition, negotiated = self._rendition(link, request)
            document = await self._document(link, ref)
            ready, hit = await self._deriver.ready(document, rendition)
            level = "disk" if hit else "miss"
            delivery = self._answer(link, request, ready, negotiated, level=level)
        if isinstance(delivery.body, Stream):
            await delivery.body.prime()
        return delivery

    def absent(self, link: Link, now: float) -> FieldList:
        """The cache fields of a 404: short, and tagged so that an upload purges it."""
        zone = self._zones[link.zone]
        tags = tags_of(zone, DocumentRef(link.zone, link.bucket, link.key), "")
        policy = absent_policy(zone.cache, now=int(now), expires_at=link.expires_at, tags=tags)
        return render(policy, self._profiles[link.zone])

    def watch(self, link: Link, abort: Callable[[], None]) -> Guard:
        """Have `abort` called when the link is revoked; closing the guard ends the watch."""
        zone = self._zones[link.zone]
        return self._revocations.register(zone, link.bucket, link.key, link.generation, abort)

    def _ref(self, link: Link) -> DocumentRef:
        if link.bucket not in self._zones[link.zone].buckets:
            raise DocumentNotFound
        return DocumentRef(link.zone, link.bucket, link.key)

    async def _document(self, link: Link, ref: DocumentRef) -> Document:
        document = await self._catalogue.document(ref)
        if not _leads_to(link, document):
            # Perhaps the link is newer than what is remembered here.
            document = await self._catalogue.renewed(ref)
            if not _leads_to(link, document):
                raise VersionSuperseded
        return document

    def _rendition(self, link: Link, request: Request) -> tuple[Rendition, bool]:
        rendition = self._renditions.find(link.rendition)
        if not rendition.automatic:
            return rendition, False
        form = choose_format(request.accept, alpha_or_page=rendition.page > 0)
        return rendition.with_format(form), True

    def _answer(
        self, link: Link, request: Request, ready: Ready, negotiated: bool, *, level: str
    ) -> Delivery:
        representation = ready.representation
        policy = self._policy(link, ready, negotiated, request.now)
        varying = _varying(self._profiles[link.zone], policy, negotiated, request.now, level)
        validators = ready.validators
        verdict = evaluate("HEAD" if request.head else "GET", request.preconditions, validators)
        if verdict is Verdict.NOT_MODIFIED:
            return Delivery(
                304, [*ready.unchanged, *varying], b"", level, representation.document.id
            )
        if verdict is Verdict.FAILED:
            raise RequestRefused(412, "precondition.failed", "The document is another version now.")
        fixed = ready.download if link.grant.disposition == "download" else ready.inline
        selected: Whole | Single | Several | Unsatisfiable = Whole()
        if request.range and not request.head and range_applies(request.preconditions, validators):
            selected = select(request.range, representation.size)
        fields = [*fixed, *varying]
        return self._selected(ready, fields, selected, level, head=request.head)

    def _selected(
        self,
        ready: Ready,
        fields: FieldList,
        selected: Whole | Single | Several | Unsatisfiable,
        level: str,
        *,
        head: bool,
    ) -> Delivery:
        size, document = ready.representation.size, ready.representation.document.id
        if isinstance(selected, Whole):
            fields.append((b"content-length", b"%d" % size))
            body: bytes | Stream | None = b"" if head or size == 0 else ready.representation.body
            if body is None:
                body = self._body(ready, [ByteRange(0, size - 1)])
            return Delivery(200, fields, body, level, document)
        if isinstance(selected, Single):
            fields.append((b"content-range", content_range(selected.range, size)))
            fields.append((b"content-length", b"%d" % selected.range.length))
            return Delivery(206, fields, self._body(ready, [selected.range]), level, document)
        if isinstance(selected, Several):
            return self._several(ready, fields, selected, level)
        raise RequestRefused(
            416,
            "range.unsatisfiable",
            "No octet of the document lies in the range asked for.",
            fields=((b"content-range", unsatisfied_range(size)),),
        )

    def _several(self, ready: Ready, fields: FieldList, selected: Several, level: str) -> Delivery:
        representation = ready.representation
        multipart = Multipart(
            selected.ranges, representation.size, representation.media.text, representation.etag
        )
        kept = [field for field in fields if field[0] != b"content-type"]
        kept.append((b"content-type", multipart.content_type))
        kept.append((b"content-length", b"%d" % multipart.length))
        parts: list[bytes | ByteRange] = []
        for preamble, part in multipart.parts:
            parts += [preamble, part]
        body = self._body(ready, [*parts, multipart.closing])
        return Delivery(206, kept, body, level, representation.document.id)

    def _body(self, ready: Ready, parts: Sequence[bytes | ByteRange]) -> bytes | Stream:
        body = ready.representation.body
        document = ready.representation.document
        if body is None:
            return Stream(document, parts, self._originals)
        first = parts[0]
        if len(parts) == 1 and isinstance(first, ByteRange):
            return body if first.length == len(body) else body[first.first : first.last + 1]
        return b"".join(
            part if isinstance(part, bytes) else body[part.first : part.last + 1] for part in parts
        )

    def _policy(self, link: Link, ready: Ready, negotiated: bool, now: float) -> CachePolicy:
        zone = self._zones[link.zone]
        return policy_for(
            zone.cache,
            now=int(now),
            expires_at=link.expires_at,
            ttl=zone.ttl,
            stale_while_revalidate=zone.stale_while_revalidate,
            stale_if_error=zone.stale_if_error,
            tags=ready.tags,
            negotiated=negotiated,
            pinned=link.version != LIVE and ready.representation.final,
        )


def _leads_to(link: Link, document: Document) -> bool:
    return link.version in (LIVE, document.version)


def _varying(
    profiles: Sequence[Profile], policy: CachePolicy, negotiated: bool, now: float, level: str
) -> FieldList:
    status = MISS if level == "miss" else HIT
    fields = [(b"date", _date(int(now))), status, *render(policy, profiles)]
    if negotiated:
        fields.append(VARY_ACCEPT)
    return fields


@lru_cache(maxsize=4)
def _date(now: int) -> bytes:
    return http_date(now)


def forbidding(now: float, profiles: Sequence[Profile] = ()) -> FieldList:
    """The cache fields of an answer that nobody may keep."""
    return [(b"date", _date(int(now))), *render(NoStore(), profiles)]
