"""Redacting: the operators' routes for redactions, lists of boxes that hide parts of pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from time import time
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.api.intake import model_of, record
from gateway.auth import Authenticator, Operator
from gateway.errors import RequestRefused
from gateway.state.redactions import StoredRedaction, StoredRedactions
from imaging.names.areas import WHOLE, Area
from imaging.names.redactions import LAST_PAGE, MOST_BOXES, NAME, Box

REDACTIONS = "/admin/redactions"
_ONE = REDACTIONS + "/{name}"
_NAME = re.compile(NAME)
_VERSION = re.compile("[1-9][0-9]{0,5}")

Side = Annotated[int, Field(ge=0, le=WHOLE)]


class BoxCall(BaseModel):
    """One opaque box, in thousandths of the upright page; page 0 is every page."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    left: Side
    top: Side
    right: Side
    bottom: Side
    page: Annotated[int, Field(ge=0, le=LAST_PAGE)] = 0
    colour: Literal["black", "white"] = "black"

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        self.box()
        return self

    def box(self) -> Box:
        area = Area(self.left, self.top, self.right, self.bottom)
        return Box(area, self.page, self.colour == "white")


class RedactionCall(BaseModel):
    """The body of `PUT /admin/redactions/{name}`: all that it hides."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    boxes: Annotated[list[BoxCall], Field(min_length=1, max_length=MOST_BOXES)]

    def hidden(self) -> tuple[Box, ...]:
        """The boxes as the engine knows them."""
        return tuple(one.box() for one in self.boxes)


BODIES: Mapping[str, type[BaseModel]] = {_ONE: RedactionCall}


@dataclass(frozen=True, slots=True)
class Redacting:
    """The routes; whoever may put a redaction may use it in every zone."""

    authenticator: Authenticator
    stored: StoredRedactions

    def routes(self) -> list[Route]:
        return [
            Route(REDACTIONS, self.every, methods=["GET"]),
            Route(_ONE, self.one, methods=["GET"]),
            Route(_ONE, self.put, methods=["PUT"]),
        ]

    async def every(self, request: Request) -> Response:
        """List the newest version of every name."""
        self._operator(request).need_scope("redact")
        found = [_told(one) for one in await self.stored.all()]
        return JSONResponse({"redactions": found})

    async def one(self, request: Request) -> Response:
        """Show a version with its boxes: the newest, or the one asked for."""
        self._operator(request).need_scope("redact")
        version = request.query_params.get("version", "")
        if version and not _VERSION.fullmatch(version):
            raise RequestRefused(404, "redaction.not-found", "No redaction has this version.")
        found = await self.stored.find(request.path_params["name"], int(version or 0))
        if found is None:
            raise RequestRefused(404, "redaction.not-found", "No redaction has this name.")
        return JSONResponse(redaction_answer(found))

    async def put(self, request: Request) -> Response:
        """Add a version, or find that the newest is just so."""
        operator = self._operator(request)
        operator.need("redact")
        name = checked_name(request.path_params["name"])
        call = await model_of(request, RedactionCall)
        stored, new = await self.stored.put(name, call.hidden(), by=operator.id, now=time())
        return JSONResponse(redaction_answer(stored), 201 if new else 200)

    def _operator(self, request: Request) -> Operator:
        record(request, "admin.redactions")
        return self.authenticator.operator(request.headers.get("authorization"))


def checked_name(text: str) -> str:
    """The text, if it can be a redaction's name. Raises `RequestRefused` (422)."""
    if not _NAME.fullmatch(text):
        what = "A redaction's name is 1 to 16 of a-z 0-9, and begins with a letter."
        raise RequestRefused(422, "redaction.bad-name", what)
    return text


def redaction_answer(stored: StoredRedaction) -> dict[str, object]:
    """A version with all that it hides, as JSON."""
    boxes = [
        {
            "page": box.page,
            "left": box.area.left,
            "top": box.area.top,
            "right": box.area.right,
            "bottom": box.area.bottom,
            "colour": "white" if box.white else "black",
        }
        for box in stored.redaction.boxes
    ]
    return {**_told(stored), "boxes": boxes}


def _told(stored: StoredRedaction) -> dict[str, object]:
    redaction = stored.redaction
    return {
        "name": redaction.name,
        "version": redaction.version,
        "put_by": stored.by,
        "put_at": int(stored.at),
    }
