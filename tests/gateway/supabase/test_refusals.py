"""Refusals, held to the bodies that the contract server has from the recorded ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest

from gateway.errors import (
    Answer,
    CallerRefused,
    ConfigurationError,
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
from gateway.supabase.refusals import Refusal, refusal_for
from imaging.errors import (
    BrokenSource,
    Forgotten,
    ImagingError,
    MarkBroken,
    PageMissing,
    PoolBusy,
    SourceTooLarge,
    UnknownRendition,
    WorkerLost,
)
from signing.errors import (
    AudienceRefused,
    BadgeRefused,
    BadKey,
    BadZone,
    GenerationAhead,
    GrantRefused,
    LinkExpired,
    LinkRefused,
    LinkRevoked,
    SigningError,
    Unsignable,
)
from tests.contract.server import USER_A, ContractServer

SECRET = "reports/Jane Doe.pdf"
NO_KEY = b'{"statusCode":"404","error":"not_found","message":"Object not found","code":"NoSuchKey"}'
NO_ROUTE = RequestRefused(404, "route.not-found", "Nothing answers here.")
UNMET = RequestRefused(412, "precondition.failed", "The document is another version now.")
NOT_GET = RequestRefused(405, "method", "GET or HEAD.", fields=((b"allow", b"GET, HEAD"),))

# The error, its strict status, its lenient status, the body's status, and the code.
ERRORS: list[tuple[Exception, int, int, str, str]] = [
    (LinkRefused("signature"), 403, 400, "400", "InvalidJWT"),
    (LinkRefused("token"), 403, 400, "400", "InvalidJWT"),
    (GenerationAhead(), 403, 400, "400", "InvalidJWT"),
    (LinkExpired(1), 410, 400, "400", "InvalidJWT"),
    (LinkRevoked(), 410, 400, "400", "InvalidJWT"),
    (GrantRefused(), 403, 400, "400", "InvalidSignature"),
    (AudienceRefused(), 403, 400, "400", "InvalidSignature"),
    (BadgeRefused("used"), 500, 500, "500", "InternalError"),
    (Unsignable("key"), 400, 400, "400", "InvalidKey"),
    (Unsignable("sealed"), 400, 400, "400", "InvalidRequest"),
    (BadKey(SECRET), 500, 500, "500", "InternalError"),
    (BadZone(SECRET), 500, 500, "500", "InternalError"),
    (UnknownRendition(SECRET), 400, 400, "400", "InvalidRequest"),
    (BrokenSource("damaged"), 422, 400, "422", "InvalidRequest"),
    (SourceTooLarge("pixels"), 422, 400, "422", "InvalidRequest"),
    (WorkerLost("timeout"), 422, 400, "422", "InvalidRequest"),
    (PageMissing(3), 404, 400, "404", "NoSuchKey"),
    (PoolBusy(2), 503, 503, "503", "SlowDown"),
    (DocumentNotFound(SECRET), 404, 400, "404", "NoSuchKey"),
    (DocumentBroken(SECRET), 422, 400, "422", "InvalidRequest"),
    (DocumentChanged(SECRET), 503, 503, "503", "InternalError"),
    (StoreUnavailable(SECRET), 503, 503, "503", "InternalError"),
    (StateUnavailable(SECRET), 503, 503, "503", "InternalError"),
    (UpstreamUnavailable(SECRET), 503, 503, "503", "InternalError"),
    (KeysUnavailable(SECRET), 503, 503, "503", "InternalError"),
    (Overloaded(SECRET), 503, 503, "503", "SlowDown"),
    (ResidencyRefused(SECRET), 451, 400, "451", "AccessDenied"),
    (PullerRefused(SECRET), 403, 403, "403", "AccessDenied"),
    (RateLimited(SECRET, 9, 60, retry_after=7), 429, 429, "429", "SlowDown"),
    (InvalidRequest("body must be object"), 400, 400, "400", "InvalidRequest"),
    (InvalidRequest("x", code="InvalidParameter"), 400, 400, "400", "InvalidParameter"),
    (CallerRefused("expired"), 403, 400, "403", "AccessDenied"),
    (CallerRefused(SECRET), 403, 400, "403", "AccessDenied"),
    (ViewerRefused(SECRET), 403, 400, "403", "AccessDenied"),
    (UpstreamRefused(Answer(400, body=NO_KEY)), 404, 400, "404", "NoSuchKey"),
    (UpstreamRefused(Answer(400)), 404, 400, "404", "NoSuchKey"),
    (UpstreamRefused(Answer(403, body=b"<html>")), 403, 403, "403", "AccessDenied"),
    (RequestRefused(416, "range", "None."), 416, 416, "416", "InvalidRange"),
    (UNMET, 412, 412, "412", "InvalidRequest"),
    (NOT_GET, 405, 405, "405", "InvalidRequest"),
    (NO_ROUTE, 404, 404, "404", "InvalidRequest"),
    (LinkUsed(SECRET), 500, 500, "500", "InternalError"),
    (VersionSuperseded(SECRET), 500, 500, "500", "InternalError"),
    (NotAuthorised(SECRET), 500, 500, "500", "InternalError"),
    (ConfigurationError([]), 500, 500, "500", "InternalError"),
    (ViewerUnknown(SECRET), 500, 500, "500", "InternalError"),
    (MarkBroken("image"), 500, 500, "500", "InternalError"),
    (Forgotten(SECRET), 500, 500, "500", "InternalError"),
    (RuntimeError(SECRET), 500, 500, "500", "InternalError"),
]


def classes_below(base: type[Exception]) -> Iterator[type[Exception]]:
    for found in base.__subclasses__():
        yield found
        yield from classes_below(found)


@pytest.mark.parametrize(("error", "true", "lenient", "stated", "code"), ERRORS)
def test_an_error_has_its_statuses_and_code(
    error: Exception, true: int, lenient: int, stated: str, code: str
) -> None:
    refusal = refusal_for(error)
    assert refusal.http_status(strict=True) == true
    assert refusal.http_status(strict=False) == lenient
    assert (refusal.code_status, refusal.code) == (stated, code)


@pytest.mark.parametrize("base", [GatewayError, SigningError, ImagingError])
def test_every_error_that_may_come_here_is_put_into_words_on_purpose(base: type[Exception]) -> None:
    shipped = {
        found
        for found in classes_below(base)
        if not found.__module__.startswith("test") and not found.__name__.startswith("_")
    }
    known = {type(error) for error, *_ in ERRORS}
    # One that stands for another is put into the same words.
    assert {found for found in shipped if not known & set(found.__mro__)} == set()
    assert refusal_for(base()).code == "InternalError"


@pytest.mark.parametrize("error", [case[0] for case in ERRORS])
def test_no_body_tells_what_the_error_held_back(error: Exception) -> None:
    assert b"Jane" not in refusal_for(error).body()


def test_the_members_and_their_order_are_those_of_the_server() -> None:
    assert list(json.loads(refusal_for(DocumentNotFound()).body())) == [
        "statusCode",
        "error",
        "message",
        "code",
    ]


SIGNED = f"/object/sign/documents/{USER_A}/a.pdf?token="
OWN = f"/object/authenticated/documents/{USER_A}"


@pytest.mark.parametrize(
    ("error", "method", "path"),
    [
        (DocumentNotFound(), "GET", f"{OWN}/none.pdf"),
        (LinkRefused("token"), "GET", f"{SIGNED}abc"),
        (RequestRefused(416, "range", ""), "GET", f"{OWN}/a.pdf"),
        (InvalidRequest("body/expiresIn must be >= 1"), "POST", SIGNED[:-7]),
    ],
)
def test_our_words_are_the_servers(error: Exception, method: str, path: str) -> None:
    headers = {"range": "bytes=9-"} if isinstance(error, RequestRefused) else {}
    body = json.dumps({"expiresIn": 0}) if method == "POST" else ""

    async def run() -> object:
        server = ContractServer()
        server.put("documents", f"{USER_A}/a.pdf", b"%PDF")
        fields = server.fields(server.user_a) | headers | {"content-type": "application/json"}
        transport = httpx.ASGITransport(server.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://s.test") as client:
            url = f"/storage/v1{path}"
            return (await client.request(method, url, headers=fields, content=body)).json()

    assert json.loads(refusal_for(error).body()) == asyncio.run(run())


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("malformed", "Invalid Compact JWS"),
        ("signature", "signature verification failed"),
        ("expired", '"exp" claim timestamp check failed'),
        ("not-yet", '"nbf" claim timestamp check failed'),
        ("claims", "unexpected claim value"),
    ],
)
def test_a_refused_caller_is_told_in_the_words_of_the_servers_library(
    reason: str, message: str
) -> None:
    refusal = refusal_for(CallerRefused(reason))
    assert (refusal.error, refusal.message) == ("Unauthorized", message)


def test_a_tampered_link_and_an_expired_one_have_the_servers_words() -> None:
    tampered, expired = refusal_for(LinkRefused("signature")), refusal_for(LinkExpired(1))
    assert (tampered.error, tampered.message) == ("InvalidJWT", "signature verification failed")
    assert expired.message == '"exp" claim timestamp check failed'


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (PoolBusy(3), b"3"),
        (Overloaded("readers", retry_after=0), b"1"),
        (StoreUnavailable(retry_after=7), b"7"),
        (StateUnavailable(retry_after=6), b"6"),
        (UpstreamUnavailable(retry_after=9), b"9"),
        (KeysUnavailable(retry_after=30), b"30"),
        (DocumentChanged(), b"1"),
    ],
)
def test_what_passes_says_when_to_come_back(error: Exception, seconds: bytes) -> None:
    assert refusal_for(error).fields == ((b"retry-after", seconds),)


def test_a_request_that_breaks_a_rule_keeps_its_fields_and_its_detail() -> None:
    assert refusal_for(NOT_GET).fields == ((b"allow", b"GET, HEAD"),)
    unsatisfied = RequestRefused(416, "range", "", fields=((b"content-range", b"bytes */4"),))
    assert refusal_for(unsatisfied).fields == unsatisfied.fields
    assert (refusal_for(UNMET).error, refusal_for(UNMET).message) == (
        "Precondition Failed",
        "The document is another version now.",
    )


@pytest.mark.parametrize(("reason", "told"), [("encrypted", "encrypted"), (SECRET, "unknown")])
def test_a_broken_document_tells_a_reason_that_is_a_code(reason: str, told: str) -> None:
    for error in (DocumentBroken(reason), BrokenSource(reason), Unsignable(reason)):
        assert refusal_for(error).message.endswith(f": {told}")


@pytest.mark.parametrize(
    ("stated", "told"), [("30", b"30"), ("0", b"1"), ("soon", b"1"), ("", b"1"), ("9" * 9, b"3600")]
)
def test_who_is_throttled_upstream_learns_when_to_come_back(stated: str, told: bytes) -> None:
    page = Answer(429, ((b"retry-after", stated.encode()),), b"<html>slow down</html>")
    refusal = refusal_for(UpstreamRefused(page))
    assert (refusal.http_status(False), refusal.http_status(True)) == (429, 429)
    assert (refusal.code, refusal.message) == ("SlowDown", "Too many requests")
    assert refusal.fields == ((b"retry-after", told),)


def test_upstreams_refusal_keeps_its_words() -> None:
    refusal = refusal_for(UpstreamRefused(Answer(400, body=NO_KEY)))
    assert refusal.body() == NO_KEY
    unlike = refusal_for(UpstreamRefused(Answer(403, body=b'{"statusCode":403,"message":7}')))
    assert (unlike.code_status, unlike.message, unlike.code) == ("403", "7", "AccessDenied")


def test_text_beyond_ascii_stays_text() -> None:
    body = Refusal(400, "400", "Error", "ü", "InvalidRequest").body()
    assert "ü".encode() in body
