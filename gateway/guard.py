"""What a connection must do to reach the application: be timely, be strict, and read its answer.

uvicorn has no deadline for a request's fields and llhttp is lenient where proxies are not; a
request that two parsers may read differently is refused here (RFC 9112, section 11).
"""

from __future__ import annotations

import fcntl
import json
import re
import struct
import termios
from asyncio import BaseTransport, TimerHandle, Transport
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import cast

import httptools
from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

POST_LIMIT = 2**20
"""The most octets of a body that /v1 and /admin read; the application enforces it."""

# Origin-form of visible ASCII without "#" (RFC 9112, section 3.2.1).
_TARGET = re.compile(rb'/[!"$-~]*')
_WATCHED = frozenset((b"host", b"content-length", b"transfer-encoding", b"expect"))
_BODILESS = frozenset((b"GET", b"HEAD", b"OPTIONS"))
_LINGER = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one connection.

    Times are in seconds, 0 for none: `head` from the first octet (or the opening) to the end of
    the fields, `body` from there to the end of the body, `stall` for a client that takes nothing
    of its answer. `octets` bounds target and fields together, `fields` counts the latter;
    connections beyond `connections` (0: no bound) are answered with 503.
    """

    head: float = 5.0
    body: float = 30.0
    stall: float = 60.0
    fields: int = 64
    octets: int = 16_384
    connections: int = 0


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


def _unheard(_reason: str) -> None:
    return


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol over httptools with `limits`; `tell` hears the reason of each refusal."""

    limits = Limits()
    tell: Callable[[str], None] = staticmethod(_unheard)

    parser: httptools.HttpRequestParser
    _deadline: TimerHandle | None = None
    _stall: TimerHandle | None = None
    _deaf = False
    _full = False
    _octets = 0  # of the chunks that came while a request's fields were incomplete
    _chunk = 0
    _hosts = 0
    _length: bytes | None = None
    _coding: bytes | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(cast(Transport, transport))
        self._full = 0 < self.limits.connections < len(self.connections)
        self._expect(self.limits.head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deaf = True
        self._cancel_deadline()
        self._cancel_stall()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then see to it that a deadline runs while something is awaited."""
        if self._deaf:
            return
        self._unset_keepalive_if_required()
        self._chunk = len(data)
        try:
            if self._head_open():
                self._octets += self._chunk
                if self._octets > self.limits.octets:
                    raise Refusal("size", FIELDS_TOO_LARGE)
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # No other protocol is spoken here: the request is answered as if it had not asked,
            # and what follows it is not HTTP/1.1.
            self._deaf = True
            self.cycle.keep_alive = False
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, Refusal) else Refusal("syntax"))
        except Refusal as refusal:
            self._refuse(refusal)
        if self._deadline is None and not self._deaf and self._awaiting():
            self._expect(self.limits.head)

    def on_header(self, name: bytes, value: bytes) -> None:
        """uvicorn's own, with an eye on the fields that frame a request."""
        name = name.lower()
        if name in _WATCHED:
            self._watch(name, value)
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Judge the request before uvicorn starts the application."""
        method = self.parser.get_method()
        if _TARGET.fullmatch(self.url) is None and (method, self.url) != (b"OPTIONS", b"*"):
            raise Refusal("target")
        if self._hosts != 1 or self.parser.get_http_version() != "1.1":
            self._check_version()
        if len(self.headers) > self.limits.fields:
            raise Refusal("count", FIELDS_TOO_LARGE)
        if self._octets or self._chunk > self.limits.octets:
            self._check_size()
        framed = self._length is not None or self._coding is not None
        if framed:
            self._check_framing(method)
        if self._full:
            raise Refusal("full", BUSY)
        self._hosts, self._octets, self._length, self._coding = 0, 0, None, None
        self._cancel_deadline()
        super().on_headers_complete()
        self.headers = _Trailers()
        if framed:
            self._expect(self.limits.body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._deadline is not None:
            self._cancel_deadline()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.limits.stall:
            self._watch_stall(self._pending())

    def resume_writing(self) -> None:
        self._cancel_stall()
        super().resume_writing()

    def _watch(self, name: bytes, value: bytes) -> None:
        if name == b"host":
            self._hosts += 1
        elif name == b"content-length":
            self._length = value
        elif name == b"transfer-encoding":
            self._coding = value.lower()
        elif value.lower() == b"100-continue":
            self.expect_100_continue = True

    def _check_version(self) -> None:
        version = self.parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise Refusal("version")
        if self._hosts > 1 or (self._hosts == 0 and version == "1.1"):
            raise Refusal("host")
        if version == "1.0" and self._coding is not None:
            raise Refusal("framing")

    def _check_size(self) -> None:
        octets = sum(len(name) + len(value) + 4 for name, value in self.headers)
        if octets + len(self.url) > self.limits.octets:
            raise Refusal("size", FIELDS_TOO_LARGE)

    def _check_framing(self, method: bytes) -> None:
        if self._coding is not None and (self._coding != b"chunked" or self._length is not None):
            raise Refusal("framing")
        if method in _BODILESS and (self._coding is not None or self._length != b"0"):
            raise Refusal("body")

    def _head_open(self) -> bool:
        # uvicorn begins a message with a new scope and knows its method when its fields end.
        return self._spoken() and "method" not in self.scope

    def _spoken(self) -> bool:
        return cast("HTTPScope | None", self.scope) is not None

    def _busy(self) -> bool:
        return self._begun() and not self.cycle.response_complete

    def _begun(self) -> bool:
        return cast("RequestResponseCycle | None", self.cycle) is not None

    def _awaiting(self) -> bool:
        """Whether the client owes octets: a request's rest, or line ends between requests."""
        return self._head_open() or not self._busy()

    def _refuse(self, refusal: Refusal) -> None:
        self._deaf = True
        self._cancel_deadline()
        self.tell(refusal.reason)
        if self._begun() and not self._close_cycle():
            return
        self._say(refusal.reply)

    def _close_cycle(self) -> bool:
        """End what came before the fault; whether the fault may be answered."""
        if not self._busy():
            if self.cycle.more_body:
                self.transport.close()
            return not self.cycle.more_body
        if not self.cycle.more_body:
            # A good request is under way; it is answered, and the connection ends after it.
            self.cycle.keep_alive = False
            return False
        if self.pipeline or self.cycle.response_started:
            self.transport.abort()
            return False
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        return True

    def _say(self, reply: Reply) -> None:
        """Answer and close; the close waits a moment, else a reset would overtake the answer."""
        if self.transport.is_closing():
            return
        self.transport.write(reply.render())
        self.transport.write_eof()
        self._deadline = self.loop.call_later(_LINGER, self.transport.close)

    def _expect(self, seconds: float) -> None:
        self._cancel_deadline()
        if seconds:
            self._deadline = self.loop.call_later(seconds, self._late, seconds)

    def _late(self, seconds: float) -> None:
        self._deadline = None
        if self._busy() and self._head_open():
            # The next request is late while an answer is under way: that answer comes first.
            self._expect(seconds)
        elif not self._spoken():
            self.tell("silence")
            self.transport.close()
        else:
            self._refuse(Refusal("late", LATE))

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _watch_stall(self, before: int) -> None:
        self._cancel_stall()
        self._stall = self.loop.call_later(self.limits.stall, self._stalled, before)

    def _stalled(self, before: int) -> None:
        pending = self._pending()
        if pending < before:
            self._watch_stall(pending)
        else:
            self.tell("stall")
            self.transport.abort()

    def _pending(self) -> int:
        """Octets written that the client's kernel has not acknowledged.

        The kernel's own queue counts too (tcp(7), SIOCOUTQ): it takes megabytes and wakes the
        transport late, so that a slow reader would look like none.
        """
        unsent = self.transport.get_write_buffer_size()
        descriptor = self.transport.get_extra_info("socket").fileno()
        queued = fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0\0\0\0")
        return unsent + int(struct.unpack("i", queued)[0])

    def _cancel_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


def guarded(
    limits: Limits | None = None, tell: Callable[[str], None] = _unheard
) -> type[GuardedProtocol]:
    """The protocol class for `uvicorn.Config(http=…)` with these limits."""
    chosen, heard = limits or Limits(), tell

    class Guarded(GuardedProtocol):
        limits = chosen
        tell = staticmethod(heard)

    return Guarded
