"""The problems that the gateway answers with, as values; docs/problems.md has a section for each.

`type` is `urn:ostiary:problem:<code>`: a name, not an address, so that an answer sends nobody to
another host.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.wire.asgi import Field


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer to an error, but for its caching.

    `code` is its section in docs/problems.md; `retry_after` is in seconds; `fields` are others that
    the status asks for. A `constant` one has the same octets for every request: no page, no
    request id.
    """

    status: int
    code: str
    title: str
    detail: str = ""
    hint: str = ""
    retry_after: int | None = None
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
    "Links to documents work for a limited time, and the time of this one is over.",
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
LINK_USED = Problem(
    410,
    "link.used",
    "This link has been used",
    "It was good for one delivery, and the document has been delivered.",
    "If you did not get it, ask whoever sent you the link for a new one.",
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
PULLER_REFUSED = Problem(
    403,
    "puller.refused",
    "These documents are not served from here",
    hint="Use the address that the link was issued with.",
    constant=True,
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
CLAIM_REFUSED = Problem(
    403,
    "claim.refused",
    "This claim is no good",
    hint="Have the application ask for another one; each is good once, and for a minute.",
)
VIEWER_REFUSED = Problem(
    403,
    "viewer.refused",
    "You get no links here any more",
    "Whoever manages these documents has ended your access to them.",
    "If you still need a document, ask whoever manages it.",
)
VIEWER_UNKNOWN = Problem(
    403,
    "viewer.unknown",
    "This rendition names its viewer",
    "Its mark tells who looks, and nothing proves who does.",
    "Ask for a link that is bound to a viewer, or for a mark that names nobody.",
)
CALLER_REFUSED = Problem(
    401,
    "caller.refused",
    "This sign-in does not hold",
    hint="Sign in again; the application then sends a fresh token.",
    fields=((b"www-authenticate", b'Bearer realm="ostiary", error="invalid_token"'),),
)
UNSIGNABLE = Problem(422, "link.unsignable", "No link can be made for this")
DOCUMENT_BROKEN = Problem(
    422,
    "document.broken",
    "The document can not be shown",
    hint="The original may still be fine; ask for it if your link covers it.",
)
MARK_BROKEN = Problem(
    500,
    "mark.broken",
    "The rendition's mark can not be drawn",
    hint="Whoever runs this gateway has to look at the mark's image; nothing is shown without it.",
)
STORE_UNAVAILABLE = Problem(
    503, "store.unavailable", "The document's store does not answer", hint="Try again in a moment."
)
STATE_UNAVAILABLE = Problem(
    503,
    "state.unavailable",
    "The gateway's own state is out of reach",
    hint="Try again in a moment.",
)
KEYS_UNAVAILABLE = Problem(
    503,
    "keys.unavailable",
    "Sign-ins can not be checked just now",
    hint="Try again in a moment.",
)
REQUEST_INVALID = Problem(400, "request.invalid", "The request is not of the right shape")
UPSTREAM_REFUSED = Problem(
    403,
    "upstream.refused",
    "Supabase refuses this to the caller",
    hint="Sign in again, or ask for what your policies allow.",
)
UPSTREAM_UNAVAILABLE = Problem(
    503,
    "upstream.unavailable",
    "Supabase's storage does not answer",
    hint="Try again in a moment.",
)
OVERLOADED = Problem(503, "overloaded", "Too busy just now", hint="Try again in a moment.")
RATE_LIMITED = Problem(
    429, "rate.limited", "Too many requests", hint="Try again when the time of Retry-After is over."
)
PURGE_REFUSED = Problem(
    502, "purge.refused", "The CDN did not confirm the purge", hint="Run `ostiary doctor`."
)
INTERNAL = Problem(
    500,
    "internal",
    "Something went wrong here",
    hint="Tell the operator the request id; the log has the rest.",
)
