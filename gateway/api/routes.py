"""The API for applications: links, what documents are, and its own description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import time

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.api.answers import document_answer, link_answer
from gateway.api.intake import model_of, origin_of, record
from gateway.api.openapi import describe
from gateway.auth import Authenticator
from gateway.descriptions import Described, Descriptions
from gateway.documents import DocumentRef
from gateway.dropin.credentials import Credentials
from gateway.issuing.issue import Issued, Issuer, LinksCall, Refused
from gateway.issuing.viewers import Viewing
from gateway.telemetry import Telemetry
from gateway.wire.asgi import Field, Scope
from gateway.wire.crossorigin import OPEN, preflight

LINKS = "/v1/links"
DOCUMENTS = "/v1/documents/"
_DOCUMENT = DOCUMENTS + "{zone}/{bucket}/{key:path}"
BODIES: Mapping[str, type[BaseModel]] = {LINKS: LinksCall}


def open_to_pages(scope: Scope) -> Sequence[Field]:
    """Open the routes that users of a project may call to pages of any origin."""
    raw_path: bytes = scope["raw_path"]
    mine = raw_path == LINKS.encode() or raw_path.startswith(DOCUMENTS.encode())
    return OPEN if mine else ()


@dataclass(frozen=True, slots=True)
class Api:
    """The routes of `/v1`; `bodies` are the models of what each route of the API takes."""

    authenticator: Authenticator
    issuer: Issuer
    descriptions: Descriptions
    viewers: Viewing
    telemetry: Telemetry
    bodies: Mapping[str, type[BaseModel]]

    def routes(self) -> list[Route]:
        """Each with its methods; pages of any origin may ask for links."""
        return [
            Route(LINKS, self.links, methods=["POST"]),
            Route(LINKS, self.preflight, methods=["OPTIONS"]),
            Route(_DOCUMENT, self.document, methods=["GET"]),
            Route(_DOCUMENT, self.document_preflight, methods=["OPTIONS"]),
            Route("/v1/openapi.json", self.openapi, methods=["GET"]),
        ]

    async def links(self, request: Request) -> Response:
        """Issue links: one answer per document, in order."""
        answers = await self._links(request)
        for answer in answers:
            refused = isinstance(answer, Refused)
            self.telemetry.metrics.issued("refused" if refused else "issued")
        return JSONResponse({"links": [link_answer(answer) for answer in answers]})

    async def preflight(self, request: Request) -> Response:
        """Let a page of another origin ask for links."""
        record(request, "v1.links")
        return _preflight(request, b"POST, OPTIONS")

    async def document(self, request: Request) -> Response:
        """Tell what a document is."""
        return JSONResponse(document_answer(await self._described(request)))

    async def document_preflight(self, request: Request) -> Response:
        """Let a page of another origin ask what a document is."""
        record(request, "v1.documents")
        return _preflight(request, b"GET, HEAD, OPTIONS")

    async def openapi(self, request: Request) -> Response:
        """Describe the API."""
        record(request, "v1.openapi")
        return JSONResponse(describe(self.bodies), media_type="application/vnd.oai.openapi+json")

    async def _described(self, request: Request) -> Described:
        """To an operator by scope and zones, to a Supabase user by the project's policies."""
        record(request, "v1.documents")
        ref = DocumentRef(*(request.path_params[part] for part in ("zone", "bucket", "key")))
        authorization, apikey = Credentials.of(request.scope["headers"])
        operator = self.authenticator.known(authorization)
        if operator is not None:
            return await self.descriptions.of_operator(ref, operator)
        caller = await self.viewers.caller(authorization, apikey)
        await self.viewers.check(ref, caller)
        return await self.descriptions.of(ref)

    async def _links(self, request: Request) -> Sequence[Issued | Refused]:
        """To an operator by scope and zones, to a Supabase user by the project's policies."""
        record(request, "v1.links")
        authorization, apikey = Credentials.of(request.scope["headers"])
        operator = self.authenticator.known(authorization)
        if operator is not None:
            operator.need_scope("links")
            call = await model_of(request, LinksCall)
            return await self.issuer.issue(call, operator, origin_of(request), int(time()))
        caller = await self.viewers.caller(authorization, apikey)
        call = await model_of(request, LinksCall)
        return await self.viewers.issue(call, caller, origin_of(request), int(time()))


def _preflight(request: Request, methods: bytes) -> Response:
    answer = Response(status_code=204)
    asked = request.headers.get("access-control-request-headers", "")
    answer.raw_headers += preflight(asked.encode("latin-1"), methods)
    return answer
