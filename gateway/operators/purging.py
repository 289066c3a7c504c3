"""Purging: the operators' routes that have shared caches forget, and tell what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from time import time
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.api.answers import listed_answer, plan_answer, purge_answer
from gateway.api.intake import flag_of, only, order_of, record
from gateway.auth import Authenticator, Operator
from gateway.errors import NotAuthorised, RequestRefused
from gateway.operators.progress import told
from gateway.operators.repeating import once_of
from gateway.operators.scoping import Name, Scopes, Scoping
from gateway.purges import Address, PurgeRequest, Purges
from gateway.purges.addresses import Addresses
from gateway.state.receipts import PurgeStatus
from signing.links import Signer

PAGE = 100
Url = Annotated[str, StringConstraints(max_length=8_192)]


class PurgeCall(Scopes):
    """The body of `POST /admin/purge`.

    `folder` is any "bucket/folder/", and means what lies in it, not in the folders below. `urls`
    are links as they were given out. With `dry_run` nothing is done.
    """

    tags: Annotated[tuple[Name, ...], Field(max_length=1_000)] = ()
    folder: Name = ""
    urls: Annotated[tuple[Url, ...], Field(max_length=1_000)] = ()
    soft: bool = True
    dry_run: bool = False
    reason: Annotated[str, StringConstraints(max_length=200)] = ""


class RequeueCall(BaseModel):
    """The body of `POST /admin/purges/requeue`: everything dead at a CDN, or of one purge."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    cdn: Name = ""
    purge: Name = ""


BODIES: Mapping[str, type[BaseModel]] = {
    "/admin/purge": PurgeCall,
    "/admin/purges/requeue": RequeueCall,
}


@dataclass(frozen=True, slots=True)
class Purging:
    """The parts that the routes work with; `cdns` are the names of those that there are."""

    authenticator: Authenticator
    purges: Purges
    scoping: Scoping
    signer: Signer
    cdns: frozenset[str]

    def routes(self) -> list[Route]:
        """The routes of `/admin` that purge."""
        return [
            Route("/admin/purge", self.purge, methods=["POST"]),
            Route("/admin/purges", self.listed, methods=["GET"]),
            Route("/admin/purges/requeue", self.requeue, methods=["POST"]),
            Route("/admin/purges/{id}", self.status, methods=["GET"]),
        ]

    async def purge(self, request: Request) -> Response:
        """Ask for a purge, durable when answered; or tell what would be asked."""
        operator = self._operator(request, "admin.purge")
        operator.need_scope("purge")  # before a bucket's name is looked up
        only(request, "dry_run")
        call = await order_of(request, PurgeCall)
        dry = flag_of(request, "dry_run") or call.dry_run
        asked = self._asked(operator, call)
        if dry:
            return JSONResponse(plan_answer(await self.purges.plan(asked, soft=call.soft)))
        status = await self.purges.ask(
            asked,
            soft=call.soft,
            by=operator.id,
            reason=call.reason,
            now=time(),
            once=once_of(request, call),
        )
        return await told(request, self.purges, status)

    async def status(self, request: Request) -> Response:
        """Tell how far a purge is, and why it was asked for."""
        operator = self._operator(request, "admin.purges")
        operator.need_scope("purge")
        status = await self._known(request.path_params["id"])
        self._need(operator, status)
        return JSONResponse(purge_answer(status))

    async def listed(self, request: Request) -> Response:
        """List the latest purges, or those that failed, with what each was about."""
        operator = self._operator(request, "admin.purges")
        operator.need_scope("purge")
        state, before = (request.query_params.get(name, "") for name in ("state", "before"))
        if state not in ("", "failed"):
            raise RequestRefused(422, "query.invalid", "state is failed, or left out.")
        found = await self.purges.latest(failed=bool(state), limit=PAGE, before=before)
        mine = [status for status in found if self._reaches(operator, status)]
        further = found[-1].id if len(found) == PAGE else None
        return JSONResponse({"purges": [*map(listed_answer, mine)], "before": further})

    async def requeue(self, request: Request) -> Response:
        """Try again what a CDN refused for good, say after its secret was set right."""
        operator = self._operator(request, "admin.purges.requeue")
        operator.need_scope("purge")
        only(request)
        call = await order_of(request, RequeueCall)
        if bool(call.cdn) == bool(call.purge):
            raise RequestRefused(422, "nothing-named", "Name a cdn or a purge, and not both.")
        if call.purge:
            self._need(operator, await self._known(call.purge))
            count = await self.purges.retry(call.purge, now=time())
        else:
            operator.need("purge")
            if call.cdn not in self.cdns:
                raise RequestRefused(422, "unknown-cdn", "No CDN has this name.")
            count = await self.purges.requeue(call.cdn, now=time())
        return JSONResponse({"requeued": count})

    def _asked(self, operator: Operator, call: PurgeCall) -> PurgeRequest:
        scoping, addresses = self.scoping, Addresses(self.signer, self.scoping.owner)
        urls: tuple[Address, ...] = tuple(map(addresses.read, call.urls))
        folder = call.folder
        named = ((scoping.owner(folder.partition("/")[0]), folder),) if folder else ()
        zones = [*(url.document.zone for url in urls), *(zone for zone, _ in named)]
        scoping.need(operator, "purge", call, every=bool(call.tags), others=zones)
        return PurgeRequest(
            documents=tuple(map(scoping.ref, call.documents)),
            prefixes=((scoping.owner_of_prefix(call), call.prefix),) if call.prefix else (),
            tags=call.tags,
            zone=scoping.zone_of(call),
            bucket=call.bucket,
            folders=named,
            urls=urls,
        )

    async def _known(self, purge: str) -> PurgeStatus:
        status = await self.purges.status(purge)
        if status is None:
            raise RequestRefused(404, "purge.not-found", "No purge has this id.")
        return status

    def _reaches(self, operator: Operator, status: PurgeStatus) -> bool:
        try:
            self._need(operator, status)
        except NotAuthorised:
            return False
        return True

    def _need(self, operator: Operator, status: PurgeStatus) -> None:
        """Whoever may ask for all of it may see what it was, and ask again."""
        asked = json.loads(status.purge.asked)
        for scope in asked["scopes"]:
            kind, _, place = scope.partition(":")
            operator.need("purge", place.partition("/")[0] if kind in "zbdpf" else None)
        if any(not tag.startswith("u-") for tag in asked["tags"]):
            operator.need("purge")

    def _operator(self, request: Request, route: str) -> Operator:
        record(request, route)
        return self.authenticator.operator(request.headers.get("authorization"))
