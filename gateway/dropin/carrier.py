"""Carrier: requests to upstream and its answers, octet for octet, in bounded memory and time.

httpcore and not httpx: nothing is spelled anew, no field is added, no cookie is kept.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager
from typing import Final

import httpcore

from gateway.dropin.incoming import Incoming
from gateway.dropin.lines import HearingBackend
from gateway.errors import RequestRefused, UpstreamUnavailable

CONNECT: Final = 5.0
# Shorter than Node's and uvicorn's five seconds: a request never meets a connection that upstream
# is just closing, for a POST can not be sent twice.
_IDLE = 2.0
# httpcore compares all connections of a pool with one another: some hundred would stop the process
# for seconds.
_POOLS, _KEPT = 32, 4
# What comes ahead of a client that stands still, which the loop takes all at once: the kernel's
# own measure is megabytes.
AHEAD: Final = (socket.SOL_SOCKET, socket.SO_RCVBUF, 256 << 10)

Broken = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)
"""How a connection to upstream ends that should have gone on."""


class Carrier:
    """Asks upstream. Connections are kept for requests in hand; a streamed one has its own.

    As many are open as clients ask for: the server in front bounds those.
    """

    def __init__(self, tls: ssl.SSLContext, silence: float) -> None:
        self._tls = tls
        self._times = {"connect": CONNECT, "read": silence, "write": silence, "pool": CONNECT}
        self._pools = [self._shared() for _ in range(_POOLS)]
        self._under_way = [0] * _POOLS

    @asynccontextmanager
    async def answered(
        self, request: httpcore.Request, upload: Incoming | None
    ) -> AsyncGenerator[httpcore.Response]:
        """The answer, with its body still to come; `upload` is the request's body if it streams.

        It may take no longer to connect than `CONNECT`, and to go on than the silence allowed.
        Raises `UpstreamUnavailable`, and `RequestRefused` for fields that no server takes.
        """
        request.extensions["timeout"] = self._times
        async with self._pool(upload) as pool:
            answer = await _asked(pool, request)
            try:
                yield answer
            finally:
                await answer.aclose()

    async def aclose(self) -> None:
        """Close the connections that are kept."""
        for pool in self._pools:
            await pool.aclose()

    @asynccontextmanager
    async def _pool(self, upload: Incoming | None) -> AsyncGenerator[httpcore.AsyncConnectionPool]:
        """The shared pool with the fewest requests under way, or one for this upload alone."""
        if upload is not None:
            async with self._own(upload) as own:
                yield own
            return
        place = self._under_way.index(min(self._under_way))
        self._under_way[place] += 1
        try:
            yield self._pools[place]
        finally:
            self._under_way[place] -= 1

    def _shared(self) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            self._tls,
            max_connections=None,
            max_keepalive_connections=_KEPT,
            keepalive_expiry=_IDLE,
            socket_options=[AHEAD],
        )

    def _own(self, upload: Incoming) -> httpcore.AsyncConnectionPool:
        backend = HearingBackend(upload.answered)
        return httpcore.AsyncConnectionPool(
            self._tls,
            max_keepalive_connections=0,
            network_backend=backend,
            socket_options=[AHEAD],
        )


def request_of(
    method: str,
    origin: bytes,
    target: bytes,
    fields: list[tuple[bytes, bytes]],
    content: bytes | AsyncIterable[bytes],
) -> httpcore.Request:
    """A request with just this target and these fields."""
    url = httpcore.URL(origin)
    url.target = target
    return httpcore.Request(method, url, headers=fields, content=content)


async def _asked(
    pool: httpcore.AsyncConnectionPool, request: httpcore.Request
) -> httpcore.Response:
    try:
        return await pool.handle_async_request(request)
    except httpcore.LocalProtocolError:
        raise RequestRefused(400, "malformed-request", "The fields are malformed.") from None
    except Broken as error:
        # `from None`: the request is not to be told with its credentials.
        raise UpstreamUnavailable(type(error).__name__) from None
