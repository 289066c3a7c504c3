"""The probe: one question to a Supabase project, and why there was no answer to it."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Sequence

import httpx

from gateway.errors import Answer, UpstreamUnavailable
from gateway.settings.supabase import STORAGE

LARGEST = 8 * 1024 * 1024
_TIMEOUT = httpx.Timeout(15.0, connect=5.0).as_dict()


class Probe:
    """Asks the project at `url` (scheme and host) in the name of a key.

    Unlike the gateway at work it tells reasons apart: `UpstreamUnavailable` carries "tls", "name",
    "refused", "timeout", "too large" or "broken". No redirect is followed. `client` stays open for
    its owner.
    """

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self.url = url

    async def ask(
        self,
        method: str,
        path: str,
        key: str,
        *,
        body: object = None,
        fields: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """The whole answer of storage, whatever its status; `body` is sent as JSON."""
        content = None if body is None else json.dumps(body).encode()
        kind = [] if body is None else [("content-type", "application/json")]
        credentials = [("authorization", f"Bearer {key}"), ("apikey", key)] if key else []
        return await self._send(
            method, self.url + STORAGE + path, [*credentials, *kind, *fields], content
        )

    async def read(self, url: str) -> Answer:
        """What anybody finds at an address."""
        return await self._send("GET", url, [], None)

    async def _send(
        self, method: str, url: str, fields: list[tuple[str, str]], content: bytes | None
    ) -> Answer:
        own = [("accept-encoding", "identity"), ("user-agent", "ostiary")]
        extensions = {"timeout": _TIMEOUT}
        try:
            request = httpx.Request(
                method, url, headers=[*fields, *own], content=content, extensions=extensions
            )
            response = await self._client.send(
                request, stream=True, auth=None, follow_redirects=False
            )
            try:
                return await _whole(response)
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # `from None`: httpx's error holds the request, with its credentials.
            raise UpstreamUnavailable(_reason(error)) from None


async def _whole(response: httpx.Response) -> Answer:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST:
            raise UpstreamUnavailable("too large")
    fields = tuple((name.lower(), value) for name, value in response.headers.raw)
    return Answer(response.status_code, fields, bytes(body))


def _reason(error: Exception) -> str:
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "tls"
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "name"
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    return "refused" if isinstance(error, httpx.ConnectError) else "broken"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it; httpx wraps what the socket said twice."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
