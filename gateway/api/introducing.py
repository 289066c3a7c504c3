"""Introducing: the routes by which applications and browsers say who a viewer is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import time
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.api import trusted
from gateway.api.intake import model_of, record
from gateway.api.trusted import Trusted
from gateway.auth import Authenticator, Operator
from gateway.companions.introductions import LIFE, Introductions
from gateway.companions.proofs import COOKIE, Viewer
from gateway.errors import RequestRefused
from signing.badges import LONGEST

VIEWERS: Final = "/v1/viewers"
CLAIM: Final = trusted.VIEWERS

Zones = Annotated[list[Annotated[str, StringConstraints(max_length=32)]], Field(max_length=100)]


class ViewerCall(BaseModel):
    """The body of `POST /v1/viewers`: who the user of the application is.

    `viewer` is the audience of links that are bound to them, `name` what a mark calls them.
    `zones` are those it is said for; without any, all that the token reaches.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    viewer: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    name: str = ""
    zones: Zones = []

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        self.value()
        return self

    def value(self) -> Viewer:
        """The viewer as marks know them."""
        return Viewer(self.viewer, self.name)


class ClaimCall(BaseModel):
    """The body of `POST /v1/viewers/claim`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    claim: Annotated[str, StringConstraints(max_length=LONGEST)]


BODIES: Mapping[str, type[BaseModel]] = {VIEWERS: ViewerCall, CLAIM: ClaimCall}


@dataclass(frozen=True, slots=True)
class Introducing:
    """The routes of `/v1/viewers`; `zones` are the names of all there are."""

    authenticator: Authenticator
    introductions: Introductions
    trusted: Trusted
    zones: frozenset[str]

    def routes(self) -> list[Route]:
        """Each with its methods."""
        return [
            Route(VIEWERS, self.viewer, methods=["POST"]),
            Route(CLAIM, self.claim, methods=["POST"]),
            Route(CLAIM, self.leave, methods=["DELETE"]),
            Route(CLAIM, self.preflight, methods=["OPTIONS"]),
        ]

    async def viewer(self, request: Request) -> Response:
        """Give an application the claim for one of its users."""
        record(request, "v1.viewers")
        operator = self.authenticator.operator(request.headers.get("authorization"))
        operator.need_scope("links")
        call, now = await model_of(request, ViewerCall), int(time())
        zones = self._reached(operator, call.zones)
        claim = self.introductions.claim(call.value(), zones, now)
        return JSONResponse({"claim": claim, "expires_at": now + LIFE})

    async def claim(self, request: Request) -> Response:
        """Have a browser keep a cookie in place of a claim."""
        record(request, "v1.viewers.claim")
        self.trusted.check(request.scope)
        call = await model_of(request, ClaimCall)
        value = await self.introductions.redeem(call.claim, int(time()))
        answer = Response(status_code=204)
        session, embedded = self.introductions.session, trusted.embedded(request)
        answer.raw_headers += COOKIE.keep(value, session, embedded=embedded)
        return answer

    async def leave(self, request: Request) -> Response:
        """Have a browser forget its viewer."""
        record(request, "v1.viewers.claim")
        self.trusted.check(request.scope)
        answer = Response(status_code=204)
        answer.raw_headers += COOKIE.drop()
        return answer

    async def preflight(self, request: Request) -> Response:
        """Let a page of a configured origin hand over a claim."""
        record(request, "v1.viewers.claim")
        self.trusted.check(request.scope)
        answer = Response(status_code=204)
        answer.raw_headers += trusted.PREFLIGHT
        return answer

    def _reached(self, operator: Operator, zones: Sequence[str]) -> Sequence[str]:
        """The zones that a claim is for; an operator of some zones makes none for others."""
        for zone in zones:
            operator.need("links", zone)
            if zone not in self.zones:
                raise RequestRefused(422, "unknown-scope", "There is no zone of this name.")
        return zones or sorted(operator.zones)
