"""Lanes over real connections: shared while free, apart while taken, let go of at the end."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

import httpx
import pytest

from gateway.stores.lanes import LANES, Lanes

T = TypeVar("T")
Use = Callable[[httpx.AsyncClient, str, "Source", Lanes], Coroutine[None, None, T]]


class Source:
    """Answers each request with two octets, the second one when it is told to go on."""

    def __init__(self) -> None:
        self.connections = 0
        self.crowded = asyncio.Event()
        self.go_on = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks)
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        if self.connections == 3 * LANES:
            self.crowded.set()
        gone = (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError)
        with contextlib.suppress(*gone):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
                await writer.drain()
                await self.go_on.wait()
                writer.write(b"b")
                await writer.drain()
        writer.transport.abort()


def used(use: Use[T]) -> T:
    async def run() -> T:
        source = Source()
        lanes = Lanes(ssl.create_default_context())
        async with source.listening() as url, httpx.AsyncClient(transport=lanes) as client:
            return await use(client, url, source, lanes)

    return asyncio.run(asyncio.wait_for(run(), 30))


def test_one_request_after_the_other_takes_one_connection() -> None:
    async def use(client: httpx.AsyncClient, url: str, source: Source, lanes: Lanes) -> int:
        source.go_on.set()
        for _ in range(5):
            assert (await client.get(url)).content == b"ab"
        return source.connections

    assert used(use) == 1


def test_many_at_once_are_spread_over_the_lanes() -> None:
    async def use(client: httpx.AsyncClient, url: str, source: Source, lanes: Lanes) -> list[bytes]:
        asking = [asyncio.create_task(client.get(url)) for _ in range(3 * LANES)]
        await source.crowded.wait()
        assert set(lanes.under_way) == {3}
        source.go_on.set()
        return [answer.content for answer in await asyncio.gather(*asking)]

    assert used(use) == [b"ab"] * 3 * LANES


def test_a_lane_is_free_again_when_its_answer_is_dropped() -> None:
    async def use(client: httpx.AsyncClient, url: str, source: Source, lanes: Lanes) -> list[int]:
        under_way = []
        async with client.stream("GET", url) as first, client.stream("GET", url):
            under_way.append(sum(lanes.under_way))
            await first.aclose()
            await first.aclose()
            under_way.append(sum(lanes.under_way))
        return [*under_way, sum(lanes.under_way)]

    assert used(use) == [2, 1, 0]


def test_a_lane_is_free_again_when_there_is_no_answer() -> None:
    async def use(client: httpx.AsyncClient, url: str, source: Source, lanes: Lanes) -> int:
        with pytest.raises(httpx.ConnectError):
            await client.get("http://127.0.0.1:1")
        return sum(lanes.under_way)

    assert used(use) == 0
