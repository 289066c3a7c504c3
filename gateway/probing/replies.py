"""Replies: what came back for one target, as far as it says whether a document was given away."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol

import httpx

from gateway.probing.canary import nonce_of

PATIENCE: Final = 10.0
"""Seconds that one answer may take, to its last octet."""

_LONGEST = 4_096
_ABREAST = 8
_NONE: Mapping[str, str] = MappingProxyType({})
_OWN = {"user-agent": "ostiary-canary", "accept": "*/*", "accept-encoding": "identity"}
# Answers that say nothing of the link: asked too early, at the wrong place, or too often.
_NO_REFUSAL = (408, 421, 425, 429)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: a path and query octet for octet, and fields beside those of every request."""

    target: str
    fields: Mapping[str, str] = field(default_factory=lambda: _NONE)
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of it: a status, or 0 and why there was none.

    `nonce` is the canary's, empty when the body was no canary; `edge` whether an edge fetched it
    that had proved itself to the gateway.
    """

    status: int
    nonce: str = ""
    edge: bool = False
    fault: str = ""

    @property
    def served(self) -> bool:
        """Whether something was given away, be it the canary or a page that says yes to all."""
        return bool(self.nonce) or 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether it says no."""
        return 400 <= self.status < 500 and self.status not in _NO_REFUSAL and not self.nonce

    def __str__(self) -> str:
        if not self.status:
            return f"nothing ({self.fault})"
        return f"{self.status} with the canary" if self.nonce else str(self.status)


class Asks(Protocol):
    """Sends a request to the CDN as any viewer could."""

    async def ask(self, ask: Ask) -> Reply: ...


class HttpAsks:
    """Asks one URL (scheme, host and port) over HTTP; follows nothing, remembers no cookie."""

    def __init__(self, client: httpx.AsyncClient, url: str, patience: float = PATIENCE) -> None:
        self._client = client
        self._url = httpx.URL(url)
        self._patience = patience
        self._abreast = asyncio.Semaphore(_ABREAST)

    async def ask(self, ask: Ask) -> Reply:
        """What came back; a CDN that can not be asked is a reply as well."""
        try:
            async with self._abreast, asyncio.timeout(self._patience):
                return await self._ask(ask)
        except TimeoutError:
            return Reply(0, fault="too slow")
        except httpx.HTTPError as error:
            return Reply(0, fault=type(error).__name__)
        finally:
            self._client.cookies.clear()

    async def _ask(self, ask: Ask) -> Reply:
        url = self._url.copy_with(raw_path=ask.target.encode())
        fields = {**_OWN, **ask.fields}
        async with self._client.stream(ask.method, url, headers=fields) as answer:
            body = b""
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > _LONGEST:
                    break
        nonce, edge = nonce_of(body) or ("", False)
        return Reply(answer.status_code, nonce, edge)
