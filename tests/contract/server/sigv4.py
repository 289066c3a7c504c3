"""SigV4, checked with botocore: who signed a request to the S3 face."""

from __future__ import annotations

import hmac
import re
from calendar import timegm
from dataclasses import dataclass
from time import strptime

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.contract.server.answers import Refusal
from tests.contract.server.asks import Ask
from tests.contract.server.desk import SERVICE, Desk
from tests.contract.server.tokens import BadToken, Caller

_FIELD = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^,]+), *SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})"
)
_MISMATCH = "The request signature we calculated does not match the signature you provided"


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request says of its own signature, in its field or in its query."""

    access_key: str
    region: str
    service: str
    signed: tuple[str, ...]
    value: str
    date: str
    payload: str
    session: str
    expires: int

    @property
    def ends(self) -> int:
        """The second after which a presigned request is void."""
        return timegm(strptime(self.date, "%Y%m%dT%H%M%SZ")) + self.expires


class _Auth(S3SigV4Auth):
    """The payload's digest as the client told it."""

    def payload(self, request: AWSRequest) -> str:
        return str(request.context["payload"])


def caller(desk: Desk, ask: Ask) -> Caller:
    """Who asks: the service role by an access key, a user by a session token."""
    found = _signature(ask)
    secret = desk.s3_secrets.get(found.access_key, "")
    plain = f"{_MISMATCH}. Check your key and signing method."
    session = f"{_MISMATCH}, Check your credentials. The session token should be a valid JWT token"
    message = session if found.session else plain
    if not secret or not hmac.compare_digest(_expected(ask, found, secret), found.value):
        raise mismatch(message)
    if found.expires and desk.clock() > found.ends:
        raise Refusal(400, "ExpiredToken", "The provided token has expired.", "ExpiredToken")
    if found.access_key != desk.reference:
        return Caller(SERVICE, True)
    try:
        claims = desk.keys.verify(found.session)
    except BadToken:
        raise mismatch(session) from None
    return Caller(str(claims.get("role", "anon")), True, claims)


def mismatch(message: str) -> Refusal:
    return Refusal(403, "SignatureDoesNotMatch", message, "SignatureDoesNotMatch")


def _signature(ask: Ask) -> Signature:
    if "authorization" in ask.fields:
        return _from_field(ask)
    query = ask.query
    if "X-Amz-Signature" not in query:
        raise Refusal(403, "AccessDenied", "Missing signature", "AccessDenied")
    return _made(
        query.get("X-Amz-Credential", ""),
        query.get("X-Amz-SignedHeaders", ""),
        query["X-Amz-Signature"],
        query.get("X-Amz-Date", ""),
        payload="UNSIGNED-PAYLOAD",
        session=query.get("X-Amz-Security-Token", ""),
        expires=int(query.get("X-Amz-Expires", 0)),
    )


def _from_field(ask: Ask) -> Signature:
    matched = _FIELD.fullmatch(ask.fields["authorization"])
    if matched is None:
        raise Refusal(403, "AccessDenied", "Missing signature", "AccessDenied")
    return _made(
        *matched.groups(),
        ask.fields.get("x-amz-date", ""),
        payload=ask.fields.get("x-amz-content-sha256", ""),
        session=ask.fields.get("x-amz-security-token", ""),
    )


def _made(credential: str, signed: str, value: str, date: str, **rest: str | int) -> Signature:
    parts = credential.split("/")
    if len(parts) != 5 or not re.fullmatch(r"\d{8}T\d{6}Z", date):
        raise mismatch(f"{_MISMATCH}. Check your key and signing method.")
    access_key, _, region, service, _ = parts
    facts = {"expires": 0, **rest}
    return Signature(access_key, region, service, tuple(signed.split(";")), value, date, **facts)  # type: ignore[arg-type]


def _expected(ask: Ask, found: Signature, secret: str) -> str:
    """The signature that the secret would have made; a forwarded host counts before the host."""
    query = "&".join(
        pair for pair in ask.query_string.split("&") if not pair.startswith("X-Amz-Signature=")
    )
    host = ask.fields.get("x-forwarded-host") or ask.fields.get("host", "")
    fields = {**ask.fields, "host": host}
    request = AWSRequest(
        method=ask.method,
        url=f"http://{host}{ask.path}" + (f"?{query}" if query else ""),
        headers={name: fields.get(name, "") for name in found.signed},
    )
    request.context.update(timestamp=found.date, payload=found.payload)
    auth = _Auth(Credentials(found.access_key, secret), found.service, found.region)
    canonical = auth.canonical_request(request)
    return str(auth.signature(auth.string_to_sign(request, canonical), request))
