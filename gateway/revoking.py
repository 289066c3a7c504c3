"""Revoking: the operators' routes that take access back, and give it back to viewers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import time
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.auth import Authenticator, Operator
from gateway.intake import model_of, record
from gateway.progress import told
from gateway.purges import Purges
from gateway.scoping import Scopes, Scoping
from gateway.state.revocations import (
    bucket_scope,
    document_scope,
    prefix_scope,
    viewer_scope,
    zone_scope,
)

Subject = Annotated[str, StringConstraints(min_length=1, max_length=4_096)]


class RevokeCall(Scopes):
    """The body of `POST /admin/revoke`; `viewers` are subjects of viewers' tokens."""

    viewers: Annotated[tuple[Subject, ...], Field(max_length=1_000)] = ()


class ReinstateCall(BaseModel):
    """The body of `POST /admin/reinstate`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    viewers: Annotated[list[Subject], Field(min_length=1, max_length=1_000)]


BODIES: Mapping[str, type[BaseModel]] = {
    "/admin/revoke": RevokeCall,
    "/admin/reinstate": ReinstateCall,
}


@dataclass(frozen=True, slots=True)
class Revoking:
    """The parts that the routes work with."""

    authenticator: Authenticator
    purges: Purges
    scoping: Scoping

    def routes(self) -> list[Route]:
        """The routes of `/admin` that revoke and reinstate."""
        return [
            Route("/admin/revoke", self.revoke, methods=["POST"]),
            Route("/admin/reinstate", self.reinstate, methods=["POST"]),
        ]

    async def revoke(self, request: Request) -> Response:
        """Take access back; in force at every worker when answered."""
        operator = self._operator(request, "admin.revoke")
        operator.need_scope("revoke")
        call = await model_of(request, RevokeCall)
        scopes = self._scopes(call)
        self.scoping.need(operator, "revoke", call, every=bool(call.viewers))
        status = await self.purges.revoke(scopes, by=operator.id, now=time())
        return await told(request, self.purges, status)

    async def reinstate(self, request: Request) -> Response:
        """Let revoked viewers have links again."""
        operator = self._operator(request, "admin.reinstate")
        operator.need("revoke")
        call = await model_of(request, ReinstateCall)
        status = await self.purges.reinstate(call.viewers, by=operator.id, now=time())
        return await told(request, self.purges, status)

    def _scopes(self, call: RevokeCall) -> list[str]:
        scoping = self.scoping
        zone = scoping.zone_of(call)
        scopes = [document_scope(scoping.ref(document)) for document in call.documents]
        if call.prefix:
            scopes.append(prefix_scope(scoping.owner_of_prefix(call), call.prefix))
        if call.bucket:
            scopes.append(bucket_scope(zone, call.bucket))
        elif zone:
            scopes.append(zone_scope(zone))
        return [*scopes, *map(viewer_scope, call.viewers)]

    def _operator(self, request: Request, route: str) -> Operator:
        record(request, route)
        return self.authenticator.operator(request.headers.get("authorization"))
