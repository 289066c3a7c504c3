"""The one place that turns errors into Supabase's error bodies, for the storage routes."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from http import HTTPStatus

from gateway.errors import (
    Answer,
    CallerRefused,
    DocumentBroken,
    DocumentChanged,
    DocumentNotFound,
    GatewayError,
    InvalidRequest,
    KeysUnavailable,
    Overloaded,
    PullerRefused,
    RateLimited,
    RequestRefused,
    ResidencyRefused,
    StateUnavailable,
    StoreUnavailable,
    UpstreamRefused,
    UpstreamUnavailable,
    ViewerRefused,
)
from gateway.wire.asgi import Field
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


def as_json(value: object) -> bytes:
    """JSON as the server writes it: compact, and half a surrogate pair as its escape."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as Supabase's clients read it: from the body, for HTTP nearly always says 400.

    `status` is the true one; `code_status` is what the body states, the one that the real server
    states; `lenient` is what HTTP says unless the gateway is strict. `fields` go beside.
    """

    status: int
    code_status: str
    error: str
    message: str
    code: str
    lenient: int = 400
    fields: tuple[Field, ...] = ()

    def http_status(self, strict: bool) -> int:
        """The status of the answer."""
        return self.status if strict else self.lenient

    def body(self) -> bytes:
        """The JSON object, its members in the server's order."""
        members = {
            "statusCode": self.code_status,
            "error": self.error,
            "message": self.message,
            "code": self.code,
        }
        return as_json(members)


NOT_FOUND = Refusal(404, "404", "not_found", "Object not found", "NoSuchKey")
_DENIED = Refusal(403, "403", "Unauthorized", "Access denied", "AccessDenied")
_TOKEN = Refusal(403, "400", "InvalidJWT", "signature verification failed", "InvalidJWT")
_EXPIRED = '"exp" claim timestamp check failed'
_OTHER_TOKEN = Refusal(403, "400", "InvalidSignature", "Invalid signature", "InvalidSignature")
_BROKEN = Refusal(422, "422", "InvalidRequest", "", "InvalidRequest")
_RESIDENCY = replace(_DENIED, status=451, code_status="451", message="Not served in this region")
_PULLER = replace(_DENIED, message="Not served from this address", lenient=403)
_INTERNAL = Refusal(500, "500", "Internal", "Internal Server Error", "InternalError", 500)
_LATER = Refusal(503, "503", "Unavailable", "", "InternalError", 503)
_THROTTLED = Refusal(429, "429", "SlowDown", "Too many requests", "SlowDown", 429)
_BUSY = Refusal(503, "503", "SlowDown", "Too busy just now", "SlowDown", 503)

_CALLER = {
    "malformed": "Invalid Compact JWS",
    "signature": "signature verification failed",
    "expired": _EXPIRED,
    "not-yet": '"nbf" claim timestamp check failed',
    "claims": "unexpected claim value",
}
_NO_ADDRESS = frozenset(("bucket", "key", "segment"))
_REASON = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def refusal_for(error: Exception) -> Refusal:
    """The answer to an error; one nobody raises on purpose is a 500 that tells nothing."""
    match error:
        case GatewayError():
            return _unavailable(error) or _of_gateway(error)
        case SigningError():
            return _of_signing(error)
        case ImagingError():
            return _of_imaging(error)
        case _:
            return _INTERNAL


def _of_gateway(error: GatewayError) -> Refusal:
    match error:
        case DocumentNotFound():
            return NOT_FOUND
        case DocumentBroken():
            return _broken(error.reason)
        case UpstreamRefused():
            return _of_answer(error.answer)
        case CallerRefused():
            return replace(_DENIED, message=_CALLER.get(error.reason, _DENIED.message))
        case ViewerRefused():
            return replace(_DENIED, message="Access to new links has ended")
        case InvalidRequest():
            # The server names what its schema refuses `Error`, and what its code refuses by code.
            name = "Error" if error.code == "InvalidRequest" else error.code
            return Refusal(400, "400", name, error.message, error.code)
        case RequestRefused():
            return _of_request(error)
        case ResidencyRefused():
            return _RESIDENCY
        case PullerRefused():
            return _PULLER
        case _:
            return _INTERNAL


def _unavailable(error: GatewayError) -> Refusal | None:
    """What passes, with the time to come back."""
    match error:
        case DocumentChanged():
            return _later("The document is being replaced", 1)
        case KeysUnavailable():
            return _later("Sign-ins can not be checked just now", error.retry_after)
        case UpstreamUnavailable():
            return _later("The storage server does not answer", error.retry_after)
        case StoreUnavailable():
            return _later("The document's store does not answer", error.retry_after)
        case StateUnavailable():
            return _later("The gateway's own state is out of reach", error.retry_after)
        case RateLimited():
            return _after(_THROTTLED, error.retry_after)
        case Overloaded():
            return _after(_BUSY, error.retry_after)
        case _:
            return None


def _of_signing(error: SigningError) -> Refusal:
    """A token of another path has another MAC, so it can not be told from one that is tampered."""
    match error:
        case LinkRefused(reason="token"):
            return replace(_TOKEN, message="Invalid Compact JWS")
        case LinkRefused() | GenerationAhead():
            return _TOKEN
        case LinkExpired():
            return replace(_TOKEN, status=410, message=_EXPIRED)
        case LinkRevoked():
            return replace(_TOKEN, status=410, message="This link has been taken back")
        case GrantRefused() | AudienceRefused():
            return _OTHER_TOKEN
        case Unsignable(reason=reason) if reason in _NO_ADDRESS:
            return Refusal(400, "400", "InvalidKey", "Invalid key", "InvalidKey")
        case Unsignable():
            message = f"No link can be made for this: {_code(error.reason)}"
            return Refusal(400, "400", "InvalidRequest", message, "InvalidRequest")
        case _:
            return _INTERNAL


def _of_imaging(error: ImagingError) -> Refusal:
    match error:
        case PageMissing():
            return NOT_FOUND
        case BrokenSource():
            return _broken(error.reason)
        case PoolBusy():
            return _after(_BUSY, error.retry_after)
        case UnknownRendition():
            return Refusal(400, "400", "InvalidRequest", "No such rendition", "InvalidRequest")
        case _:
            return _INTERNAL


def _of_answer(answer: Answer) -> Refusal:
    """Upstream's own refusal, with what its body leaves out filled in."""
    said, true = answer.said, answer.true_status
    if not said and true in (400, 404):  # to HEAD, which is told no more than that
        return replace(NOT_FOUND, lenient=answer.status)
    if true == 429:
        return _after(_of_words(answer, _THROTTLED), answer.retry_after)
    return _of_words(answer, _DENIED)


def _of_words(answer: Answer, without: Refusal) -> Refusal:
    """What upstream's body says, and what `without` says where it does not."""
    said, true = answer.said, answer.true_status
    error, message, code = (
        str(said.get(name, words))
        for name, words in (
            ("error", without.error),
            ("message", without.message),
            ("code", without.code),
        )
    )
    return Refusal(true, str(true), error, message, code, answer.status)


def _of_request(error: RequestRefused) -> Refusal:
    """A rule of HTTP itself, which keeps its status."""
    stated, fields = str(error.status), error.fields
    if error.status == 416:
        message, code = "invalid range provided", "InvalidRange"
        return Refusal(416, stated, "invalid_range", message, code, 416, fields)
    name = HTTPStatus(error.status).phrase
    return Refusal(error.status, stated, name, error.detail, "InvalidRequest", error.status, fields)


def _broken(reason: str) -> Refusal:
    return replace(_BROKEN, message=f"The document can not be shown: {_code(reason)}")


def _later(message: str, seconds: float) -> Refusal:
    return _after(replace(_LATER, message=message), seconds)


def _after(refusal: Refusal, seconds: float) -> Refusal:
    """Retry-After has whole seconds (RFC 9110 §10.2.3), and at least one here."""
    return replace(refusal, fields=((b"retry-after", b"%d" % max(1, math.ceil(seconds))),))


def _code(reason: str) -> str:
    """Reasons are short codes by contract; a library's sentence could tell of the content."""
    return reason if _REASON.fullmatch(reason) else "unknown"
