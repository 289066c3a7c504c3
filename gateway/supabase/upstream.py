"""Asking Supabase's storage server: what goes up to it, and how long it may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import httpx

from gateway.errors import Answer, UpstreamUnavailable
from gateway.supabase.callers import Caller
from signing.addresses import canonical_bucket, canonical_key

LARGEST = 8 * 1024 * 1024
NOBODY = Caller()
"""Who sends no credentials at all."""

PATIENCE = 15.0
"""How long a whole answer may take, in seconds: one that trickles holds up all who ask the same."""

ABREAST = 256
"""How many answers are waited for at once; who asks for more waits in line."""

_TIMEOUT = httpx.Timeout(10.0, connect=5.0).as_dict()
# Those of one connection, and those that the decoded body does not fit any more.
_LEFT_OUT = frozenset(
    b"connection keep-alive proxy-authenticate proxy-connection te trailer transfer-encoding "
    b"upgrade content-encoding content-length".split()
)


class Upstream:
    """The storage server of the project at `url` (scheme and host), spoken to by `client`.

    Only the caller's two credentials go up. A policy that reads another field sees none, which
    can but refuse, and a decision depends on nothing that its cache does not know. `patience` is
    in seconds; `abreast` is how many answers are waited for at once.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        *,
        patience: float = PATIENCE,
        abreast: int = ABREAST,
    ) -> None:
        self._client = client
        self._patience = patience
        self._places = asyncio.Semaphore(abreast)
        self.base = f"{url.rstrip('/')}/storage/v1"

    async def ask(
        self,
        method: str,
        path: str,
        caller: Caller,
        *,
        body: bytes | None = None,
        fields: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """The whole answer, whatever its status; `path` is below `base`, spelled for the wire.

        No redirect is followed. Raises `UpstreamUnavailable`, for a body over `LARGEST` too.
        """
        request = self._request(method, path, caller, body, fields)
        async with self._answered(request) as response:
            return _answer(response, await _read(response))

    async def probe(
        self, method: str, path: str, caller: Caller, *, fields: Sequence[tuple[str, str]] = ()
    ) -> Answer:
        """As `ask`, but a success has no body: it is not read, and its connection is dropped."""
        request = self._request(method, path, caller, None, fields)
        async with self._answered(request) as response:
            return _answer(response, b"" if response.is_success else await _read(response))

    def _request(
        self,
        method: str,
        path: str,
        caller: Caller,
        body: bytes | None,
        fields: Sequence[tuple[str, str]],
    ) -> httpx.Request:
        """Not built by the client, which would add its own fields and the cookies of others."""
        content = [("content-type", "application/json")] if body is not None else []
        own = [("accept-encoding", "identity"), ("user-agent", "ostiary")]
        return httpx.Request(
            method,
            self.base + path,
            headers=[*caller.fields(), *content, *own, *fields],
            content=body,
            extensions={"timeout": _TIMEOUT},
        )

    @asynccontextmanager
    async def _answered(self, request: httpx.Request) -> AsyncGenerator[httpx.Response]:
        try:
            async with asyncio.timeout(self._patience), self._places:
                response = await self._client.send(
                    request, stream=True, auth=None, follow_redirects=False
                )
                try:
                    yield response
                finally:
                    await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            # `from None`: httpx's error holds the request, with its credentials.
            raise UpstreamUnavailable(type(error).__name__) from None


def quoted(bucket: str, key: str) -> str:
    """The path of an object as upstream reads it; raises `Unsignable` for what is no address."""
    return f"{canonical_bucket(bucket)}/{canonical_key(key)}"


async def _read(response: httpx.Response) -> bytes:
    # Asked for as it is; what is packed all the same is not unpacked, for it may be a bomb.
    if response.headers.get("content-encoding", "identity") != "identity":
        raise UpstreamUnavailable("coding")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > LARGEST:
            raise UpstreamUnavailable("too large")
    return bytes(body)


def _answer(response: httpx.Response, body: bytes) -> Answer:
    raw = [(name.lower(), value) for name, value in response.headers.raw]
    fields = tuple((name, value) for name, value in raw if name not in _LEFT_OUT)
    return Answer(response.status_code, fields, body)
