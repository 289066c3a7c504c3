"""The face: the ASGI application of `/storage/v1/`, which answers or passes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.deliveries import Delivery
from gateway.dropin.buckets import Buckets
from gateway.dropin.calls import Call, Passed, Read, Sign, Signed, call_of
from gateway.dropin.credentials import Credentials
from gateway.dropin.reads import Reads
from gateway.dropin.replies import Replies
from gateway.dropin.signs import Signs
from gateway.errors import CallerRefused, GatewayError, RequestRefused, ResidencyRefused
from gateway.exchanges import Exchange
from gateway.fronts.porter import Porter
from gateway.telemetry import Record, Telemetry, client_of
from gateway.transmissions import Transmitter
from gateway.wire.asgi import Receive, Scope, Send
from gateway.wire.crossorigin import ANY_ORIGIN, OPEN
from signing.errors import SigningError

LARGEST_ONE = 64 << 10
# A thousand keys of the longest kind, each octet escaped.
LARGEST_MANY = 4 << 20


class Forwarder(Protocol):
    """Hands a request on to Supabase, and its answer back."""

    async def pass_on(
        self, record: Record, scope: Scope, receive: Receive, send: Send, *, public: bool
    ) -> None: ...


class Face:
    """Knows what is asked for, and has it answered or passed on."""

    def __init__(
        self,
        reads: Reads,
        signs: Signs,
        forwarder: Forwarder,
        transmitter: Transmitter,
        telemetry: Telemetry,
        replies: Replies,
        buckets: Buckets,
        porter: Porter,
    ) -> None:
        self._reads = reads
        self._signs = signs
        self._forwarder = forwarder
        self._transmitter = transmitter
        self._telemetry = telemetry
        self._replies = replies
        self._buckets = buckets
        self._porter = porter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["raw_path"], scope["query_string"]
        exchange = Exchange(self._telemetry.record(scope["method"]), scope["headers"], asked)
        exchange.record.client = client_of(scope)
        call: Call = Passed()
        try:
            call = self._call(scope)
            exchange.record.route = _route(call)
            delivery = await self._answer(call, exchange, scope, receive)
        except Exception as error:  # every error has an answer; unknown ones are logged there
            delivery = self._replies.refusal(exchange, error)
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
            return self._replies.refusal(exchange, error)
        return None

    def _call(self, scope: Scope) -> Call:
        call = call_of(scope["method"], scope["raw_path"], scope["query_string"])
        # A token of ours is answered here whatever bucket it stands behind.
        if isinstance(call, Read | Sign) and not self._buckets.deliver(call.bucket):
            public = isinstance(call, Read) and call.how == "public"
            return Passed(public, call.bucket)
        return call

    async def _answer(
        self, call: Call, exchange: Exchange, scope: Scope, receive: Receive
    ) -> Delivery | None:
        """The answer; None for what is to be passed on."""
        if self._porter.watchful:
            self._porter.admit(self._buckets.zone(call.bucket), exchange.fields, scope)
        if exchange.method == "OPTIONS":
            asking = dict(scope["headers"])
            if b"access-control-request-method" in asking:
                return self._replies.preflight(exchange, asking)
        if not self._buckets.admit(call.bucket):
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
        one = bool(call.address.key)
        body = await _body(receive, LARGEST_ONE if one else LARGEST_MANY)
        credentials, now = Credentials.of(scope["headers"]), int(exchange.now)
        answer = self._signs.one if one else self._signs.many
        said = await answer(call.address, body, credentials, now)
        self._count(said if isinstance(said, list) else [said])
        return self._replies.said(exchange, said)

    def _count(self, lines: Sequence[Mapping[str, object]]) -> None:
        issued = sum(bool(line["signedURL"]) for line in lines)
        metrics = self._telemetry.metrics
        if issued:
            metrics.issued("issued", issued)
        if issued < len(lines):
            metrics.issued("refused", len(lines) - issued)


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


async def _body(receive: Receive, most: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestRefused(400, "malformed-request", "The body broke off.")
        body += message.get("body", b"")
        if len(body) > most:
            raise RequestRefused(413, "body.too-large", f"The body is over {most >> 10} KiB.")
        if not message.get("more_body"):
            return bytes(body)
