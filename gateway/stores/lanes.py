"""Lanes: one HTTP client over several small pools of connections, as one large one would be slow.

For each request httpcore compares all connections of a pool with one another: a few hundred under
way at once stop the process for seconds.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeAlias, cast

import httpx

LANES = 32
_KEPT = 4
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=_KEPT)
SocketOption: TypeAlias = tuple[int, int, int]


class Lanes(httpx.AsyncBaseTransport):
    """Gives each request to the lane with the fewest under way, and the first of those.

    No bound is kept on how many are: whoever asks has to.
    """

    def __init__(self, tls: ssl.SSLContext, options: Iterable[SocketOption] = ()) -> None:
        self._lanes = [
            httpx.AsyncHTTPTransport(verify=tls, limits=_LIMITS, socket_options=list(options))
            for _ in range(LANES)
        ]
        self._under_way = [0] * LANES

    @property
    def under_way(self) -> tuple[int, ...]:
        """How many answers of each lane are not closed yet."""
        return tuple(self._under_way)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer with its body still to come; the lane is taken until it is closed."""
        lane = self._under_way.index(min(self._under_way))
        self._under_way[lane] += 1
        try:
            response = await self._lanes[lane].handle_async_request(request)
        except BaseException:
            self._under_way[lane] -= 1
            raise
        body = cast(httpx.AsyncByteStream, response.stream)
        response.stream = _Body(body, lambda: self._leave(lane))
        return response

    async def aclose(self) -> None:
        """Let go of the connections."""
        for lane in self._lanes:
            await lane.aclose()

    def _leave(self, lane: int) -> None:
        self._under_way[lane] -= 1


class _Body(httpx.AsyncByteStream):
    """A body that tells, once, when it is closed."""

    def __init__(self, body: httpx.AsyncByteStream, closed: Callable[[], None]) -> None:
        self._body = body
        self._closed: list[Callable[[], None]] = [closed]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._body:
            yield chunk

    async def aclose(self) -> None:
        try:
            await self._body.aclose()
        finally:
            while self._closed:
                self._closed.pop()()
