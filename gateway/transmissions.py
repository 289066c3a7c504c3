"""Transmissions: a delivery sent over ASGI, whole or as a stream, and told in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from cdn.tags import document_id
from gateway.deliver import Deliverer
from gateway.deliveries import Delivery
from gateway.exchanges import Exchange
from gateway.guard.whole import EXTENSION
from gateway.state.guards import Guard
from gateway.streams import Pump, Stream
from gateway.telemetry import Telemetry, trace_id
from gateway.wire.asgi import Message, Receive, Scope, Send
from gateway.wire.heads import joined

NOTHING: Mapping[str, Any] = {}


class Transmitter:
    """Sends deliveries; one under way stops when its document's generation falls behind."""

    def __init__(self, deliverer: Deliverer, telemetry: Telemetry) -> None:
        self._deliverer = deliverer
        self._telemetry = telemetry

    async def send(
        self, exchange: Exchange, delivery: Delivery, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Send all of it, or until the client leaves; the exchange is over then."""
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
        self, exchange: Exchange, delivery: Delivery, body: Stream, receive: Receive, send: Send
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
        assert exchange.link is not None, "only a document's original is streamed"
        return self._deliverer.gate.watch(exchange.link, exchange.viewer, abort)

    def _log(self, exchange: Exchange, delivery: Delivery, sent: int) -> None:
        record, link = exchange.record, exchange.link
        record.status, record.cache, record.sent = delivery.status, delivery.level, sent
        record.shown = delivery.shown
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
