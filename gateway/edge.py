"""Edge: what surrounds every answer that is not a link's: its record, its errors, its fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter, time

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route, Router

from gateway.errors import RequestRefused
from gateway.problems import prefers_html, problem_for, render
from gateway.representations import http_date
from gateway.telemetry import Record, Telemetry, client_of, trace_id
from gateway.wire.asgi import Field, Message, Receive, Scope, Send
from gateway.wire.security import security_fields


def closed(scope: Scope) -> Sequence[Field]:
    """No page of another origin may read anything."""
    return ()


def anybody(scope: Scope) -> None:
    """Everybody is let in."""


class Edge:
    """An ASGI application around a router.

    An error that a route raises becomes a problem; every answer gets the security fields, its
    request id, and `no-store` unless the route says otherwise; every request leaves its line.
    `opened` gives the fields that let pages of other origins read an answer, errors too; `admit`
    raises for a request that is not let in.
    """

    def __init__(
        self,
        router: Router,
        telemetry: Telemetry,
        *,
        corp: str,
        opened: Callable[[Scope], Sequence[Field]] = closed,
        admit: Callable[[Scope], None] = anybody,
    ) -> None:
        self._router = router
        self._opened = opened
        self._admit = admit
        self._telemetry = telemetry
        self._corp = corp
        self._security = security_fields(corp)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began, now = perf_counter(), time()
        record = self._telemetry.record(scope["method"])
        record.route = "other"
        record.client = client_of(scope)
        # With an application in scope the router raises HTTPException for 404 and 405.
        scope["app"], scope["record"] = self, record
        answer = _Answer(record, (*self._security, *self._opened(scope)), send)
        try:
            self._admit(scope)
            await self._router(scope, receive, answer.send)
        except Exception as error:  # every error has an answer; unknown ones are logged
            await self._problem(scope, record, answer, error)
        fields = dict(scope["headers"])
        record.trace = trace_id(fields.get(b"traceparent", b""))
        self._telemetry.request(record, now, perf_counter() - began)

    async def _problem(
        self, scope: Scope, record: Record, answer: _Answer, error: Exception
    ) -> None:
        problem = problem_for(_request_error(error, self._router, scope))
        record.code = problem.code
        if problem.status == 500:
            self._telemetry.fault(record.request_id, error)
        if answer.begun:
            raise error
        accept = dict(scope["headers"]).get(b"accept", b"")
        status, fields, body = render(
            problem,
            request_id=record.request_id,
            html=prefers_html(accept),
            corp=self._corp,
        )
        await answer.send({"type": "http.response.start", "status": status, "headers": fields})
        await answer.send({"type": "http.response.body", "body": body})


class _Answer:
    """Sends on what a route sends, with the fields that every answer carries."""

    def __init__(self, record: Record, security: tuple[Field, ...], send: Send) -> None:
        self.begun = False
        self._record = record
        self._security = security
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            self._record.status = message["status"]
            message["headers"] = self._completed(message["headers"])
        else:
            self._record.sent += len(message.get("body", b""))
        await self._send(message)

    def _completed(self, fields: list[Field]) -> list[Field]:
        present = {name for name, _ in fields}
        defaults = [
            (b"cache-control", b"no-store"),
            (b"date", http_date(int(time()))),
            (b"x-request-id", self._record.request_id.encode()),
            *self._security,
        ]
        return [*fields, *(field for field in defaults if field[0] not in present)]


def _request_error(error: Exception, router: Router, scope: Scope) -> Exception:
    """The router's own refusals in our words."""
    if isinstance(error, ClientDisconnect):
        return RequestRefused(400, "malformed-request", "The body broke off.")
    if not isinstance(error, HTTPException):
        return error
    if error.status_code == 405:
        return RequestRefused(
            405,
            "method.not-allowed",
            "This address does not answer that method.",
            fields=((b"allow", _allowed(router, scope)),),
        )
    return RequestRefused(404, "route.not-found", "Nothing answers at this address.")


def _allowed(router: Router, scope: Scope) -> bytes:
    """Every method that an address answers: several routes may lead to it, one for each."""
    methods: set[str] = set()
    for route in router.routes:
        if isinstance(route, Route) and route.matches(scope)[0] is Match.PARTIAL:
            methods |= route.methods or set()
    return ", ".join(sorted(methods)).encode()
