"""Replies: what the storage routes say themselves, in the form that Supabase's clients read."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.deliver import forbidding
from gateway.deliveries import Delivery, FieldList
from gateway.exchanges import Exchange
from gateway.supabase.refusals import as_json, refusal_for
from gateway.telemetry import Telemetry
from gateway.wire.crossorigin import preflight
from gateway.wire.heads import EMPTY
from gateway.wire.security import security_fields

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
JSON = b"application/json; charset=utf-8"


class Replies:
    """Makes answers that nobody may keep. `strict` gives errors their true statuses."""

    def __init__(self, telemetry: Telemetry, *, corp: str, strict: bool) -> None:
        self._telemetry = telemetry
        self._security = security_fields(corp)
        self._strict = strict

    def said(self, exchange: Exchange, value: object) -> Delivery:
        """JSON, 200."""
        body = as_json(value)
        return Delivery(200, EMPTY, self._fields(exchange, body), body)

    def refusal(self, exchange: Exchange, error: Exception) -> Delivery:
        """An error in Supabase's own form; one that nobody foresaw is logged here."""
        refusal = refusal_for(error)
        exchange.record.code = refusal.code
        status = refusal.http_status(self._strict)
        if status == 500:
            self._telemetry.fault(exchange.record.request_id, error)
        body = refusal.body()
        fields = [*self._fields(exchange, body), *refusal.fields]
        return Delivery(status, EMPTY, fields, b"" if exchange.method == "HEAD" else body)

    def preflight(self, exchange: Exchange, asking: Mapping[bytes, bytes]) -> Delivery:
        """The answer to a page of another origin that wants to know what it may ask."""
        asked = asking.get(b"access-control-request-headers", b"")
        fields = [*forbidding(exchange.now), *preflight(asked, METHODS), *self._security]
        return Delivery(204, EMPTY, fields, b"")

    def _fields(self, exchange: Exchange, body: bytes) -> FieldList:
        return [
            *forbidding(exchange.now),
            (b"content-type", JSON),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", exchange.record.request_id.encode()),
            *self._security,
        ]
