"""Exchanges: one request and what is learnt of it on the way to its answer."""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter, time

from gateway.deliveries import Request
from gateway.fronts.pullers import FIELDS
from gateway.permits import Permit
from gateway.telemetry import Record
from gateway.wire.preconditions import UNCONDITIONAL, Preconditions
from imaging.marking.viewers import NOBODY
from signing.links import Link

_CONDITIONS = (
    b"if-match",
    b"if-none-match",
    b"if-unmodified-since",
    b"if-modified-since",
    b"if-range",
)
_CONDITIONAL = frozenset(_CONDITIONS)
_PROOFS = (b"authorization", b"cookie")
_WANTED = frozenset((*_CONDITIONS, b"range", b"accept", b"traceparent", *_PROOFS, *FIELDS))


class Exchange:
    """A request for a link. Only the fields that may change its answer are ever looked at.

    `viewer` is who asks, once that is proved; `proven` says that an edge asks by a copy's key.
    `asked` are path and query as they came.
    """

    __slots__ = ("asked", "began", "fields", "link", "method", "now", "proven", "record", "viewer")

    def __init__(
        self,
        record: Record,
        headers: Iterable[tuple[bytes, bytes]],
        asked: tuple[bytes, bytes] = (b"", b""),
    ) -> None:
        self.record = record
        self.asked = asked
        self.method = record.method
        self.began = perf_counter()
        self.now = time()
        self.link: Link | Permit | None = None
        self.viewer = NOBODY
        self.proven = False
        self.fields: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in _WANTED:
                before = self.fields.get(name)
                self.fields[name] = value if before is None else before + b", " + value

    def field(self, name: bytes) -> bytes:
        """A field's value, several of one name joined (RFC 9110 section 5.3); empty if absent."""
        return self.fields.get(name, b"")

    def request(self) -> Request:
        """What delivery needs of it."""
        fields = self.fields
        preconditions = UNCONDITIONAL
        if not _CONDITIONAL.isdisjoint(fields):
            preconditions = Preconditions(*map(fields.get, _CONDITIONS))
        return Request(
            self.method == "HEAD",
            preconditions,
            fields.get(b"range", b""),
            fields.get(b"accept", b"").decode("latin-1"),
            self.now,
            self.viewer,
            self.proven,
            self.asked,
        )
