"""Foldering: the routes by which applications get folder links, and browsers keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import time
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.api import trusted
from gateway.api.answers import folder_answer
from gateway.api.intake import model_of, origin_of, record
from gateway.api.trusted import Trusted
from gateway.auth import Authenticator
from gateway.companions.folders import Folders
from gateway.issuing.folderlinks import FolderIssuer, FoldersCall, Given
from gateway.telemetry import Metrics
from signing.grammar import MAX_TARGET

FOLDERS: Final = "/v1/folders"
CLAIM: Final = trusted.FOLDERS


class FolderClaimCall(BaseModel):
    """The body of `POST /v1/folders/claim`: what was answered of a folder as its `claim`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    claim: Annotated[str, StringConstraints(max_length=MAX_TARGET)]


BODIES: Mapping[str, type[BaseModel]] = {FOLDERS: FoldersCall, CLAIM: FolderClaimCall}


@dataclass(frozen=True, slots=True)
class Foldering:
    """The routes of `/v1/folders`."""

    authenticator: Authenticator
    issuer: FolderIssuer
    folders: Folders
    trusted: Trusted
    metrics: Metrics

    def routes(self) -> list[Route]:
        """Each with its methods."""
        return [
            Route(FOLDERS, self.links, methods=["POST"]),
            Route(CLAIM, self.claim, methods=["POST"]),
            Route(CLAIM, self.leave, methods=["DELETE"]),
            Route(CLAIM, self.preflight, methods=["OPTIONS"]),
        ]

    async def links(self, request: Request) -> Response:
        """Issue folder links: one answer per folder, in order."""
        record(request, "v1.folders")
        operator = self.authenticator.operator(request.headers.get("authorization"))
        operator.need_scope("links")
        call = await model_of(request, FoldersCall)
        answers = await self.issuer.issue(call, operator, origin_of(request), int(time()))
        for answer in answers:
            self.metrics.issued("issued" if isinstance(answer, Given) else "refused")
        return JSONResponse({"folders": [folder_answer(answer) for answer in answers]})

    async def claim(self, request: Request) -> Response:
        """Have a browser keep a folder's token."""
        record(request, "v1.folders.claim")
        self.trusted.check(request.scope)
        call = await model_of(request, FolderClaimCall)
        cookie, value, seconds = self.folders.redeem(call.claim, int(time()))
        answer = Response(status_code=204)
        answer.raw_headers += cookie.keep(value, seconds, embedded=trusted.embedded(request))
        return answer

    async def leave(self, request: Request) -> Response:
        """Have a browser forget a folder, whether its claim is still good or not."""
        record(request, "v1.folders.claim")
        self.trusted.check(request.scope)
        call = await model_of(request, FolderClaimCall)
        answer = Response(status_code=204)
        answer.raw_headers += self.folders.cookie(call.claim).drop()
        return answer

    async def preflight(self, request: Request) -> Response:
        """Let a page of a configured origin hand over a claim."""
        record(request, "v1.folders.claim")
        self.trusted.check(request.scope)
        answer = Response(status_code=204)
        answer.raw_headers += trusted.PREFLIGHT
        return answer
