"""S3 as a store, through obstore: the extra `s3`.

Build it in the process that serves: its threads do not survive a fork. A key pair needs
`s3:GetObject`, and `s3:ListBucket` too: without it S3 answers 403 for what is not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import obstore
from obstore.exceptions import (
    BaseError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store as Client

from gateway.errors import DocumentChanged, DocumentNotFound, GatewayError, StoreUnavailable
from gateway.settings import StoreAddress
from gateway.stores import CHUNK, Body, StoredObject, clip

if TYPE_CHECKING:
    from obstore import BytesStream, GetOptions, GetResult
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

# What one crossing from Rust brings at least, so that a slow source still flows.
_FLOW = CHUNK // 2


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds, and how often to try again.

    `read` is for each silence, also in a body; `answer` for all tries until the fields are here.
    `total` bounds a whole body and is large, for slow clients hold theirs back.
    """

    connect: float = 5.0
    read: float = 10.0
    answer: float = 20.0
    total: float = 3600.0
    retries: int = 3
    backoff: float = 0.1


class S3Store:
    """Documents in S3 or what speaks its protocol; `buckets` are those that `check` asks.

    A body that breaks is resumed with a Range request, if the object still has the ETag that it
    was opened with. 403 raises `StoreUnavailable`: as a 404, which caches may keep, an expired
    key pair would tell the world that every document is gone.
    """

    kind = "s3"
    local = False

    def __init__(
        self,
        address: StoreAddress,
        *,
        buckets: Sequence[str] = (),
        patience: Patience | None = None,
    ) -> None:
        self._address = address
        self._checked = (address.bucket,) if address.bucket else tuple(buckets)
        self._credentials = address.credentials
        self._patience = patience or Patience()
        self._clients: dict[str, Client] = {}

    async def head(self, bucket: str, key: str) -> StoredObject:
        return _stored(await self._get(bucket, key, {"head": True}))

    async def open(
        self, bucket: str, key: str, *, first: int = 0, last: int | None = None, identity: str = ""
    ) -> Body:
        try:
            result = await self._get(bucket, key, _range(first, last))
        except _RangeRefused:
            stored = await self.head(bucket, key)
            if clip(first, last, stored.size):
                raise StoreUnavailable("range") from None
            body = S3Body(stored)
        else:
            stored = _stored(result)
            body = S3Body(stored, result)
        if identity and stored.identity != identity:
            await body.aclose()
            raise DocumentChanged
        return body

    async def check(self) -> None:
        """Ask each S3 bucket we know of for an object without a meaning: 404 is a sign of life."""
        for bucket in self._checked:
            try:
                async with self._answer():
                    await obstore.get_async(self._client(bucket), ".ostiary-check")
            except _BucketMissing:
                raise StoreUnavailable("no bucket", retry_after=30) from None
            except DocumentNotFound:
                continue

    async def aclose(self) -> None:
        """Let go of the connections."""
        self._clients.clear()

    async def _get(self, bucket: str, key: str, options: GetOptions) -> GetResult:
        name, path = self._address.locate(_segments(bucket, 1), _segments(key))
        async with self._answer():
            return await obstore.get_async(self._client(name), path, options=options)

    @asynccontextmanager
    async def _answer(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(self._patience.answer):
                yield
        except (BaseError, OSError, ValueError) as error:
            # `from None`: obstore's text holds the address with the document's name.
            raise _translated(error) from None

    def _client(self, bucket: str) -> Client:
        client = self._clients.get(bucket)
        if client is None:
            client = self._clients[bucket] = self._connect(bucket)
        return client

    def _connect(self, bucket: str) -> Client:
        config: S3Config = {}
        if self._address.endpoint:
            config["endpoint"] = self._address.endpoint
        if self._address.region:
            config["region"] = self._address.region
        return Client(
            quote(bucket, safe=""),  # goes into the request's path as it is
            config=config,
            client_options=_client_config(self._patience, self._address.plain_http),
            retry_config=_retry_config(self._patience),
            credential_provider=self._key_pair if self._credentials.given else None,
        )

    def _key_pair(self) -> S3Credential:
        """A provider, not two settings: those would be mixed with AWS_SESSION_TOKEN."""
        return {
            "access_key_id": self._credentials.access_key,
            "secret_access_key": self._credentials.secret_key,
            "token": None,
            "expires_at": None,
        }


class S3Body:
    """The octets of one answer; without a result, none."""

    def __init__(self, stored: StoredObject, result: GetResult | None = None) -> None:
        self._stored = stored
        self._result = result
        self._stream: BytesStream | None = None
        self._left = result.range[1] - result.range[0] if result else 0
        self._ready = memoryview(b"")

    @property
    def stored(self) -> StoredObject:
        return self._stored

    def __aiter__(self) -> S3Body:
        return self

    async def __anext__(self) -> memoryview:
        if not self._ready:
            self._ready = await self._receive()
        chunk, self._ready = self._ready[:CHUNK], self._ready[CHUNK:]
        return chunk

    async def aclose(self) -> None:
        """Drop the connection, with what it still brings."""
        self._result = self._stream = None
        self._ready = memoryview(b"")

    async def _receive(self) -> memoryview:
        if not self._left:
            raise StopAsyncIteration
        if self._result is None:
            raise StoreUnavailable("closed")
        if self._stream is None:
            self._stream = self._result.stream(min_chunk_size=_FLOW)
        try:
            octets = memoryview(await anext(self._stream, b""))
        except (BaseError, OSError) as error:
            raise _translated(error) from None
        self._left -= len(octets)
        if not octets or self._left < 0:
            raise StoreUnavailable("length")
        return octets


class _RangeRefused(StoreUnavailable):
    """416: the range lies outside of what is there."""


class _BucketMissing(DocumentNotFound):
    """404 for the bucket itself; only a GET is told the difference."""


def _segments(text: str, most: int = 0) -> str:
    """`text`, if S3 gets to see exactly it: obstore would drop a slash at either end."""
    segments = text.split("/")
    if any(segment in {"", ".", ".."} for segment in segments) or 0 < most < len(segments):
        raise DocumentNotFound
    return text


def _range(first: int, last: int | None) -> GetOptions:
    if last is not None:
        return {"range": (first, last + 1)}
    return {"range": {"offset": first}} if first else {}


def _stored(result: GetResult) -> StoredObject:
    meta = result.meta
    version = meta["version"] or ""
    etag = (meta["e_tag"] or "").removeprefix("W/").strip('"')
    if not etag:
        raise StoreUnavailable("no ETag")
    return StoredObject(
        etag=etag,
        version_id="" if version == "null" else version,
        size=meta["size"],
        modified_at=int(meta["last_modified"].timestamp()),
        content_type=str(result.attributes.get("Content-Type", "")),
    )


def _translated(error: BaseError | OSError | ValueError) -> GatewayError:
    match error:
        case FileNotFoundError():
            return _BucketMissing() if "NoSuchBucket" in str(error) else DocumentNotFound()
        case ValueError():
            return DocumentNotFound()  # a key that obstore cannot spell
        case PreconditionError():
            return DocumentChanged()
        case PermissionDeniedError() | UnauthenticatedError():
            return StoreUnavailable("denied", retry_after=30)
        case TimeoutError():
            return StoreUnavailable("timeout")
        case _:
            refused = "status code: 416" in str(error)
            return _RangeRefused("range") if refused else StoreUnavailable("failed")


def _client_config(patience: Patience, plain: bool) -> ClientConfig:
    return {
        "allow_http": plain,
        "connect_timeout": timedelta(seconds=patience.connect),
        "read_timeout": timedelta(seconds=patience.read),
        "timeout": timedelta(seconds=patience.total),
        "user_agent": "ostiary",
    }


def _retry_config(patience: Patience) -> RetryConfig:
    return {
        "max_retries": patience.retries,
        # Counted from the first request on, so it must outlast the body to be resumed.
        "retry_timeout": timedelta(seconds=patience.total),
        "backoff": {
            "init_backoff": timedelta(seconds=patience.backoff),
            "max_backoff": timedelta(seconds=20 * patience.backoff),
            "base": 2,
        },
    }
