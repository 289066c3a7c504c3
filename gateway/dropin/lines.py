"""Lines: connections to upstream that hear an answer while a body is still being sent.

httpcore listens only when a request is out. A server that refuses an upload at its first octet
may take no more of it, and its answer would be lost with the connection.
"""

# Timeouts as arguments are how httpcore asks for them.
# ruff: noqa: ASYNC109

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, cast

import httpcore

_AHEAD = 65_536


class HearingBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for one request, and sets `answered` when upstream has said something."""

    def __init__(self, answered: asyncio.Event) -> None:
        # pyright sees the stand-in that httpcore has where anyio is not installed.
        self._backend = cast(httpcore.AsyncNetworkBackend, httpcore.AnyIOBackend())
        self._answered = answered

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises httpcore's ConnectError and ConnectTimeout."""
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return Line(stream, self._answered)


class Line(httpcore.AsyncNetworkStream):
    """A connection that is read from its first write on; a write ends when something came.

    What came is handed to the next `read`. An interim answer (RFC 9110, section 15.2) answers
    nothing: after one, the line listens no more until it is read.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream, answered: asyncio.Event) -> None:
        self._stream = stream
        self._answered = answered
        self._ahead: asyncio.Task[bytes] | None = None

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """The same over TLS."""
        stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return Line(stream, self._answered)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Raises httpcore's WriteError also when upstream has answered already."""
        if self._ahead is None:
            self._ahead = asyncio.create_task(self._listen())
        writing = asyncio.create_task(self._stream.write(buffer, timeout))
        heard = asyncio.create_task(self._answered.wait())
        try:
            await asyncio.wait({writing, heard}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            heard.cancel()
            await _ended(writing)
        if self._answered.is_set():
            raise httpcore.WriteError
        await writing

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What was heard before, or the next octets."""
        if self._ahead is None:
            return await self._stream.read(max_bytes, timeout)
        try:
            async with asyncio.timeout(timeout):
                return await self._ahead
        except TimeoutError:
            raise httpcore.ReadTimeout from None
        finally:
            self._ahead = None

    async def aclose(self) -> None:
        if self._ahead is not None:
            await _ended(self._ahead)
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    async def _listen(self) -> bytes:
        """The first octets that upstream says; none when it left without a word."""
        heard = b""
        try:
            heard = await self._stream.read(_AHEAD)
        finally:
            if not heard.startswith(b"HTTP/1.1 1"):
                self._answered.set()
        return heard


async def _ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
