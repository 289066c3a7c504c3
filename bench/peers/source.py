"""A slow store that counts: enough of S3 for one object, one answer each connection."""

from __future__ import annotations

import asyncio
from types import TracebackType

_DELAY = 0.5


class Source:
    """Answers every GET with the same octets half a second later; `gets` counts them."""

    def __init__(self, size: int) -> None:
        self.gets = 0
        self.port = 0
        self._body = bytes(size)

    async def __aenter__(self) -> Source:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.gets += head.startswith(b"GET ")
        await asyncio.sleep(_DELAY)
        writer.write(
            b'HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\netag: "one"\r\n'
            b"last-modified: Sun, 22 Nov 2026 10:00:00 GMT\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n" % len(self._body)
        )
        if head.startswith(b"GET "):
            writer.write(self._body)
        await writer.drain()
        writer.close()
