"""Streams: read while they are sent, stopped at once, and never made to look whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, MutableMapping
from contextlib import suppress
from typing import Any

import pytest

from gateway.caches.budget import ByteBudget
from gateway.errors import GatewayError, Overloaded, StoreUnavailable
from gateway.streams import Pump, Stream

Message = MutableMapping[str, Any]

BUDGET = ByteBudget(1 << 20)


class Source:
    """What `Stream` needs of the originals: chunks, an error after them, and a cost."""

    def __init__(self, *chunks: bytes, failure: GatewayError | None = None) -> None:
        self.chunks = chunks
        self.failure = failure
        self.closed = False

    def cost(self, document: object) -> int:
        return 7

    async def stream(self, document: object, parts: object) -> AsyncGenerator[bytes, None]:
        try:
            for chunk in self.chunks:
                yield chunk
            if self.failure:
                raise self.failure
        finally:
            self.closed = True


class Client:
    """The other side: takes what is sent, leaves or stalls when told to."""

    def __init__(self, *, stall_after: int = 99, leaves: bool = False) -> None:
        self.messages: list[Message] = []
        self.left = asyncio.Event()
        self.stalled = asyncio.Event()
        self._stall_after = stall_after
        if leaves:
            self.left.set()
        self._greeted = False

    async def send(self, message: Message) -> None:
        if message.get("more_body") and not message["body"]:
            return  # only waits, for room that is there
        if len(self.messages) >= self._stall_after:
            self.stalled.set()
            await asyncio.Event().wait()
        self.messages.append(message)

    async def receive(self) -> Message:
        if not self._greeted:
            self._greeted = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.messages)

    @property
    def ended(self) -> bool:
        return bool(self.messages) and not self.messages[-1].get("more_body", False)


class Watch:
    """Stands for the revocations: keeps what aborts, and whether the watch was ended."""

    def __init__(self) -> None:
        self.abort: Callable[[], None] = lambda: None
        self.closed = False

    def __call__(self, abort: Callable[[], None]) -> Watch:
        self.abort = abort
        return self

    def close(self) -> None:
        self.closed = True


def _pump(source: Any) -> Pump:
    return Pump(Stream(None, [], source))  # type: ignore[arg-type]


async def _run(pump: Pump, client: Client, watch: Watch) -> None:
    async with asyncio.timeout(10):
        await pump.run(client.receive, client.send, watch)  # type: ignore[arg-type]


def test_a_stream_is_sent_whole_and_then_ended() -> None:
    async def work() -> None:
        source, client, watch = Source(b"ab", b"cd"), Client(), Watch()
        pump = _pump(source)
        await _run(pump, client, watch)
        assert (client.body, client.ended) == (b"abcd", True)
        assert (pump.sent, pump.whole, source.closed, watch.closed) == (4, True, True, True)

    asyncio.run(work())


@pytest.mark.parametrize("failure", [StoreUnavailable("cut short"), GatewayError()])
def test_a_source_that_breaks_leaves_the_message_open(failure: GatewayError) -> None:
    async def work() -> None:
        source, client, watch = Source(b"ab", failure=failure), Client(), Watch()
        pump = _pump(source)
        await _run(pump, client, watch)
        assert (client.body, client.ended, pump.whole) == (b"ab", False, False)
        assert watch.closed

    asyncio.run(work())


def test_a_client_that_leaves_stops_the_source_at_once() -> None:
    async def work() -> None:
        source, client, watch = Source(b"ab", b"cd", b"ef"), Client(stall_after=1), Watch()
        stream = Stream(None, [], source)  # type: ignore[arg-type]
        await stream.prime(BUDGET)
        pump = Pump(stream)
        running = asyncio.create_task(_run(pump, client, watch))
        await client.stalled.wait()
        assert not source.closed
        client.left.set()
        await running
        assert (source.closed, pump.whole, client.ended) == (True, False, False)
        assert pump.sent == 2

    asyncio.run(work())


def test_a_client_that_leaves_is_noticed_where_nothing_ever_waits() -> None:
    """uvicorn takes everything silently for one who has left, and cached reads never wait."""

    async def work() -> None:
        source, client, watch = Source(*[b"ab"] * 1_000), Client(stall_after=9_999), Watch()
        client.left.set()
        pump = _pump(source)
        await _run(pump, client, watch)
        assert source.closed
        assert pump.sent < 100
        assert not pump.whole

    asyncio.run(work())


def test_a_revocation_stops_a_stream_in_flight() -> None:
    async def work() -> None:
        source, client, watch = Source(b"ab", b"cd"), Client(stall_after=1), Watch()
        pump = _pump(source)
        running = asyncio.create_task(_run(pump, client, watch))
        await client.stalled.wait()
        watch.abort()
        await running
        assert (source.closed, pump.whole, client.ended) == (True, False, False)

    asyncio.run(work())


def test_a_stream_whose_link_is_already_revoked_sends_nothing() -> None:
    class Revoked(Watch):
        def __call__(self, abort: Callable[[], None]) -> Watch:
            abort()
            return self

    async def work() -> None:
        source, client = Source(b"ab"), Client()
        await _run(_pump(source), client, Revoked())
        assert client.messages == []

    asyncio.run(work())


def test_a_server_that_stops_lets_go_of_the_source() -> None:
    async def work() -> None:
        source, client, watch = Source(b"ab", b"cd"), Client(stall_after=1), Watch()
        running = asyncio.create_task(_run(_pump(source), client, watch))
        await client.stalled.wait()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        assert (source.closed, watch.closed) == (True, True)

    asyncio.run(work())


def test_a_source_that_fails_at_its_first_chunk_fails_before_the_answer() -> None:
    async def work() -> None:
        stream = Stream(None, [], Source(failure=StoreUnavailable()))  # type: ignore[arg-type]
        with pytest.raises(StoreUnavailable):
            await stream.prime(BUDGET)

    asyncio.run(work())


def test_a_primed_stream_loses_nothing_and_costs_what_its_source_says() -> None:
    async def work() -> None:
        budget = ByteBudget(10)
        stream = Stream(None, [], Source(b"ab", b"cd"))  # type: ignore[arg-type]
        await stream.prime(budget)
        assert budget.used == 7
        assert b"".join([bytes(chunk) async for chunk in stream.chunks()]) == b"abcd"
        await stream.aclose()
        assert budget.used == 0

    asyncio.run(work())


def test_a_stream_that_is_closed_unread_closes_its_source() -> None:
    async def work() -> None:
        source = Source(b"ab", b"cd")
        stream = Stream(None, [], source)  # type: ignore[arg-type]
        await stream.prime(BUDGET)
        await stream.aclose()
        assert source.closed

    asyncio.run(work())


def test_a_full_budget_refuses_before_the_source_is_opened() -> None:
    async def work() -> None:
        budget = ByteBudget(6)
        source = Source(b"ab")
        stream = Stream(None, [], source)  # type: ignore[arg-type]
        with pytest.raises(Overloaded):
            await stream.prime(budget)
        assert budget.used == 0

    asyncio.run(work())
