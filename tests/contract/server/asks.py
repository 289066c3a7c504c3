"""One request as the stand-in sees it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tests.contract.server.answers import invalid_request

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: `path` as it came, percent-encoded and without its query; fields lower case."""

    method: str
    path: str
    query_string: str
    fields: dict[str, str]
    body: bytes
    scheme: str = "http"
    query: dict[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query_string}" if self.query_string else self.path

    def json(self) -> Any:
        """The body as JSON; an empty body is an empty object, as the real parser has it."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            raise invalid_request("Body is not valid JSON") from None


async def asked(scope: Scope, receive: Receive) -> Ask:
    """Read a whole request."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    query = scope["query_string"].decode("latin-1")
    return Ask(
        method=scope["method"],
        path=(scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0],
        query_string=query,
        fields={n.decode("latin-1").lower(): v.decode("latin-1") for n, v in scope["headers"]},
        body=b"".join(chunks),
        scheme=scope.get("scheme", "http"),
        query=dict(parse_qsl(query, keep_blank_values=True)),
    )
