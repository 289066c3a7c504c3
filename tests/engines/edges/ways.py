"""The way from a cache to the gateway, on which an answer can be held back."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing, suppress

from tests.engines.edges.wire import free_port

_PATIENCE = 60.0
_BODILESS = (b"204", b"304")


class Held:
    """One answer of the gateway's that the cache does not have yet."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.given = threading.Event()
        self.free = asyncio.Event()
        self._loop = loop

    def let_go(self) -> None:
        self._loop.call_soon_threadsafe(self.free.set)


class Way:
    """Leads connections to `port` on to the gateway; requests have no bodies.

    `hold(path)` keeps back the next answer to a target under that path, once the gateway has
    given it.
    """

    def __init__(self, gateway: int) -> None:
        self.port = free_port()
        self._gateway = gateway
        self._held: dict[bytes, Held] = {}
        self._open = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._lead(),))
        self._thread.start()
        assert self._open.wait(_PATIENCE)

    def hold(self, path: str) -> Held:
        held = self._held[path.encode()] = Held(self._loop)
        return held

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(_PATIENCE)
        self._loop.close()

    async def _lead(self) -> None:
        self._over = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self._open.set()
        await self._over.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, viewer: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        # Either end may hang up, and the gateway need not have been started.
        with closing(back), suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            gateway, ask = await asyncio.open_connection("127.0.0.1", self._gateway)
            with closing(ask):
                going = True
                while going:
                    request = await viewer.readuntil(b"\r\n\r\n")
                    ask.write(request)
                    head, body = await _answer(gateway, request)
                    if (held := self._held.pop(_path(request), None)) is not None:
                        held.given.set()
                        await held.free.wait()
                    back.write(head + body)
                    await back.drain()
                    going = b"\r\nconnection: close\r\n" not in head.lower()


def _path(request: bytes) -> bytes:
    return request.split(b" ", 2)[1].partition(b"?")[0]


async def _answer(gateway: asyncio.StreamReader, request: bytes) -> tuple[bytes, bytes]:
    head = await gateway.readuntil(b"\r\n\r\n")
    status, *lines = head.lower().split(b"\r\n")
    if request.startswith(b"HEAD ") or status.split()[1] in _BODILESS:
        return head, b""
    [length] = [line.partition(b":")[2] for line in lines if line.startswith(b"content-length:")]
    return head, await gateway.readexactly(int(length))
