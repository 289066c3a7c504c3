"""GET requests to Supabase's storage server with the service key, and what the answers hold."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx

from gateway.errors import Answer, DocumentNotFound, GatewayError, StoreUnavailable
from gateway.stores import CHUNK, StoredObject
from gateway.stores.lanes import Lanes

# What one read brings at least, so that a slow source still flows.
_FLOW = CHUNK // 2
_LONGEST_TEXT = 64 * 1024
_SPAN = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_LENGTH = re.compile(r"\d{1,18}")
_BUSY = frozenset((429, 502, 503, 504))
# What comes ahead of a reader that stands still, which the loop takes all at once: the kernel's
# own measure is megabytes, many times what a reader is reckoned with.
AHEAD = (socket.SOL_SOCKET, socket.SO_RCVBUF, 256 << 10)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds, and how often to try again.

    `read` is for each silence, also in a body; `answer` for all tries until the fields are here,
    and for what is no document until its end. `retries` is for each request that finds no answer,
    and for each body that breaks; `backoff` is the first pause, and doubles.
    """

    connect: float = 5.0
    read: float = 10.0
    answer: float = 20.0
    retries: int = 3
    backoff: float = 0.1


class RangeRefused(StoreUnavailable):
    """No answer to a Range request, as some backends have it where there are no such octets."""


class Source:
    """The octets `span` of an object under way, and what the answer says of the object."""

    def __init__(self, response: httpx.Response) -> None:
        _check_coding(response)
        fields = response.headers
        self.span, size = _span(response)
        self.stored = StoredObject(
            etag=bare(fields.get("etag", "")),
            version_id="",
            size=size,
            modified_at=_seconds(fields.get("last-modified", "")),
            content_type=fields.get("content-type", ""),
        )
        self._response = response

    def octets(self) -> AsyncIterator[bytes]:
        """The octets as they come, up to `CHUNK` at a time; raises `httpx.HTTPError`."""
        return self._response.aiter_raw(_FLOW)

    async def aclose(self) -> None:
        """Drop the connection, with what it still brings."""
        await self._response.aclose()


class Rest:
    """The storage server below `base`, asked with the service key.

    Raises `DocumentNotFound` for what is not there, `RangeRefused`, and `StoreUnavailable`.
    """

    def __init__(self, base: str, key: str, patience: Patience) -> None:
        self._base = base
        self._fields = [
            ("authorization", f"Bearer {key}"),
            ("apikey", key),
            ("accept-encoding", "identity"),
            ("user-agent", "ostiary"),
        ]
        self._tries = patience.retries + 1
        self._backoff = patience.backoff
        self._answer = patience.answer
        self._timeout = httpx.Timeout(patience.read, connect=patience.connect).as_dict()
        self._client: httpx.AsyncClient | None = None

    async def open(self, path: str, asked: str = "") -> Source:
        """The object at `path`, or the range of it that `asked` is, as in the Range field."""
        async with self._in_time():
            response = await self._get(path, asked)
        try:
            return Source(response)
        except StoreUnavailable:
            await response.aclose()
            raise

    async def said(self, path: str) -> Mapping[str, object]:
        """The members of the JSON object at `path`; none where it is something else."""
        async with self._in_time():
            return (await _whole(await self._get(path))).said

    async def aclose(self) -> None:
        """Let go of the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    @asynccontextmanager
    async def _in_time(self) -> AsyncGenerator[None]:
        """Bound the whole: what trickles is never silent for long, and holds up everybody else."""
        try:
            async with asyncio.timeout(self._answer):
                yield
        except TimeoutError:
            raise StoreUnavailable("timeout") from None

    async def _get(self, path: str, asked: str = "") -> httpx.Response:
        response = await self._answered(path, asked)
        if response.status_code in (200, 206):
            return response
        raise _translated(await _whole(response), ranged=bool(asked))

    async def _answered(self, path: str, asked: str) -> httpx.Response:
        """Any answer, but a busy one only after the last try."""
        for attempt in range(1, self._tries):
            try:
                response = await self._send(path, asked)
            except _Broken:
                pass
            else:
                if response.status_code not in _BUSY:
                    return response
                await response.aclose()
            await asyncio.sleep(self._backoff * 2 ** (attempt - 1))
        try:
            return await self._send(path, asked)
        except _Broken:  # its name is no word for operators
            raise StoreUnavailable("failed") from None

    async def _send(self, path: str, asked: str) -> httpx.Response:
        """Not built by the client, which would add its own fields and the cookies of others."""
        fields = [*self._fields, ("range", asked)] if asked else self._fields
        extensions = {"timeout": self._timeout}
        request = httpx.Request("GET", self._base + path, headers=fields, extensions=extensions)
        try:
            return await self._connected().send(request, stream=True, auth=None)
        # `from None`: httpx's error holds the address with the document's name.
        except (httpx.NetworkError, httpx.ProtocolError):
            raise _Broken("failed") from None
        except httpx.HTTPError as error:
            timeout = isinstance(error, httpx.TimeoutException)
            raise StoreUnavailable("timeout" if timeout else "failed") from None

    def _connected(self) -> httpx.AsyncClient:
        """Built where it is used: its connections survive neither a fork nor another loop."""
        if self._client is None:
            # As many as readers need: the budget for bodies under way bounds those.
            transport = Lanes(httpx.create_ssl_context(), [AHEAD])
            self._client = httpx.AsyncClient(transport=transport, follow_redirects=False)
        return self._client


class _Broken(StoreUnavailable):
    """The connection broke before there was an answer: another may hold."""


def bare(etag: str) -> str:
    """An ETag without its quotes; a weak one counts, since nothing else names the version."""
    opaque = etag.removeprefix("W/").strip('"')
    if not opaque:
        raise StoreUnavailable("no ETag")
    return opaque


def _seconds(date: str) -> int:
    """An HTTP date in Unix seconds; 0 for none and for what is no date."""
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (ValueError, OverflowError):
        return 0


def _span(response: httpx.Response) -> tuple[range, int]:
    """Which octets are coming, and how many the object has."""
    fields = response.headers
    if response.status_code == 206:
        match = _SPAN.fullmatch(fields.get("content-range", ""))
        if match is None:
            raise StoreUnavailable("range")
        first, last, size = map(int, match.groups())
        return range(first, last + 1), size
    if not _LENGTH.fullmatch(fields.get("content-length", "")):
        raise StoreUnavailable("length")
    size = int(fields["content-length"])
    return range(size), size


def _check_coding(response: httpx.Response) -> None:
    """Nothing is unpacked here: it was asked for as it is, and may be a bomb."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise StoreUnavailable("coding")


async def _whole(response: httpx.Response) -> Answer:
    """A short answer read to its end; a long one, or one that breaks, tells only its status.

    Raises `StoreUnavailable` for one that is packed.
    """
    body = bytearray()
    try:
        _check_coding(response)
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > _LONGEST_TEXT:
                return Answer(response.status_code)
    except httpx.HTTPError:
        return Answer(response.status_code)
    finally:
        await response.aclose()
    return Answer(response.status_code, body=bytes(body))


def _translated(answer: Answer, *, ranged: bool) -> GatewayError:
    status, true = answer.status, answer.true_status
    if answer.missing:
        return DocumentNotFound()
    if {status, true} & {401, 403}:
        return StoreUnavailable("denied", retry_after=30)
    if ranged and (true == 416 or status >= 500):
        return RangeRefused("range")
    return StoreUnavailable("failed")
