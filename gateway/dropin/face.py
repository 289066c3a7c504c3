"""The face: the ASGI application of `/storage/v1/`, which answers or passes on."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Protocol

from gateway.asgi import Receive, Scope, Send
from gateway.crossorigin import ANY_ORIGIN, OPEN, preflight
from gateway.deliver import forbidding
from gateway.deliveries import Delivery, FieldList
from gateway.dropin.calls import Call, Passed, Read, Sign, Signed, call_of
from gateway.dropin.credentials import Credentials
from gateway.dropin.reads import Reads
from gateway.dropin.signs import Signs
from gateway.errors import CallerRefused, GatewayError, RequestRefused, ResidencyRefused
from gateway.exchanges import Exchange
from gateway.heads import EMPTY
from gateway.security import security_fields
from gateway.supabase.refusals import as_json, refusal_for
from gateway.telemetry import Record, Telemetry, client_of
from gateway.transmissions import Transmitter
from signing.errors import SigningError

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
# A thousand keys of the longest kind, each octet escaped.
LARGEST_BODY = 4 << 20
JSON = b"application/json; charset=utf-8"


class Forwarder(Protocol):
    """Hands a request on to Supabase, and its answer back."""

    async def pass_on(
        self, record: Record, scope: Scope, receive: Receive, send: Send, *, public: bool
    ) -> None: ...


class Face:
    """Knows what is asked for, has it answered, and puts errors in Supabase's own form.

    `buckets` are those whose documents are delivered here; all else is passed on. `admits` says
    whether this region may touch a bucket at all. `strict` gives errors their true statuses.
    """

    def __init__(
        self,
        reads: Reads,
        signs: Signs,
        forwarder: Forwarder,
        transmitter: Transmitter,
        telemetry: Telemetry,
        *,
        buckets: Container[str],
        admits: Callable[[str], bool],
        corp: str,
        strict: bool,
    ) -> None:
        self._reads = reads
        self._signs = signs
        self._forwarder = forwarder
        self._transmitter = transmitter
        self._telemetry = telemetry
        self._buckets = buckets
        self._admits = admits
        self._security = security_fields(corp)
        self._strict = strict

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(self._telemetry.record(scope["method"]), scope["headers"])
        exchange.record.client = client_of(scope)
        call: Call = Passed()
        try:
            call = self._call(scope)
            exchange.record.route = _route(call)
            delivery = await self._answer(call, exchange, scope, receive)
        except Exception as error:  # every error has an answer; unknown ones are logged there
            delivery = self._refusal(exchange, error)
        if delivery is None:
            delivery = await self._pass_on(call, exchange, scope, receive, send)
        if delivery is not None:
            await self._transmitter.send(exchange, _opened(delivery), scope, receive, send)

    async def _pass_on(
        self, call: Call, exchange: Exchange, scope: Scope, receive: Receive, send: Send
    ) -> Delivery | None:
        """Hand it to Supabase; an answer of our own only when that could not begin."""
        public = isinstance(call, Passed) and call.public
        try:
            await self._forwarder.pass_on(exchange.record, scope, receive, send, public=public)
        except (GatewayError, SigningError) as error:
            return self._refusal(exchange, error)
        return None

    def _call(self, scope: Scope) -> Call:
        call = call_of(scope["method"], scope["raw_path"], scope["query_string"])
        # A token of ours is answered here whatever bucket it stands behind.
        if isinstance(call, Read | Sign) and call.address.bucket not in self._buckets:
            public = isinstance(call, Read) and call.how == "public"
            return Passed(public, call.address.bucket)
        return call

    async def _answer(
        self, call: Call, exchange: Exchange, scope: Scope, receive: Receive
    ) -> Delivery | None:
        """The answer; None for what is to be passed on."""
        if exchange.method == "OPTIONS":
            asking = dict(scope["headers"])
            if b"access-control-request-method" in asking:
                return self._preflight(exchange, asking)
        if not self._admits(call.bucket):
            raise ResidencyRefused
        match call:
            case Signed():
                return await self._reads.signed(call, exchange)
            case Read():
                return await self._read(call, exchange, scope)
            case Sign():
                return await self._sign(call, exchange, scope, receive)
            case Passed():
                return None

    async def _read(self, call: Read, exchange: Exchange, scope: Scope) -> Delivery:
        try:
            return await self._reads.read(call, Credentials.of(scope["headers"]), exchange)
        except CallerRefused:
            if call.how != "bare":
                raise
        # There Supabase takes who proves nothing for nobody, and so does this: a token that only
        # one of the two can read would go round what was taken back from its holder.
        return await self._reads.read(call, Credentials(), exchange)

    async def _sign(
        self, call: Sign, exchange: Exchange, scope: Scope, receive: Receive
    ) -> Delivery:
        body = await _body(receive)
        credentials, now = Credentials.of(scope["headers"]), int(exchange.now)
        answer = self._signs.one if call.address.key else self._signs.many
        said = await answer(call.address, body, credentials, now)
        self._count(said if isinstance(said, list) else [said])
        text = as_json(said)
        return Delivery(200, EMPTY, self._fields(exchange, text), text)

    def _count(self, lines: Sequence[Mapping[str, object]]) -> None:
        issued = sum(bool(line["signedURL"]) for line in lines)
        metrics = self._telemetry.metrics
        if issued:
            metrics.issued("issued", issued)
        if issued < len(lines):
            metrics.issued("refused", len(lines) - issued)

    def _preflight(self, exchange: Exchange, asking: Mapping[bytes, bytes]) -> Delivery:
        asked = asking.get(b"access-control-request-headers", b"")
        fields = [*forbidding(exchange.now), *preflight(asked, METHODS), *self._security]
        return Delivery(204, EMPTY, fields, b"")

    def _refusal(self, exchange: Exchange, error: Exception) -> Delivery:
        refusal = refusal_for(error)
        exchange.record.code = refusal.code
        status = refusal.http_status(self._strict)
        if status == 500:
            self._telemetry.fault(exchange.record.request_id, error)
        body = refusal.body()
        fields = [*self._fields(exchange, body), *refusal.fields]
        return Delivery(status, EMPTY, fields, b"" if exchange.method == "HEAD" else body)

    def _fields(self, exchange: Exchange, body: bytes) -> FieldList:
        return [
            *forbidding(exchange.now),
            (b"content-type", JSON),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", exchange.record.request_id.encode()),
            *self._security,
        ]


def _opened(delivery: Delivery) -> Delivery:
    """The same for a page of any origin to read: a zone's own CORS is about `/d/`."""
    present = {name for name, _ in (*delivery.head.fields, *delivery.fields)}
    if ANY_ORIGIN[0] in present:
        return delivery
    return delivery._replace(fields=[*delivery.fields, *OPEN])


def _route(call: Call) -> str:
    match call:
        case Signed():
            return f"storage.signed.{call.route}"
        case Read():
            return f"storage.{call.how}.{'render' if call.render else 'object'}"
        case Sign():
            return "storage.sign"
        case Passed():
            return "storage.pass"


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestRefused(400, "malformed-request", "The body broke off.")
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise RequestRefused(413, "body.too-large", "The body is over 4 MiB.")
        if not message.get("more_body"):
            return bytes(body)
