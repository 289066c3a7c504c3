"""Routes: the raw ASGI edge. Links are answered here; everything else goes to the admin part.

The hot path stays outside Starlette's Request and Response: an answer from memory is one
synchronous walk from `scope` to two messages. Only `raw_path` and `query_string` reach the
verifier.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from time import perf_counter, time
from typing import Any, TypeAlias

from cdn.tags import document_id
from gateway.deliver import Deliverer, forbidding
from gateway.deliveries import Delivery, FieldList
from gateway.documents import Zone
from gateway.errors import DocumentNotFound, RequestRefused
from gateway.exchanges import Exchange
from gateway.guard.whole import EXTENSION
from gateway.heads import EMPTY, joined
from gateway.problems import prefers_html, problem_for, render
from gateway.security import security_fields
from gateway.state.revocations import Guard
from gateway.streams import Pump, Stream
from gateway.telemetry import Telemetry, client_of, trace_id
from imaging.errors import PageMissing

# The ASGI specification's own types; messages are open dictionaries by design.
Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

LINKS = b"/d/"
NOTHING: Mapping[str, Any] = {}


class Gateway:
    """The ASGI application of the main port: links first, then whatever `others` answers."""

    def __init__(
        self,
        deliverer: Deliverer,
        others: App,
        zones: Mapping[str, Zone],
        telemetry: Telemetry,
        *,
        corp: str,
    ) -> None:
        self._deliverer = deliverer
        self._others = others
        self._zones = zones
        self._telemetry = telemetry
        self._corp = corp

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and scope["raw_path"].startswith(LINKS):
            return self._link(scope, receive, send)
        return self._others(scope, receive, send)

    async def _link(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(self._telemetry.record(scope["method"]), scope["headers"])
        exchange.record.client = client_of(scope)
        if exchange.method == "OPTIONS":
            status, fields = self._options(scope["raw_path"])
            await self._send(exchange, Delivery(status, EMPTY, fields, b""), scope, receive, send)
            return
        try:
            delivery = await self._answer(exchange, scope)
        except Exception as error:  # every error has an answer; unknown ones are logged there
            delivery = self._problem(exchange, error)
        await self._send(exchange, delivery, scope, receive, send)

    async def _answer(self, exchange: Exchange, scope: Scope) -> Delivery:
        if exchange.method not in ("GET", "HEAD"):
            raise RequestRefused(
                405,
                "method.not-allowed",
                "A link answers GET and HEAD.",
                fields=((b"allow", b"GET, HEAD, OPTIONS"),),
            )
        deliverer = self._deliverer
        link = deliverer.verify(scope["raw_path"], scope["query_string"], exchange.now)
        exchange.link = link
        if not deliverer.admit(link):
            await deliverer.reread(link)
        request = exchange.request()
        return deliverer.hit(link, request) or await deliverer.deliver(link, request)

    def _options(self, raw_path: bytes) -> tuple[int, FieldList]:
        """A constant 204 with the zone's CORS; no token is looked at."""
        segments = raw_path.split(b"/", 4)
        zone = self._zones.get(segments[3].decode("ascii", "replace")) if segments[4:] else None
        fields = [
            *forbidding(time()),
            (b"allow", b"GET, HEAD, OPTIONS"),
            *security_fields(self._corp, pdf=False),
        ]
        if zone is not None and zone.cors:
            fields += [
                (b"access-control-allow-origin", b"*"),
                (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
                (b"access-control-allow-headers", b"Range, If-None-Match, If-Range"),
                (b"access-control-max-age", b"86400"),
            ]
        return 204, fields

    def _problem(self, exchange: Exchange, error: Exception) -> Delivery:
        problem = problem_for(error)
        exchange.record.code = problem.code
        if problem.status == 500:
            self._telemetry.fault(exchange.record.request_id, error)
        status, fields, body = render(
            problem,
            request_id=exchange.record.request_id,
            html=prefers_html(exchange.field(b"accept")),
            corp=self._corp,
        )
        link = exchange.link
        if link is not None and isinstance(error, DocumentNotFound | PageMissing):
            fields += self._deliverer.absent(link, exchange.now)
        else:
            fields += forbidding(exchange.now)
            fields.append((b"x-request-id", exchange.record.request_id.encode()))
        if link is not None and self._zones[link.zone].cors:
            fields.append((b"access-control-allow-origin", b"*"))
        return Delivery(status, EMPTY, fields, b"" if exchange.method == "HEAD" else body)

    async def _send(
        self,
        exchange: Exchange,
        delivery: Delivery,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        body = delivery.body
        if isinstance(body, Stream):
            await self._stream(exchange, delivery, body, receive, send)
            return
        whole = scope.get("extensions", NOTHING).get(EXTENSION)
        head = delivery.head.octets + joined(delivery.fields) if whole else b""
        if whole is None or not whole(delivery.status, head, body):
            await send(_start(delivery))
            await send({"type": "http.response.body", "body": body})
        self._log(exchange, delivery, len(body))

    async def _stream(
        self,
        exchange: Exchange,
        delivery: Delivery,
        body: Stream,
        receive: Receive,
        send: Send,
    ) -> None:
        pump = Pump(body)
        try:
            await send(_start(delivery))
            await pump.run(receive, send, lambda abort: self._watch(exchange, abort))
        finally:
            await body.aclose()
        if pump.fault is not None:
            self._telemetry.fault(exchange.record.request_id, pump.fault)
        exchange.record.code = "" if pump.whole else "delivery.aborted"
        self._log(exchange, delivery, pump.sent)

    def _watch(self, exchange: Exchange, abort: Callable[[], None]) -> Guard:
        assert exchange.link is not None, "only a link's original is streamed"
        return self._deliverer.watch(exchange.link, abort)

    def _log(self, exchange: Exchange, delivery: Delivery, sent: int) -> None:
        record, link = exchange.record, exchange.link
        record.route = "d"
        record.status, record.cache, record.sent = delivery.status, delivery.level, sent
        if traced := exchange.field(b"traceparent"):
            record.trace = trace_id(traced)
        if link is not None:
            record.zone, record.link, record.rendition = link.zone, link.id, link.rendition
            record.document = delivery.document or document_id(link.zone, link.bucket, link.key)
        if delivery.level:
            self._count(delivery.level)
        self._telemetry.request(record, exchange.now, perf_counter() - exchange.began)

    def _count(self, level: str) -> None:
        """One look-up in memory, and one on disk when memory had nothing."""
        metrics = self._telemetry.metrics
        if level == "memory":
            metrics.cache("memory", "hit")
            return
        metrics.cache("memory", "miss")
        metrics.cache("disk", "hit" if level == "disk" else "miss")


def _start(delivery: Delivery) -> Message:
    fields = [*delivery.head.fields, *delivery.fields]
    return {"type": "http.response.start", "status": delivery.status, "headers": fields}
