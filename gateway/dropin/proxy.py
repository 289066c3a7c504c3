"""The proxy: what the gateway does not know goes to Supabase, and Supabase's answer comes back."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from time import perf_counter, time
from typing import Final

import httpcore

from gateway.dropin.carrier import Broken, Carrier, request_of
from gateway.dropin.fields import Origins, answer_fields, request_fields
from gateway.dropin.incoming import ClientLeft, Incoming
from gateway.dropin.targets import target_of
from gateway.dropin.writes import LONGEST, Write, changes_of, write_of
from gateway.errors import UpstreamUnavailable
from gateway.supabase.events import Change
from gateway.telemetry import Record, Telemetry, trace_id
from gateway.wire.asgi import Message, Receive, Scope, Send

_SHORT = 65_536
SILENCE: Final = 60.0
_TELLING = 5.0


@dataclass(frozen=True, slots=True)
class Forwarding:
    """One request on its way. `upload` is its body where that is streamed and not in hand.

    `poured` tells that the client has all of the answer, and may well leave.
    """

    record: Record
    request: httpcore.Request
    incoming: Incoming
    upload: Incoming | None
    write: Write | None
    origins: Origins
    public: bool
    poured: asyncio.Event = field(default_factory=asyncio.Event)


class Proxy:
    """Passes requests on to the project at `url`, scheme and host alone.

    `told` hears of every write that upstream has said yes to, before the client hears of that
    yes: who has written reads its own write. What goes wrong there delays nobody for long.
    `silence` is how many seconds either side may say nothing while it is its turn.
    """

    def __init__(
        self,
        url: str,
        tls: ssl.SSLContext,
        telemetry: Telemetry,
        told: Callable[[list[Change]], Awaitable[None]],
        silence: float = SILENCE,
    ) -> None:
        self._origin = url.rstrip("/").encode()
        self._carrier = Carrier(tls, silence)
        self._silence = silence
        self._telemetry = telemetry
        self._told = told
        self._tellings: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """Close what is open to upstream."""
        await self._carrier.aclose()

    async def pass_on(
        self, record: Record, scope: Scope, receive: Receive, send: Send, *, public: bool
    ) -> None:
        """Hand the request on and the answer back; `public` answers keep their cache fields.

        Before the answer begins it raises `RequestRefused`, `LinkRefused` and
        `UpstreamUnavailable`, and has told nothing. After that a body that breaks off is left
        incomplete, so that the server closes the connection (RFC 9112, section 8).
        """
        began, now = perf_counter(), time()
        target = target_of(scope["raw_path"], scope["query_string"])
        write = write_of(scope["method"], scope["raw_path"], scope["query_string"])
        keeps = LONGEST if write and write.asks else 0
        incoming = Incoming(scope, receive, self._silence, keeps=keeps)
        try:
            forwarding = await self._forwarding(
                record, scope, target, incoming, write, public=public
            )
            await self._until_left(forwarding, send)
        except ClientLeft:
            record.code = "delivery.aborted"
        finally:
            await incoming.aclose()
        record.trace = trace_id(dict(scope["headers"]).get(b"traceparent", b""))
        self._telemetry.request(record, now, perf_counter() - began)

    async def _forwarding(
        self,
        record: Record,
        scope: Scope,
        target: bytes,
        incoming: Incoming,
        write: Write | None,
        *,
        public: bool,
    ) -> Forwarding:
        upload = incoming if _streams(scope["headers"]) else None
        origins = Origins.of(scope, self._origin)
        request = request_of(
            scope["method"],
            self._origin,
            target,
            request_fields(scope, origins),
            upload or await incoming.read(),
        )
        return Forwarding(record, request, incoming, upload, write, origins, public)

    async def _until_left(self, forwarding: Forwarding, send: Send) -> None:
        """Relay the answer while the client is there.

        A write that upstream has had in full goes on without its client, for it may succeed.
        """
        relaying = asyncio.create_task(self._relay(forwarding, send))
        leaving = asyncio.create_task(forwarding.incoming.left())
        try:
            await asyncio.wait({relaying, leaving}, return_when=asyncio.FIRST_COMPLETED)
            written = forwarding.write is not None and forwarding.incoming.whole
            if written or forwarding.poured.is_set():
                await asyncio.wait({relaying})
        finally:
            relaying.cancel()
            leaving.cancel()
            await asyncio.gather(relaying, leaving, return_exceptions=True)
        if relaying.cancelled():
            raise ClientLeft
        relaying.result()

    async def _relay(self, forwarding: Forwarding, send: Send) -> None:
        record = forwarding.record
        async with self._carrier.answered(forwarding.request, forwarding.upload) as answer:
            forwarding.incoming.release()
            body = answer.aiter_stream()
            head = await self._before(forwarding, answer.status, body)
            record.status = answer.status
            await send(_start(forwarding, answer))
            if await _pour(record, head, body, send):
                forwarding.poured.set()
        if forwarding.poured.is_set():
            await send({"type": "http.response.body", "body": b""})
        else:
            record.code = "delivery.aborted"

    async def _before(
        self, forwarding: Forwarding, status: int, body: AsyncIterator[bytes]
    ) -> bytes:
        """Tell of a write that succeeded; what had to be read of the answer for that."""
        write, head = forwarding.write, b""
        if write is None or status not in range(200, 300):
            return b""
        try:
            if write.answers:
                head = await _first(body)
        finally:
            await self._tell(forwarding.record, changes_of(write, forwarding.incoming.seen, head))
        return head

    async def _tell(self, record: Record, changes: list[Change]) -> None:
        if not changes:
            return
        telling = asyncio.ensure_future(self._told(changes))
        self._tellings.add(telling)
        telling.add_done_callback(self._tellings.discard)
        try:
            async with asyncio.timeout(_TELLING):
                # What was written has to be told, though the client leave meanwhile.
                await asyncio.shield(telling)
        except Exception as error:
            self._telemetry.fault(record.request_id, error)


def _streams(fields: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request's body is too long to be taken in hand, or of no known length."""
    framing = dict(fields)
    return b"transfer-encoding" in framing or int(framing.get(b"content-length", 0)) > _SHORT


def _start(forwarding: Forwarding, answer: httpcore.Response) -> Message:
    fields = answer_fields(
        answer.status, answer.headers, forwarding.origins, public=forwarding.public
    )
    if all(name != b"x-request-id" for name, _ in fields):
        fields.append((b"x-request-id", forwarding.record.request_id.encode()))
    return {"type": "http.response.start", "status": answer.status, "headers": fields}


async def _first(body: AsyncIterator[bytes]) -> bytes:
    """A body up to `LONGEST` and a bit; raises `UpstreamUnavailable`."""
    head = bytearray()
    try:
        async for chunk in body:
            head += chunk
            if len(head) > LONGEST:
                break
    except Broken as error:
        raise UpstreamUnavailable(type(error).__name__) from None
    return bytes(head)


async def _pour(record: Record, head: bytes, body: AsyncIterator[bytes], send: Send) -> bool:
    """Send a body but for its end; whether there was one."""
    try:
        await _hand_on(record, head, send)
        async for chunk in body:
            await _hand_on(record, chunk, send)
    except Broken:
        return False
    return True


async def _hand_on(record: Record, chunk: bytes, send: Send) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})
    record.sent += len(chunk)
    # uvicorn waits for a full buffer at the next message: not with a chunk in hand.
    await send({"type": "http.response.body", "body": b"", "more_body": True})
