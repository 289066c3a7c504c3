"""uvicorn's protocol over httptools, made timely and strict.

uvicorn has no deadline for a request's fields and llhttp is lenient where proxies are not; a
request that two parsers may read differently is refused here (RFC 9112, section 11).
"""

from __future__ import annotations

from asyncio import BaseTransport, TimerHandle, Transport
from collections.abc import Callable
from time import time
from typing import cast

import httptools
from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.fronts import peers
from gateway.guard.limits import Limits
from gateway.guard.patience import PATIENCE, Patience
from gateway.guard.refusals import BUSY, FIELDS_TOO_LARGE, LATE, NO_TRAILERS, Refusal, Reply
from gateway.guard.stall import StallWatch
from gateway.guard.whole import EXTENSION, WholeAnswer

_WATCHED = frozenset((b"connection", b"content-length", b"transfer-encoding", b"expect"))
_BODILESS = frozenset((b"GET", b"HEAD", b"OPTIONS"))
_SLASH, _HASH = b"/#"
_LINGER = 1.0
_LAST_CALL = 1.0


def unheard(_reason: str) -> None:
    """Nobody wants to know why a request was refused."""


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol over httptools with `limits`; `tell` hears the reason of each refusal.

    `_partial`: a request's fields are incomplete; `_octets`: of the chunks that came since they
    are; `_deaf`: what comes is not heard any more, for the connection ends.
    """

    limits = Limits()
    tell: Callable[[str], None] = staticmethod(unheard)

    parser: httptools.HttpRequestParser

    # Slots, since CPython stops sharing an object's keys beyond 30 names and uvicorn has used 28.
    __slots__ = (
        "_chunk",
        "_coding",
        "_deadline",
        "_deaf",
        "_explicit",
        "_full",
        "_hosts",
        "_last",
        "_length",
        "_octets",
        "_partial",
        "_peer",
        "_stall",
    )

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(cast(Transport, transport))
        self.scope = cast(HTTPScope, {})
        self._deadline: TimerHandle | None = None
        self._peer = peers.names_of(transport.get_extra_info("ssl_object"), time())
        self._stall = StallWatch(self.transport, self.limits.stall, self._give_up)
        self._deaf = self._partial = self._explicit = self._last = False
        self._chunk = self._octets = self._hosts = 0
        self._length: bytes | None = None
        self._coding: bytes | None = None
        self._full = 0 < self.limits.connections < len(self.connections)
        self._expect(self.limits.head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deaf = True
        self._cancel_deadline()
        self._stall.stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then see to it that a deadline runs while something is awaited."""
        if self._deaf:
            return
        self._unset_keepalive_if_required()
        self._chunk = len(data)
        try:
            if self._partial:
                self._grow()
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
        # uvicorn begins a message with a new scope and knows its method when its fields end.
        self._partial = "method" not in self.scope
        if self._partial or self.cycle.response_complete:
            self._await_fields()

    def on_header(self, name: bytes, value: bytes) -> None:
        """uvicorn's own, with an eye on the fields that frame a request."""
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name in _WATCHED:
            self._watch(name, value)
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Judge the request before uvicorn starts the application."""
        # Origin-form (RFC 9112, section 3.2.1). llhttp has refused all but visible ASCII, and lets
        # "#" pass, from which on uvicorn would cut the target off.
        if self.url[0] != _SLASH or _HASH in self.url:
            self._check_target()
        # Without a Connection field only HTTP/1.1 persists (RFC 9112, section 9.3), and llhttp's
        # word on that costs a tenth of the version's text.
        if self._hosts != 1 or self._explicit or not self.parser.should_keep_alive():
            self._check_version()
        if len(self.headers) > self.limits.fields:
            raise Refusal("count", FIELDS_TOO_LARGE)
        if self._octets or self._chunk > self.limits.octets:
            self._check_size()
        if self._full:
            raise Refusal("full", BUSY)
        framed = self._length is not None or self._coding is not None
        if framed:
            self._check_framing()
        self._hosts = 0
        if self._deadline is not None:
            self._cancel_deadline()
        HttpToolsProtocol.on_headers_complete(self)  # a third of the cost of super()
        self.headers = NO_TRAILERS
        self.scope["extensions"] = {EXTENSION: cast(dict[object, object], WholeAnswer(self.cycle))}
        if self._peer:
            self.scope["extensions"][peers.EXTENSION] = cast(dict[object, object], self._peer)
        if framed:
            self._expect(self.limits.body)
            patience = Patience(self.cycle, self._expect)
            self.scope["extensions"][PATIENCE] = cast(dict[object, object], patience)
        if self._last:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """uvicorn's own, for a server without WebSockets, and the end of the body's deadline."""
        if self._deadline is not None:
            self._cancel_deadline()
        if not self.cycle.response_complete:
            self.cycle.more_body = False
            self.cycle.message_event.set()

    def shutdown(self) -> None:
        """The server drains; a connection that was only just opened may still ask one thing.

        Closing it now would reset it when its request is on the way, and a client does not try
        again on a connection that never answered.
        """
        if self._begun() or self._deaf:
            super().shutdown()
            if self.scheme == "https" and self.transport.is_closing():
                self._deadline = self.loop.call_later(_LINGER, self._part)
        else:
            self._last = True
            self._expect(_LAST_CALL)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall.start()

    def resume_writing(self) -> None:
        self._stall.stop()
        super().resume_writing()

    def _part(self) -> None:
        """TLS waits half a minute for a client's own goodbye; not once all was said."""
        if not self.transport.get_write_buffer_size():
            self.transport.abort()

    def _give_up(self) -> None:
        self.tell("stall")
        self.transport.abort()

    def _watch(self, name: bytes, value: bytes) -> None:
        if name == b"connection":
            self._explicit = True
        elif name == b"content-length":
            self._length = value
        elif name == b"transfer-encoding":
            self._coding = b"several" if self._coding is not None else value.lower()
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
        self._explicit = False

    def _check_size(self) -> None:
        octets = sum(len(name) + len(value) + 4 for name, value in self.headers)
        if octets + len(self.url) > self.limits.octets:
            raise Refusal("size", FIELDS_TOO_LARGE)
        self._octets = 0

    def _check_target(self) -> None:
        if (self.parser.get_method(), self.url) != (b"OPTIONS", b"*"):
            raise Refusal("target")

    def _check_framing(self) -> None:
        if self._coding is not None and (self._coding != b"chunked" or self._length is not None):
            raise Refusal("framing")
        empty = self._coding is None and self._length == b"0"
        # llhttp reads no body where another protocol is offered: it would be lost, and unnoticed.
        bodiless = self.parser.get_method() in _BODILESS or self.parser.should_upgrade()
        if bodiless and not empty:
            raise Refusal("body")
        self._length = self._coding = None

    def _busy(self) -> bool:
        return self._begun() and not self.cycle.response_complete

    def _begun(self) -> bool:
        return cast("RequestResponseCycle | None", self.cycle) is not None

    def _await_fields(self) -> None:
        """The client owes octets: a request's rest, or what it sends between requests."""
        if self._deadline is None and not self._deaf:
            self._expect(self.limits.head)

    def _grow(self) -> None:
        self._octets += self._chunk
        if self._octets > self.limits.octets:
            raise Refusal("size", FIELDS_TOO_LARGE)

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
        if self.transport.can_write_eof():  # TLS can not
            self.transport.write_eof()
        self._deadline = self.loop.call_later(_LINGER, self.transport.close)

    def _expect(self, seconds: float) -> None:
        self._cancel_deadline()
        if seconds:
            self._deadline = self.loop.call_later(seconds, self._late, seconds)

    def _late(self, seconds: float) -> None:
        self._deadline = None
        if self._busy() and self._partial:
            # The next request is late while an answer is under way: that answer comes first.
            self._expect(seconds)
        elif len(self.scope) == 0:
            self.tell("silence")
            self.transport.close()
        else:
            self._refuse(Refusal("late", LATE))

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
