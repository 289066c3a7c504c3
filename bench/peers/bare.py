"""uvicorn's ceiling: an ASGI application that does nothing but answer 30 KB."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from bench.documents import SMALL_OCTETS

_BODY = bytes(SMALL_OCTETS)
_FIELDS = [(b"content-type", b"image/jpeg"), (b"content-length", b"%d" % SMALL_OCTETS)]


async def app(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": _FIELDS})
    await send({"type": "http.response.body", "body": _BODY})
