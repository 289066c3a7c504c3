"""Fields: what of a message's fields crosses the gateway, and what the gateway puts beside them.

Fields of one connection stay on it (RFC 9110, section 7.6.1); the rest keeps its order and its
repetitions. Names are lower-case octets, as ASGI has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.dropin.targets import holds_token
from gateway.errors import RequestRefused
from gateway.fronts.pullers import FIELDS
from gateway.wire.asgi import Field
from gateway.wire.crossorigin import ANY_ORIGIN

_OF_A_CONNECTION = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authentication-info proxy-authorization "
    b"proxy-connection te trailer transfer-encoding upgrade".split()
)
# What tells upstream who asked whom is ours to say, whatever a client claims; with another
# prefix or port upstream would write URLs that lead elsewhere. Expectations are met here.
_OURS_TO_SAY = frozenset(
    b"host expect forwarded x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-path "
    b"x-forwarded-prefix x-forwarded-proto x-forwarded-server x-real-ip x-original-url "
    b"x-rewrite-url x-original-host cf-connecting-ip cloudfront-viewer-address fastly-client-ip "
    b"true-client-ip".split()
)
# What upstream says of its whole origin, which is not ours: an HSTS rule of its own would bind
# the customer's subdomains.
_OF_AN_ORIGIN = frozenset(
    b"alt-svc clear-site-data nel report-to reporting-endpoints service-worker-allowed "
    b"strict-transport-security".split()
)
_OF_CACHES = frozenset(
    b"age cache-control cdn-cache-control cloudflare-cdn-cache-control edge-control expires "
    b"surrogate-control x-accel-expires".split()
)
_STORABLE = frozenset((200, 206, 304))
# No script, and an origin of its own (CSP3 §6.3.2); a film that is opened by itself still plays.
# It stands beside upstream's own policy, if any: browsers obey both.
_INERT: Field = (b"content-security-policy", b"sandbox")
_PRIVATE: Field = (b"cache-control", b"private, no-store")
_ABSENT: tuple[Field, ...] = (
    ANY_ORIGIN,
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"none"),
)


@dataclass(frozen=True, slots=True)
class Origins:
    """The origin that the client asked, empty where it named none, and upstream's.

    The client's scheme is `https` if a proxy in front tells so, or a client invents it: nothing
    but URLs in answers to that client depends on it, and none that caches keep. Nobody's word
    makes `http` of a connection that is secure.
    """

    asked: bytes
    upstream: bytes

    @classmethod
    def of(cls, scope: Mapping[str, Any], upstream: bytes) -> Origins:
        """Raises nothing: whatever else is told, the scheme is the connection's own."""
        fields = dict(scope["headers"])
        secure = fields.get(b"x-forwarded-proto") == b"https"
        scheme = b"https" if secure else scope["scheme"].encode()
        host = fields.get(b"host", b"")
        return cls(scheme + b"://" + host if host else b"", upstream)

    def moved(self, location: bytes) -> bytes:
        """A Location as the client has to ask for it: at the gateway if it is upstream's."""
        rest = location.removeprefix(self.upstream)
        here = self.asked and len(rest) < len(location) and rest[:1] in (b"", b"/", b"?")
        return self.asked + rest if here else location


def request_fields(scope: Mapping[str, Any], origins: Origins) -> list[Field]:
    """The fields of the request to upstream, none added on behalf of a client library.

    X-Forwarded-Host is the host that the client asked, and signed where it signs; upstream's
    own host goes into Host. By what a CDN proves itself to us stays here.
    """
    fields: list[Field] = scope["headers"]
    dropped = _named(fields) | _OF_A_CONNECTION | _OURS_TO_SAY | FIELDS
    # The parser leaves white space behind a value, which is none of it (RFC 9110, section 5.5).
    told = [field for field in fields if field[0] not in dropped and not _tells_a_token(field)]
    kept = [(name, value.strip(b" \t")) for name, value in told]
    chunked = any(name == b"transfer-encoding" for name, _ in fields)
    coding = [(b"transfer-encoding", b"chunked")] if chunked else []
    host = origins.upstream.partition(b"://")[2]
    return [(b"host", host), *kept, *coding, *_forwarded(scope, origins)]


def _tells_a_token(field: Field) -> bool:
    """Whether it names a page by a link of ours, or in a way that nobody can be sure of."""
    try:
        return field[0] == b"referer" and holds_token(field[1])
    except RequestRefused:
        return True


def _forwarded(scope: Mapping[str, Any], origins: Origins) -> list[Field]:
    scheme, _, host = origins.asked.partition(b"://")
    told = [(b"x-forwarded-host", host), (b"x-forwarded-proto", scheme)] if host else []
    peer = scope.get("client")
    return [*told, (b"x-forwarded-for", peer[0].encode())] if peer else told


def answer_fields(
    status: int, fields: Iterable[Field], origins: Origins, *, public: bool
) -> list[Field]:
    """The fields of the answer to the client: `private, no-store`, unless it is `public`'s own.

    What anybody may have uploaded runs nothing in the gateway's origin.
    """
    came = [(name.lower(), value) for name, value in fields]
    keeps = public and status in _STORABLE
    dropped = _named(came) | _OF_A_CONNECTION | _OF_AN_ORIGIN
    # A length beside a coding is not the length; that of a 304 is of what is not sent.
    if status == 304 or any(name == b"transfer-encoding" for name, _ in came):
        dropped |= {b"content-length"}
    # A Location names the host that this caller asked, and sends nobody anywhere from these.
    dropped |= {b"location"} if keeps else _OF_CACHES
    kept = [_here(field, origins) for field in came if field[0] not in dropped]
    present = {name for name, _ in kept}
    # A 304 changes the fields of what is stored, which may be a PDF.
    inert = [] if status == 304 or _is_pdf(kept) else [_INERT]
    added = [*inert, *(field for field in _ABSENT if field[0] not in present)]
    return [*kept, *added] if keeps else [*kept, _PRIVATE, *added]


def _is_pdf(fields: Iterable[Field]) -> bool:
    """Whether a viewer of PDFs gets it, which a sandbox blanks; of several types it is none."""
    types = [value.lower() for name, value in fields if name == b"content-type"]
    plain = [value.partition(b";")[0].strip() for value in types if b"," not in value]
    return plain == [b"application/pdf"] and len(types) == 1


def _here(field: Field, origins: Origins) -> Field:
    name, value = field
    return (name, origins.moved(value)) if name == b"location" else field


def _named(fields: Iterable[Field]) -> frozenset[bytes]:
    """The fields that Connection says are of the connection too; a body's frame never is."""
    return frozenset(
        option.strip().lower()
        for name, value in fields
        if name == b"connection"
        for option in value.split(b",")
    ) - {b"content-length"}
