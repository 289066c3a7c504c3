"""Admin: the routes for operators, on Starlette: purges, revocations, figures and health."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import time
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from cdn.purge import PurgeState
from gateway.answers import purge_answer
from gateway.auth import Authenticator, Operator
from gateway.documents import DocumentRef, Zone
from gateway.errors import RequestRefused
from gateway.intake import model_of, record
from gateway.issue import Wanted
from gateway.purges import PurgeRequest, Purges
from gateway.state.receipts import PurgeStatus
from gateway.state.revocations import (
    bucket_scope,
    document_scope,
    prefix_scope,
    viewer_scope,
    zone_scope,
)
from gateway.telemetry import Draining, Telemetry

LONGEST_WAIT = 30
_WAIT = re.compile(r"(?:^|[,;\s])wait=([0-9]{1,4})(?:$|[,;\s])")

Name = Annotated[str, StringConstraints(max_length=4_096)]
Subject = Annotated[str, StringConstraints(min_length=1, max_length=4_096)]
Check = Callable[[], Awaitable[Mapping[str, str]]]


class Scopes(BaseModel):
    """What a purge or a revocation is about; a bucket's name alone tells its zone.

    `prefix` is a declared "bucket/prefix/".
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    prefix: Name = ""
    documents: Annotated[list[Wanted], Field(max_length=1_000)] = []
    bucket: Name = ""
    zone: Name = ""


class PurgeCall(Scopes):
    """The body of `POST /admin/purge`."""

    tags: Annotated[list[Name], Field(max_length=1_000)] = []
    soft: bool = True
    reason: Annotated[str, StringConstraints(max_length=200)] = ""


class RevokeCall(Scopes):
    """The body of `POST /admin/revoke`; `viewers` are subjects of viewers' tokens."""

    viewers: Annotated[list[Subject], Field(max_length=1_000)] = []


class ReinstateCall(BaseModel):
    """The body of `POST /admin/reinstate`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    viewers: Annotated[list[Subject], Field(min_length=1, max_length=1_000)]


BODIES: Mapping[str, type[BaseModel]] = {
    "/admin/purge": PurgeCall,
    "/admin/revoke": RevokeCall,
    "/admin/reinstate": ReinstateCall,
}


@dataclass(frozen=True, slots=True)
class Admin:
    """The parts that the routes work with."""

    authenticator: Authenticator
    purges: Purges
    zones: Mapping[str, Zone]
    telemetry: Telemetry
    draining: Draining
    check: Check
    open_metrics: bool

    def operations(self) -> list[Route]:
        """The routes of `/admin`, and the metrics."""
        return [
            Route("/admin/purge", self.purge, methods=["POST"]),
            Route("/admin/purges/{id}", self.purge_status, methods=["GET"]),
            Route("/admin/revoke", self.revoke, methods=["POST"]),
            Route("/admin/reinstate", self.reinstate, methods=["POST"]),
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
        zone = self._zone_of(call)
        self._need(operator, "purge", call, zone, every=bool(call.tags))
        asked = PurgeRequest(
            documents=tuple(map(self._ref, call.documents)),
            prefixes=((self._owner_of_prefix(call), call.prefix),) if call.prefix else (),
            tags=tuple(call.tags),
            zone=zone,
            bucket=call.bucket,
        )
        status = await self.purges.ask(
            asked, soft=call.soft, by=operator.id, reason=call.reason, now=time()
        )
        return await self._told(request, status)

    async def purge_status(self, request: Request) -> Response:
        """Tell how far a purge is."""
        self._operator(request, "admin.purges").need_scope("purge")
        status = await self.purges.status(request.path_params["id"])
        if status is None:
            raise RequestRefused(404, "purge.not-found", "No purge has this id.")
        return JSONResponse(purge_answer(status))

    async def revoke(self, request: Request) -> Response:
        """Take access back; in force at every worker when answered."""
        operator = self._operator(request, "admin.revoke")
        operator.need_scope("revoke")
        call = await model_of(request, RevokeCall)
        zone = self._zone_of(call)
        scopes = [document_scope(self._ref(document)) for document in call.documents]
        if call.prefix:
            scopes.append(prefix_scope(self._owner_of_prefix(call), call.prefix))
        if call.bucket:
            scopes.append(bucket_scope(zone, call.bucket))
        elif zone:
            scopes.append(zone_scope(zone))
        scopes += map(viewer_scope, call.viewers)
        self._need(operator, "revoke", call, zone, every=bool(call.viewers))
        return await self._told(
            request, await self.purges.revoke(scopes, by=operator.id, now=time())
        )

    async def reinstate(self, request: Request) -> Response:
        """Let revoked viewers have links again."""
        operator = self._operator(request, "admin.reinstate")
        operator.need("revoke")
        call = await model_of(request, ReinstateCall)
        return await self._told(
            request, await self.purges.reinstate(call.viewers, by=operator.id, now=time())
        )

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
        text = "".join(f"{name}: {what}\n" for name, what in failures.items())
        return PlainTextResponse(text or "ok\n", 503 if failures else 200)

    def _operator(self, request: Request, route: str) -> Operator:
        record(request, route)
        return self.authenticator.operator(request.headers.get("authorization"))

    def _need(
        self, operator: Operator, scope: str, call: Scopes, zone: str, *, every: bool
    ) -> None:
        """Each zone that is touched; `every` when a bare tag or a viewer may touch any."""
        touched = {self._ref(document).zone for document in call.documents}
        if zone:
            touched.add(zone)
        if call.prefix:
            touched.add(self._owner_of_prefix(call))
        for name in touched:
            operator.need(scope, name)
        if every:
            operator.need(scope)

    def _ref(self, wanted: Wanted) -> DocumentRef:
        zone = wanted.zone or self._owner(wanted.bucket)
        return DocumentRef(zone, wanted.bucket, wanted.key)

    def _zone_of(self, call: Scopes) -> str:
        return call.zone or (self._owner(call.bucket) if call.bucket else "")

    def _owner_of_prefix(self, call: Scopes) -> str:
        return self._owner(call.prefix.partition("/")[0])

    def _owner(self, bucket: str) -> str:
        """The zone of a bucket; bucket names are unique in a process."""
        for zone in self.zones.values():
            if bucket in zone.buckets:
                return zone.name
        raise RequestRefused(422, "unknown-scope", "No zone has this bucket.")

    async def _told(self, request: Request, status: PurgeStatus) -> Response:
        wait = _WAIT.search(request.headers.get("prefer", ""))
        fields = {"Location": f"/admin/purges/{status.id}"}
        if wait:
            seconds = min(int(wait[1]), LONGEST_WAIT)
            fields["Preference-Applied"] = f"wait={seconds}"
            status = await self.purges.wait(status.id, seconds) or status
        code = 202 if status.state is PurgeState.QUEUED else 200
        return JSONResponse(purge_answer(status), code, headers=fields)
