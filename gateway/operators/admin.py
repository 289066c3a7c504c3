"""Admin: the routes that tell how a process is, on Starlette: figures and health."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.api.intake import record
from gateway.auth import Authenticator, Operator
from gateway.telemetry import Draining, Telemetry

Check = Callable[[], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Admin:
    """The parts that the routes work with."""

    authenticator: Authenticator
    telemetry: Telemetry
    draining: Draining
    check: Check
    open_metrics: bool
    remarks: Callable[[], Mapping[str, str]]

    def operations(self) -> list[Route]:
        """The figures."""
        return [Route("/metrics", self.metrics, methods=["GET"])]

    def health(self) -> list[Route]:
        """The routes that load balancers and shared caches ask."""
        return [
            Route("/livez", self.livez, methods=["GET"]),
            Route("/readyz", self.readyz, methods=["GET"]),
        ]

    async def metrics(self, request: Request) -> Response:
        """Figures for Prometheus; on the main port for operators only."""
        record(request, "metrics")
        if not self.open_metrics:
            self._operator(request, "metrics").need_scope("metrics")
        media_type, body = self.telemetry.exposition()
        return Response(body, media_type=media_type)

    async def livez(self, request: Request) -> Response:
        """The process answers."""
        record(request, "livez")
        return PlainTextResponse("ok\n")

    async def readyz(self, request: Request) -> Response:
        """The process should get requests: not draining, its state and stores at hand."""
        record(request, "readyz")
        if self.draining:
            return PlainTextResponse("draining\n", 503)
        failures = await self.check()
        told = {**failures, **self.remarks()}
        text = "".join(f"{name}: {what}\n" for name, what in told.items())
        return PlainTextResponse(text if failures else f"ok\n{text}", 503 if failures else 200)

    def _operator(self, request: Request, route: str) -> Operator:
        record(request, route)
        return self.authenticator.operator(request.headers.get("authorization"))
