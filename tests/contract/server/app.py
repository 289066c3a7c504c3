"""The ASGI application: front door, record of requests, faults, and the way out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from tests.contract.server import control, routes, s3
from tests.contract.server.answers import Answer, json_answer
from tests.contract.server.asks import Ask, Receive, Scope, Send, asked
from tests.contract.server.desk import PREFIX, Desk
from tests.contract.server.faults import Fault, Faults

_CHUNK = 1 << 16


class BrokenOff(ConnectionError):
    """The body was cut as ordered; over a socket the connection closes."""


@dataclass(slots=True)
class Contract:
    """One stand-in: what it keeps, what it was asked, and how slow it is (`think`, in seconds)."""

    desk: Desk
    faults: Faults
    requests: deque[Ask]
    front_keys: dict[str, str]
    think: float = 0.0
    recording: bool = True
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError("only HTTP is spoken here")
        ask = await asked(scope, receive)
        if ask.path.startswith("/_contract/"):
            await _send(send, ask, control.answered(self, ask), -1)
            return
        if self.recording:
            self.requests.append(ask)
        fault = self.faults.next(ask)
        if fault.delay or self.think:
            await self.sleep(fault.delay + self.think)
        await _send(send, ask, await self._answer(ask, fault), fault.cut)

    async def _answer(self, ask: Ask, fault: Fault) -> Answer:
        if fault.status:
            fields = fault.fields or {"content-type": "text/plain"}
            return Answer(fault.status, fields, fault.body.encode())
        if ask.path == "/auth/v1/.well-known/jwks.json":
            return json_answer(self.desk.keys.jwks())
        if ask.path != PREFIX and not ask.path.startswith(PREFIX + "/"):
            return json_answer({"message": "no Route matched with those values"}, 404)
        if ask.path == f"{PREFIX}/s3" or ask.path.startswith(f"{PREFIX}/s3/"):
            return s3.answered(self.desk, ask)
        return await self._behind_front_door(ask)

    async def _behind_front_door(self, ask: Ask) -> Answer:
        """Keys that are no JWTs are turned into a role before the storage server sees them."""
        key = ask.fields.get("apikey", "")
        if not key.startswith("sb_"):
            return await routes.answered(self.desk, ask)
        if key not in self.front_keys:
            return json_answer({"message": "Invalid API key"}, 401)
        given = ask.fields.get("authorization", "")
        if given in {"", f"Bearer {key}"}:
            fields = {**ask.fields, "authorization": f"Bearer {self.front_keys[key]}"}
            ask = replace(ask, fields=fields)
        return await routes.answered(self.desk, ask)


async def _send(send: Send, ask: Ask, answer: Answer, cut: int) -> None:
    fields = dict(answer.fields)
    if answer.status not in {204, 304}:
        fields["content-length"] = str(len(answer.body))
    raw = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    body = b"" if ask.method == "HEAD" else answer.body
    if cut < 0:
        for start in range(0, len(body) - _CHUNK, _CHUNK):
            chunk = body[start : start + _CHUNK]
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        rest = body[(len(body) - 1) // _CHUNK * _CHUNK :] if body else b""
        await send({"type": "http.response.body", "body": rest, "more_body": False})
        return
    await send({"type": "http.response.body", "body": body[:cut], "more_body": True})
    raise BrokenOff
