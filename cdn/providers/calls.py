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
        """Call and take any answer; raises PurgeRefused when none comes."""
        try:
            return await self.client.request(
                method, url, content=body or None, headers=[*self.fields, *fields]
            )
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


def read(answer: httpx.Response) -> Mapping[str, Any]:
    """The JSON object of an answer; empty when it is none."""
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
