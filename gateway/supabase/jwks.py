"""The project's published keys: read when first needed, kept for a while, asked for in bounds."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import httpx

from gateway.caches.coalesce import Coalescer
from gateway.errors import KeysUnavailable
from gateway.supabase.keys import Key, KeySet

FRESH = 600.0
USABLE = 3600.0
PAUSE = 30.0
LARGEST = 65536
_RETRY = 5.0


class Jwks:
    """Keys at an address (RFC 7517). All times are in seconds.

    A set is kept for `FRESH`; when it can not be read again it goes on being used until it is
    `USABLE` old, and then every token that needs it fails with `KeysUnavailable`. A key id that
    the set lacks has it read again, at most once in `PAUSE`, so that made-up ids cost nothing.
    `clock` must not go backwards (`time.monotonic`); `client` stays open for its owner; `patience`
    bounds a whole read.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        clock: Callable[[], float],
        *,
        patience: float = 5.0,
    ) -> None:
        self._client = client
        self._url = url
        self._clock = clock
        self._patience = patience
        self._reads: Coalescer[str, KeySet] = Coalescer()
        self._set = KeySet()
        self._read_at = self._asked_at = -math.inf
        self._failed = False

    async def key(self, algorithm: str, kid: str) -> Key:
        """The key of that name, if it is for that algorithm.

        Raises `CallerRefused("signature")`, or `KeysUnavailable` where nobody can say.
        """
        keys = await self._current()
        if not keys.knows(kid):
            keys = await self._newer(keys)
        return keys.find(algorithm, kid)

    async def aclose(self) -> None:
        """Stop what is under way."""
        await self._reads.aclose()

    async def _current(self) -> KeySet:
        if self._age() < FRESH:
            return self._set
        usable = self._age() < USABLE
        try:
            return await self._read(PAUSE if usable else _RETRY)
        except KeysUnavailable:
            if not usable:
                raise
            return self._set

    async def _newer(self, keys: KeySet) -> KeySet:
        """The set once more, for a key it lacks; an old set that lacks it proves nothing."""
        if self._failed or self._may_ask(PAUSE):
            return await self._read(PAUSE)
        return keys

    async def _read(self, pause: float) -> KeySet:
        """Read the set, unless it was tried less than `pause` ago; many at once share one read."""
        if not self._may_ask(pause):
            raise KeysUnavailable("asked a moment ago")
        return await self._reads.load(self._url, self._fetch)

    def _may_ask(self, pause: float) -> bool:
        return self._url in self._reads or self._clock() - self._asked_at >= pause

    def _age(self) -> float:
        return self._clock() - self._read_at

    async def _fetch(self) -> KeySet:
        self._asked_at, self._failed = self._clock(), True
        try:
            async with asyncio.timeout(self._patience):
                keys = KeySet.read(await self._body())
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise KeysUnavailable(f"no answer: {type(error).__name__}") from None
        self._set, self._read_at, self._failed = keys, self._asked_at, False
        return keys

    async def _body(self) -> bytes:
        """The octets as sent: a packed body, which nobody asked for, is not unpacked."""
        fields = {"accept": "application/json", "accept-encoding": "identity"}
        async with self._client.stream(
            "GET", self._url, headers=fields, timeout=self._patience, follow_redirects=False
        ) as response:
            if response.status_code != 200:
                raise KeysUnavailable(f"status {response.status_code}")
            body = bytearray()
            async for part in response.aiter_raw():
                body += part
                if len(body) > LARGEST:
                    raise KeysUnavailable("too large")
            return bytes(body)
