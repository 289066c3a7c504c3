"""Revoking: the operators' routes that take access back, tell of it, and undo it for viewers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import time
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.api.intake import only, order_of, record
from gateway.auth import Authenticator, Operator
from gateway.errors import RequestRefused
from gateway.operators.progress import told
from gateway.operators.repeating import once_of
from gateway.operators.scoping import Scopes, Scoping
from gateway.purges import Purges
from gateway.purges.addresses import Addresses, opened_by
from gateway.receipts import Receipts, zones_of
from gateway.state.ledger import Ledger
from gateway.state.revocations import (
    bucket_scope,
    document_scope,
    key_scope,
    prefix_scope,
    viewer_scope,
    zone_scope,
)
from signing.links import Signer

Kid = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,8}$")]
Url = Annotated[str, StringConstraints(max_length=4_096)]
Subject = Annotated[str, StringConstraints(min_length=1, max_length=4_096)]


class RevokeCall(Scopes):
    """The body of `POST /admin/revoke`; `viewers` are subjects of viewers' tokens.

    `links` are links as they were given out, or their ids: all links to their documents go. `keys`
    are names of signing keys: what they signed goes.
    """

    viewers: Annotated[tuple[Subject, ...], Field(max_length=1_000)] = ()
    links: Annotated[tuple[Url, ...], Field(max_length=1_000)] = ()
    keys: Annotated[tuple[Kid, ...], Field(max_length=100)] = ()


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
    signer: Signer
    receipts: Receipts
    ledger: Ledger

    def routes(self) -> list[Route]:
        """The routes of `/admin` that revoke and reinstate."""
        return [
            Route("/admin/revoke", self.revoke, methods=["POST"]),
            Route("/admin/reinstate", self.reinstate, methods=["POST"]),
            Route("/admin/purges/{id}/receipt", self.receipt, methods=["GET"]),
        ]

    async def revoke(self, request: Request) -> Response:
        """Take access back; in force at every worker when answered."""
        operator = self._operator(request, "admin.revoke")
        operator.need_scope("revoke")
        only(request)
        call = await order_of(request, RevokeCall)
        addresses = Addresses(self.signer, self.scoping.owner)
        linked = [await opened_by(link, addresses, self.ledger) for link in call.links]
        every = bool(call.viewers or call.keys)
        zones = [document.zone for document in linked]
        self.scoping.need(operator, "revoke", call, every=every, others=zones)
        self._check_keys(call)
        scopes = [*self._scopes(call), *map(document_scope, linked)]
        once = once_of(request, call)
        status = await self.purges.revoke(scopes, by=operator.id, now=time(), once=once)
        return await told(request, self.purges, status)

    async def reinstate(self, request: Request) -> Response:
        """Let revoked viewers have links again."""
        operator = self._operator(request, "admin.reinstate")
        operator.need("revoke")
        only(request)
        call = await order_of(request, ReinstateCall)
        status = await self.purges.reinstate(call.viewers, by=operator.id, now=time())
        return await told(request, self.purges, status)

    async def receipt(self, request: Request) -> Response:
        """Give the sealed receipt of a revocation, as far as it has come."""
        operator = self._operator(request, "admin.receipt")
        operator.need_scope("revoke")
        found = await self.receipts.sealed(request.path_params["id"])
        if found is None:
            raise RequestRefused(404, "receipt.not-found", "No revocation has this id.")
        for zone in zones_of(found):
            operator.need("revoke", zone)
        return JSONResponse(found)

    def _check_keys(self, call: RevokeCall) -> None:
        for kid in call.keys:
            if kid == self.signer.active:
                raise RequestRefused(
                    422,
                    "key.active",
                    "This key signs every new link: make another one active first.",
                )
            if kid not in self.signer.kids:
                raise RequestRefused(422, "unknown-key", "No key has this name.")

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
        return [*scopes, *map(viewer_scope, call.viewers), *map(key_scope, call.keys)]

    def _operator(self, request: Request, route: str) -> Operator:
        record(request, route)
        return self.authenticator.operator(request.headers.get("authorization"))
