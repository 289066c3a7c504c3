"""One call to a CDN's API, and what its answer means for the purge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from cdn.errors import PurgeRefused
from cdn.providers.pauses import pause_of

_LATER = frozenset({408, 425, 429})
_DENIED = frozenset({401, 403})

# What is said of the octets on the wire, and not of those that were read.
_FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding"})

LARGEST = 1 << 20
"""Octets of an answer that are read: no CDN has more to say of a purge."""

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Api:
    """Where a CDN is told things; `fields` go with every call and prove it.

    `pause` is how long it is left alone after a 429 that names no time, in seconds; 0 leaves
    that to the caller.
    """

    name: str
    client: httpx.AsyncClient
    origin: httpx.URL
    fields: Fields = field(repr=False)
    pause: float = 0.0

    async def post(
        self, path: str, body: object, fields: Fields = (), query: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """POST JSON; raises PurgeRefused for every answer but a 2xx."""
        told = (("Content-Type", "application/json"), *fields)
        url = self.url(path, query or {})
        return await self.send("POST", url, json.dumps(body).encode(), told)

    def url(self, path: str, query: Mapping[str, str]) -> httpx.URL:
        """The address of `path`, which is encoded already, below the API's own."""
        below = self.origin.raw_path.split(b"?", 1)[0].rstrip(b"/") + path.encode()
        asked = str(httpx.QueryParams(query)).encode()
        return self.origin.copy_with(raw_path=below + (b"?" + asked if asked else b""))

    async def send(
        self, method: str, url: httpx.URL, body: bytes = b"", fields: Fields = ()
    ) -> httpx.Response:
        """Call; raises PurgeRefused for every answer but a 2xx."""
        answer = await self.ask(method, url, body, fields)
        if not answer.is_success:
            raise self.refusal(answer)
        return answer

    async def ask(
        self, method: str, url: httpx.URL, body: bytes = b"", fields: Fields = ()
    ) -> httpx.Response:
        """Call and take any answer, as far as it is read; raises PurgeRefused when none comes."""
        # Packed, a few octets could unfold to any number.
        told = [("Accept-Encoding", "identity"), *self.fields, *fields]
        try:
            async with self.client.stream(
                method, url, content=body or None, headers=told
            ) as answer:
                return await _begun(answer)
        except httpx.HTTPError as error:
            raise PurgeRefused(f"{self.name} does not answer: {type(error).__name__}") from error

    def refusal(self, answer: httpx.Response) -> PurgeRefused:
        """What an answer that confirms nothing means: again later, or dead.

        A redirect is not dead: a proxy's holding page answers so as well. What the CDN writes is
        not repeated, it may hold what it was sent.
        """
        status = answer.status_code
        asked = pause_of(answer.headers)
        pause = self.pause if status == 429 and self.pause else None
        return PurgeRefused(
            f"{self.name} answered {status}",
            retry_after=pause if asked is None else asked,
            dead=400 <= status < 500 and status not in _LATER,
            hint="check its secret, and what that may do" if status in _DENIED else "",
        )

    def unreadable(self, answer: httpx.Response) -> PurgeRefused:
        """A 2xx without the words that confirm a purge; it is tried again."""
        return PurgeRefused(f"{self.name} answered {answer.status_code} and confirmed nothing")


async def _begun(answer: httpx.Response) -> httpx.Response:
    """The answer with the first `LARGEST` octets of its body: one that does not end is no reason
    to hold all of it."""
    body = bytearray()
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > LARGEST:
            break
    fields = [pair for pair in answer.headers.multi_items() if pair[0] not in _FRAMING]
    return httpx.Response(answer.status_code, headers=fields, content=bytes(body[:LARGEST]))


def read(answer: httpx.Response) -> Mapping[str, Any]:
    """The JSON object of an answer; empty when it is none."""
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
