"""Problems: every error as an answer (RFC 9457), and the only place that gives errors a status.

`type` is `urn:ostiary:problem:<code>`: a name, not an address, so that an answer sends nobody to
another host; docs/problems.md has a section for each code.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from functools import cache
from http import HTTPStatus

from jinja2 import Environment, PackageLoader, Template

from cdn.errors import CdnError, PurgeRefused
from gateway.errors import (
    DocumentBroken,
    DocumentChanged,
    DocumentNotFound,
    GatewayError,
    NotAuthorised,
    Overloaded,
    RequestRefused,
    ResidencyRefused,
    StoreUnavailable,
    VersionSuperseded,
)
from gateway.security import Field, security_fields
from imaging.errors import BrokenSource, ImagingError, PageMissing, PoolBusy, UnknownRendition
from signing.errors import (
    AudienceRefused,
    GenerationAhead,
    GrantRefused,
    LinkExpired,
    LinkRefused,
    LinkRevoked,
    SigningError,
    Unsignable,
)

# Reasons are short codes by contract; a sentence from a library could tell of the content.
_REASON = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer to an error, but for its caching.

    `code` is its section in docs/problems.md; `retry_after` is in seconds; `allow` is the Allow
    field; `fields` are others that the status asks for. A `constant` one has the same octets for
    every request: no page, no request id.
    """

    status: int
    code: str
    title: str
    detail: str = ""
    hint: str = ""
    retry_after: int | None = None
    allow: str = ""
    constant: bool = False
    fields: tuple[Field, ...] = ()

    @property
    def type(self) -> str:
        return f"urn:ostiary:problem:{self.code}"


LINK_REFUSED = Problem(
    403,
    "link.refused",
    "This link is not valid",
    hint="Check that the whole link was copied, or ask for a new one.",
    constant=True,
)
LINK_EXPIRED = Problem(
    410,
    "link.expired",
    "This link has expired",
    "Links to documents work for a limited time, and this one's is over.",
    "Ask whoever sent you the link for a new one, or open the document again in the application "
    "where you found it.",
)
LINK_REVOKED = Problem(
    410,
    "link.revoked",
    "This link has been taken back",
    "Whoever manages the document has ended access by this link.",
    "If you still need the document, ask whoever sent you the link for a new one.",
)
VERSION_SUPERSEDED = Problem(
    410,
    "version.superseded",
    "This version has been replaced",
    "The link leads to one version of the document, and that version is no longer kept.",
    "Ask whoever sent you the link for one to the current version.",
)
RENDITION_REFUSED = Problem(
    403,
    "rendition.refused",
    "This link does not cover that rendition",
    hint="Use one of the renditions that came with the link.",
)
AUDIENCE_REFUSED = Problem(
    403,
    "audience.refused",
    "This link is for somebody else",
    "The link is bound to one viewer or one use, and nothing proved that this is it.",
    "Open the document in the application where you found the link.",
)
DOCUMENT_NOT_FOUND = Problem(
    404,
    "document.not-found",
    "There is no such document",
    hint="It may have been moved or deleted; ask whoever sent you the link.",
    constant=True,
)
DOCUMENT_CHANGED = Problem(
    503,
    "document.changed",
    "The document is being replaced",
    hint="Try again in a moment.",
    retry_after=1,
)
RESIDENCY_REFUSED = Problem(
    451,
    "residency.refused",
    "This document may not be served from here",
    "The document is bound to other regions; nothing of it was read.",
    "Use the address that the link was issued with.",
)
NOT_AUTHENTICATED = Problem(
    401,
    "token.missing",
    "An operator's token is needed",
    hint="Send `Authorization: Bearer` with a token of the configuration.",
    fields=((b"www-authenticate", b'Bearer realm="ostiary"'),),
)
NOT_AUTHORISED = Problem(
    403,
    "token.refused",
    "This token does not reach that far",
    hint="Use a token with the scope and the zone that this needs.",
    fields=((b"www-authenticate", b'Bearer realm="ostiary", error="insufficient_scope"'),),
)
UNSIGNABLE = Problem(422, "link.unsignable", "No link can be made for this")
DOCUMENT_BROKEN = Problem(
    422,
    "document.broken",
    "The document can not be shown",
    hint="The original may still be fine; ask for it if your link covers it.",
)
STORE_UNAVAILABLE = Problem(
    503, "store.unavailable", "The document's store does not answer", hint="Try again in a moment."
)
OVERLOADED = Problem(503, "overloaded", "Too busy just now", hint="Try again in a moment.")
PURGE_REFUSED = Problem(
    502, "purge.refused", "The CDN did not confirm the purge", hint="Run `ostiary doctor`."
)
INTERNAL = Problem(
    500,
    "internal",
    "Something went wrong here",
    hint="Tell the operator the request id; the log has the rest.",
)

_REQUEST_TITLES = {
    404: "There is nothing here",
    405: "This method is not allowed here",
    412: "The document has changed",
    416: "The range lies outside the document",
}
_WEIGHT = re.compile(rb"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


def problem_for(error: Exception) -> Problem:
    """The answer to an error; one nobody raises on purpose is a 500 that tells nothing."""
    match error:
        case GatewayError():
            return _of_gateway(error)
        case SigningError():
            return _of_signing(error)
        case ImagingError():
            return _of_imaging(error)
        case CdnError():
            return _of_cdn(error)
        case _:
            return INTERNAL


def render(
    problem: Problem, *, request_id: str, html: bool, corp: str = "cross-origin"
) -> tuple[int, list[Field], bytes]:
    """Status, fields and body. The caller adds the cache policy and the request id's field.

    `html` says that the client prefers a page (`prefers_html`); `corp` is for
    `security_fields`.
    """
    if problem.constant:
        media_type, body = b"application/problem+json", _constant_body(problem)
    elif html:
        media_type, body = b"text/html; charset=utf-8", _page(problem, request_id)
    else:
        media_type, body = b"application/problem+json", _body(problem, request_id)
    fields = [(b"content-type", media_type), (b"content-length", b"%d" % len(body))]
    if problem.retry_after is not None:
        fields.append((b"retry-after", b"%d" % problem.retry_after))
    if problem.allow:
        fields.append((b"allow", problem.allow.encode("ascii")))
    return problem.status, [*fields, *problem.fields, *security_fields(corp)], body


def prefers_html(accept: bytes) -> bool:
    """Whether an Accept field ranks HTML above JSON (RFC 9110 §12.5.1). No preference is no."""
    weights = dict(filter(None, map(_weighted, accept.lower().split(b","))))
    problem, plain = (
        _weight(weights, b"application/problem+json"),
        _weight(weights, b"application/json"),
    )
    return _weight(weights, b"text/html") > max(problem, plain)


def _of_gateway(error: GatewayError) -> Problem:
    match error:
        case DocumentNotFound():
            return DOCUMENT_NOT_FOUND
        case DocumentBroken():
            return _with_reason(DOCUMENT_BROKEN, error.reason)
        case DocumentChanged():
            return DOCUMENT_CHANGED
        case StoreUnavailable():
            return replace(STORE_UNAVAILABLE, retry_after=_seconds(error.retry_after))
        case Overloaded():
            return replace(OVERLOADED, retry_after=_seconds(error.retry_after))
        case ResidencyRefused():
            return RESIDENCY_REFUSED
        case VersionSuperseded():
            return VERSION_SUPERSEDED
        case RequestRefused():
            return _of_request(error)
        case NotAuthorised():
            return NOT_AUTHORISED if error.known else NOT_AUTHENTICATED
        case _:
            return INTERNAL


def _of_signing(error: SigningError) -> Problem:
    match error:
        # A link ahead of an authority that was just asked is not one of ours (design of `gen`);
        # an authority that can not be asked is `StoreUnavailable`.
        case LinkRefused() | GenerationAhead():
            return LINK_REFUSED
        case LinkExpired():
            return LINK_EXPIRED
        case LinkRevoked():
            return LINK_REVOKED
        case GrantRefused():
            return RENDITION_REFUSED
        case AudienceRefused():
            return AUDIENCE_REFUSED
        case Unsignable():
            return _with_reason(UNSIGNABLE, error.reason)
        case _:
            return INTERNAL


def _of_imaging(error: ImagingError) -> Problem:
    match error:
        case UnknownRendition():
            nearest = f" The nearest name is {error.nearest}." if error.nearest else ""
            return replace(RENDITION_REFUSED, hint=RENDITION_REFUSED.hint + nearest)
        case BrokenSource():
            return _with_reason(DOCUMENT_BROKEN, error.reason)
        case PageMissing():
            return DOCUMENT_NOT_FOUND
        case PoolBusy():
            return replace(OVERLOADED, retry_after=_seconds(error.retry_after))
        case _:
            return INTERNAL


def _of_cdn(error: CdnError) -> Problem:
    if not isinstance(error, PurgeRefused):
        return INTERNAL
    if error.retry_after is None:
        return PURGE_REFUSED
    return replace(PURGE_REFUSED, retry_after=_seconds(error.retry_after))


def _of_request(error: RequestRefused) -> Problem:
    title = _REQUEST_TITLES.get(error.status) or HTTPStatus(error.status).phrase
    return Problem(error.status, error.code, title, error.detail, error.hint, fields=error.fields)


def _with_reason(problem: Problem, reason: str) -> Problem:
    known = reason if _REASON.fullmatch(reason) else "unknown"
    return replace(problem, detail=f"Reason: {known}.")


def _seconds(delay: float) -> int:
    """Retry-After's whole seconds (RFC 9110 §10.2.3), at least one."""
    return max(1, math.ceil(delay))


def _body(problem: Problem, request_id: str) -> bytes:
    members = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "hint": problem.hint,
        "request_id": request_id,
    }
    told = {name: value for name, value in members.items() if value}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def _constant_body(problem: Problem) -> bytes:
    return _body(problem, "")


def _page(problem: Problem, request_id: str) -> bytes:
    return _template().render(problem=problem, request_id=request_id).encode()


@cache
def _template() -> Template:
    loader = PackageLoader("gateway")
    return Environment(loader=loader, autoescape=True, trim_blocks=True).get_template(
        "problem.html"
    )


def _weighted(member: bytes) -> tuple[bytes, float] | None:
    """A media range of Accept and its weight; parameters other than q are not looked at."""
    media_range, *parameters = (part.strip(b" \t") for part in member.split(b";"))
    weight = next((part[2:] for part in parameters if part.startswith(b"q=")), b"1")
    return (media_range, float(weight)) if _WEIGHT.fullmatch(weight) else None


def _weight(weights: dict[bytes, float], media_type: bytes) -> float:
    """The most specific range that matches decides."""
    kind = media_type.partition(b"/")[0] + b"/*"
    ranges = (media_type, kind, b"*/*")
    return next((weights[name] for name in ranges if name in weights), 0.0)
