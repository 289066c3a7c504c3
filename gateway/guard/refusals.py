"""How a request is turned away before the application knows of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final


@dataclass(frozen=True, slots=True)
class Reply:
    """A constant refusal; it tells nothing of the request."""

    status: int
    title: str
    code: str
    extra: str = ""

    def render(self) -> bytes:
        """The whole response, dated now."""
        facts = {"title": self.title, "status": self.status, "code": self.code}
        body = json.dumps(facts).encode()
        return (
            f"HTTP/1.1 {self.status} {self.title}\r\n"
            f"date: {formatdate(usegmt=True)}\r\n"
            "content-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\n"
            f"cache-control: no-store\r\n{self.extra}"
            "x-content-type-options: nosniff\r\n"
            "referrer-policy: no-referrer\r\n"
            "x-robots-tag: none\r\n"
            "connection: close\r\n\r\n"
        ).encode() + body


BAD = Reply(400, "Bad Request", "malformed-request")
BUSY = Reply(503, "Service Unavailable", "too-many-connections", "retry-after: 2\r\n")
LATE = Reply(408, "Request Timeout", "request-timeout")
FIELDS_TOO_LARGE = Reply(431, "Request Header Fields Too Large", "fields-too-large")


class Refusal(Exception):
    """Raised inside the parser's callbacks; `reason` is a short word for the metrics."""

    def __init__(self, reason: str, reply: Reply = BAD) -> None:
        super().__init__(reason)
        self.reason = reason
        self.reply = reply


class _Trailers(list[tuple[bytes, bytes]]):
    """Where fields after a body would go: uvicorn would add them to the request's own."""

    def append(self, _field: tuple[bytes, bytes]) -> None:
        raise Refusal("trailers")


NO_TRAILERS: Final = _Trailers()
