"""Streams: bodies that are read while they are sent, and stop when nobody listens any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack

from gateway.caches.budget import ByteBudget
from gateway.documents import Document
from gateway.errors import GatewayError
from gateway.representations import Source
from gateway.state.guards import Guard
from gateway.wire.asgi import Receive, Send
from gateway.wire.ranges import ByteRange


class Stream:
    """Octets in hand and ranges of one body, in order."""

    def __init__(
        self, document: Document, parts: Sequence[bytes | ByteRange], source: Source
    ) -> None:
        self._cost = source.cost(document)
        self._chunks = source.stream(document, parts)
        self._first: bytes | memoryview = b""
        self._reserved = ExitStack()

    async def prime(self, budget: ByteBudget) -> None:
        """Take its share of `budget` and read the first chunk, before the answer begins.

        Raises `Overloaded`, and what the store raises; then the stream is closed.
        """
        self._reserved.enter_context(budget.reserve(self._cost))
        try:
            self._first = await anext(self._chunks, b"")
        except BaseException:
            await self.aclose()
            raise

    async def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """Every chunk, from the first, which is not kept: a reader may stand still for long."""
        first, self._first = self._first, b""
        yield first
        del first
        async for chunk in self._chunks:
            yield chunk

    async def aclose(self) -> None:
        """Let go of the source, wherever it stands, and of the share of the budget."""
        try:
            await self._chunks.aclose()
        finally:
            self._reserved.close()


class Pump:
    """Sends a stream until its end, the client's leaving, a broken source or a revocation.

    A body cut short leaves the message incomplete, so the server closes the connection: a
    shortened body must never look whole (RFC 9112 section 8).
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.sent = 0
        self.whole = False
        self.fault: Exception | None = None

    async def run(
        self,
        receive: Receive,
        send: Send,
        watch: Callable[[Callable[[], None]], Guard],
    ) -> None:
        """Send everything; `watch` is given what aborts the sending.

        uvicorn's `send` returns silently when the client has left, so `receive` is watched too.
        """
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_left(receive))
        guard = watch(lambda: _cancel(sending))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            guard.close()
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            await self._stream.aclose()

    async def _send(self, send: Send) -> None:
        try:
            async for chunk in self._stream.chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                self.sent += len(chunk)
                # uvicorn waits for a full buffer at the next message: not with a chunk in hand.
                await send({"type": "http.response.body", "body": b"", "more_body": True})
                # Neither a cached read nor `send` to a client that takes everything, or has
                # left, ever waits: without this nobody else's turn would come until the end.
                await asyncio.sleep(0)
        except GatewayError:
            return
        except Exception as error:  # nobody foresaw it: told by whoever keeps the log
            self.fault = error
            return
        self.whole = True
        await send({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
