"""Hooks: where Supabase tells of changes, proved by a shared secret, answered when durable."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from time import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.api.intake import octets_of, record
from gateway.errors import GatewayError, RequestRefused, StateUnavailable
from gateway.hints import Hints
from gateway.supabase.events import Told, database_event, purge_call, storage_event
from gateway.telemetry import Metrics

LARGEST_BODY = 1 << 20

Read = Callable[[bytes], Told]
_HOOKS: dict[str, Read] = {
    "database": database_event,
    "storage": storage_event,
    "purge": purge_call,
}


@dataclass(frozen=True, slots=True)
class Hooks:
    """The parts that the hooks work with; without a `secret` there are none."""

    secret: str
    hints: Hints
    metrics: Metrics

    def routes(self) -> list[Route]:
        """`/hooks/database`, `/hooks/storage` and `/hooks/purge`."""
        hooks = _HOOKS if self.secret else {}
        return [
            Route(f"/hooks/{name}", self._endpoint(name, read), methods=["POST"])
            for name, read in hooks.items()
        ]

    def _endpoint(self, name: str, read: Read) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            record(request, f"hooks.{name}")
            try:
                return await self._answer(request, name, read)
            except GatewayError as error:
                self.metrics.hooked(name, _outcome(error))
                raise

        return endpoint

    async def _answer(self, request: Request, name: str, read: Read) -> Response:
        self._prove(request)
        told = read(await octets_of(request, LARGEST_BODY))
        taken = await self.hints.take(told.changes, by=f"hooks/{name}", now=time())
        self.metrics.hooked(name, "taken" if taken else "ignored")
        ignored = told.ignored + len(told.changes) - taken
        return JSONResponse({"received": taken, "ignored": ignored})

    def _prove(self, request: Request) -> None:
        """Digests are compared, so that the time does not tell the secret's length either."""
        if not compare_digest(_digest(_given(request)), _digest(self.secret)):
            raise RequestRefused(
                401,
                "hook.refused",
                "A hook needs the secret of the configuration.",
                hint="Send it as X-Ostiary-Secret or as Authorization: Bearer.",
                fields=((b"www-authenticate", b'Bearer realm="ostiary hooks"'),),
            )


def _given(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return request.headers.get("x-ostiary-secret", bearer)


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _outcome(error: GatewayError) -> str:
    match error:
        case StateUnavailable():
            return "unavailable"
        case RequestRefused(status=401):
            return "refused"
        case _:
            return "malformed"
