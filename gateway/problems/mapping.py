"""Which problem answers which error: the errors of all four packages, and nothing else."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from http import HTTPStatus

from cdn.errors import CdnError, PurgeRefused
from gateway.errors import (
    Answer,
    CallerRefused,
    DocumentBroken,
    DocumentChanged,
    DocumentNotFound,
    GatewayError,
    InvalidRequest,
    KeysUnavailable,
    LinkUsed,
    NotAuthorised,
    Overloaded,
    PullerRefused,
    RateLimited,
    RequestRefused,
    ResidencyRefused,
    StateUnavailable,
    StoreUnavailable,
    UpstreamRefused,
    UpstreamUnavailable,
    VersionSuperseded,
    ViewerRefused,
    ViewerUnknown,
)
from gateway.problems.problem import (
    AUDIENCE_REFUSED,
    CALLER_REFUSED,
    CLAIM_REFUSED,
    DOCUMENT_BROKEN,
    DOCUMENT_CHANGED,
    DOCUMENT_NOT_FOUND,
    INTERNAL,
    KEYS_UNAVAILABLE,
    LINK_EXPIRED,
    LINK_REFUSED,
    LINK_REVOKED,
    LINK_USED,
    MARK_BROKEN,
    NOT_AUTHENTICATED,
    NOT_AUTHORISED,
    OVERLOADED,
    PULLER_REFUSED,
    PURGE_REFUSED,
    RATE_LIMITED,
    RENDITION_REFUSED,
    REQUEST_INVALID,
    RESIDENCY_REFUSED,
    STATE_UNAVAILABLE,
    STORE_UNAVAILABLE,
    UNSIGNABLE,
    UPSTREAM_REFUSED,
    UPSTREAM_UNAVAILABLE,
    VERSION_SUPERSEDED,
    VIEWER_REFUSED,
    VIEWER_UNKNOWN,
    Problem,
)
from imaging.errors import (
    BrokenSource,
    ImagingError,
    MarkBroken,
    PageMissing,
    PoolBusy,
    UnknownRendition,
)
from signing.errors import (
    AudienceRefused,
    BadgeRefused,
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


_UNSIGNABLE_HINTS = {
    "one-time": "A one-time link is for one rendition: ask for the grant original or x-NAME.",
    "sealed": "The zone seals its addresses, so it has no links to folders; ask for documents'.",
}
_REQUEST_TITLES = {
    404: "There is nothing here",
    405: "This method is not allowed here",
    412: "The document has changed",
    416: "The range lies outside the document",
}


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
        case StateUnavailable():
            return replace(STATE_UNAVAILABLE, retry_after=_seconds(error.retry_after))
        case Overloaded():
            return replace(OVERLOADED, retry_after=_seconds(error.retry_after))
        case ResidencyRefused():
            return RESIDENCY_REFUSED
        case PullerRefused():
            return PULLER_REFUSED
        case LinkUsed():
            return LINK_USED
        case RateLimited():
            return _of_rate(error)
        case VersionSuperseded():
            return VERSION_SUPERSEDED
        case RequestRefused():
            return _of_request(error)
        case InvalidRequest():
            return replace(REQUEST_INVALID, detail=error.message)
        case UpstreamUnavailable():
            return replace(UPSTREAM_UNAVAILABLE, retry_after=_seconds(error.retry_after))
        case UpstreamRefused():
            return _of_upstream(error.answer)
        case NotAuthorised():
            known = NOT_AUTHORISED if error.known else NOT_AUTHENTICATED
            return replace(known, detail=str(error))
        case CallerRefused():
            return _with_reason(CALLER_REFUSED, error.reason)
        case KeysUnavailable():
            return replace(KEYS_UNAVAILABLE, retry_after=_seconds(error.retry_after))
        case ViewerRefused():
            return VIEWER_REFUSED
        case ViewerUnknown():
            return VIEWER_UNKNOWN
        case _:
            return INTERNAL


def _of_rate(error: RateLimited) -> Problem:
    """With the fields of draft-ietf-httpapi-ratelimit-headers-10, which tell quota and end."""
    seconds = _seconds(error.retry_after)
    policy = f'"{error.what}";q={error.quota};w={error.window}'.encode()
    left = f'"{error.what}";r=0;t={seconds}'.encode()
    told = ((b"ratelimit-policy", policy), (b"ratelimit", left))
    return replace(RATE_LIMITED, retry_after=seconds, fields=told)


def _of_upstream(answer: Answer) -> Problem:
    """Upstream's own words stay behind: they may name what this caller should not know of."""
    if answer.true_status == 429:
        return replace(UPSTREAM_UNAVAILABLE, retry_after=_seconds(answer.retry_after))
    return DOCUMENT_NOT_FOUND if answer.missing else UPSTREAM_REFUSED


def _of_signing(error: SigningError) -> Problem:
    match error:
        # A link ahead of an authority that was just asked is not one of ours (design of `gen`);
        # an authority that can not be asked is `StateUnavailable`.
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
        case BadgeRefused():
            return _with_reason(CLAIM_REFUSED, error.reason)
        case Unsignable():
            hint = _UNSIGNABLE_HINTS.get(error.reason, "")
            return replace(_with_reason(UNSIGNABLE, error.reason), hint=hint)
        case _:
            return INTERNAL


def _of_imaging(error: ImagingError) -> Problem:
    match error:
        case UnknownRendition():
            return replace(RENDITION_REFUSED, hint=_hint(error))
        case BrokenSource():
            return _with_reason(DOCUMENT_BROKEN, error.reason)
        case MarkBroken():
            return _with_reason(MARK_BROKEN, error.reason)
        case PageMissing():
            return DOCUMENT_NOT_FOUND
        case PoolBusy():
            return replace(OVERLOADED, retry_after=_seconds(error.retry_after))
        case _:
            return INTERNAL


def _hint(error: UnknownRendition) -> str:
    near = error.nearest
    if error.reason == "redaction":
        newest = f"; its newest version makes {near}" if near else ""
        return f"No redaction of that name and version is stored{newest}."
    return RENDITION_REFUSED.hint + (f" The nearest name is {near}." if near else "")


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
