"""Admin: the routes for operators, on Starlette: purges, figures and health."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import time
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.answers import purge_answer
from gateway.auth import Authenticator, Operator
from gateway.errors import RequestRefused
from gateway.intake import model_of, record
from gateway.progress import told
from gateway.purges import PurgeRequest, Purges
from gateway.scoping import Name, Scopes, Scoping
from gateway.telemetry import Draining, Telemetry

Check = Callable[[], Awaitable[Mapping[str, str]]]


class PurgeCall(Scopes):
    """The body of `POST /admin/purge`."""

    tags: Annotated[tuple[Name, ...], Field(max_length=1_000)] = ()
    soft: bool = True
    reason: Annotated[str, StringConstraints(max_length=200)] = ""


BODIES: Mapping[str, type[BaseModel]] = {"/admin/purge": PurgeCall}


@dataclass(frozen=True, slots=True)
class Admin:
    """The parts that the routes work with."""

    authenticator: Authenticator
    purges: Purges
    scoping: Scoping
    telemetry: Telemetry
    draining: Draining
    check: Check
    open_metrics: bool
    remarks: Callable[[], Mapping[str, str]] = dict

    def operations(self) -> list[Route]:
        """The routes of `/admin`, and the metrics."""
        return [
            Route("/admin/purge", self.purge, methods=["POST"]),
            Route("/admin/purges/{id}", self.purge_status, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
        ]

    def health(self) -> list[Route]:
        """The routes that load balancers and shared caches ask."""
        return [
            Route("/livez", self.livez, methods=["GET"]),
            Route("/readyz", self.readyz, methods=["GET"]),
        ]

    async def purge(self, request: Request) -> Response:
        """Ask for a purge; durable when answered."""
        operator = self._operator(request, "admin.purge")
        operator.need_scope("purge")  # before a bucket's name is looked up
        call = await model_of(request, PurgeCall)
        scoping = self.scoping
        scoping.need(operator, "purge", call, every=bool(call.tags))
        asked = PurgeRequest(
            documents=tuple(map(scoping.ref, call.documents)),
            prefixes=((scoping.owner_of_prefix(call), call.prefix),) if call.prefix else (),
            tags=call.tags,
            zone=scoping.zone_of(call),
            bucket=call.bucket,
        )
        status = await self.purges.ask(
            asked, soft=call.soft, by=operator.id, reason=call.reason, now=time()
        )
        return await told(request, self.purges, status)

    async def purge_status(self, request: Request) -> Response:
        """Tell how far a purge is."""
        self._operator(request, "admin.purges").need_scope("purge")
        status = await self.purges.status(request.path_params["id"])
        if status is None:
            raise RequestRefused(404, "purge.not-found", "No purge has this id.")
        return JSONResponse(purge_answer(status))

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
