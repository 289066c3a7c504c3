"""The edge: every answer has its fields, every error is a problem, every request its line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, Router

from gateway.edge import Edge
from gateway.errors import Overloaded
from gateway.telemetry import LineWriter, Telemetry


class Broken(Exception):
    """What nobody raises on purpose."""


async def _fine(request: Request) -> Response:
    return PlainTextResponse("fine")


async def _kept(request: Request) -> Response:
    return PlainTextResponse("kept", headers={"Cache-Control": "max-age=5", "X-Robots-Tag": "all"})


async def _busy(request: Request) -> Response:
    raise Overloaded("render", retry_after=3)


async def _broken(request: Request) -> Response:
    raise Broken("canary-text")


async def _half(request: Request) -> Response:
    async def body() -> Any:
        yield b"half"
        raise Broken("canary-text")

    return StreamingResponse(body())


async def _echo(request: Request) -> Response:
    return Response(await request.body())


ROUTES = [
    Route("/fine", _fine, methods=["GET"]),
    Route("/kept", _kept),
    Route("/busy", _busy),
    Route("/broken", _broken),
    Route("/half", _half),
    Route("/echo", _echo, methods=["POST"]),
]


class Corner:
    """An edge around a few routes, and its log."""

    def __init__(self, log: Path, writer: LineWriter) -> None:
        self._log = log
        self.telemetry = Telemetry("eu", writer)
        self.edge = Edge(Router(ROUTES, redirect_slashes=False), self.telemetry, corp="same-origin")
        self._writer = writer

    def ask(self, method: str, path: str, **fields: str) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.edge, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://g.test") as client:
                return await client.request(method, path, headers=fields)

        return asyncio.run(asked())

    def lines(self) -> list[dict[str, Any]]:
        self.telemetry.close()
        self._writer.close()
        return [json.loads(line) for line in self._log.read_text().splitlines()]


@pytest.fixture
def corner(tmp_path: Path) -> Iterator[Corner]:
    log = tmp_path / "log.jsonl"
    with log.open("wb", buffering=0) as file, closing(LineWriter(file.fileno())) as writer:
        yield Corner(log, writer)


@pytest.mark.parametrize("path", ["/fine", "/busy", "/broken", "/nowhere"])
def test_every_answer_has_the_fields_that_all_have(corner: Corner, path: str) -> None:
    fields = corner.ask("GET", path).headers
    assert fields["cache-control"] == "no-store"
    assert fields["x-content-type-options"] == "nosniff"
    assert fields["cross-origin-resource-policy"] == "same-origin"
    assert len(fields["x-request-id"]) == 16
    assert len(fields.multi_items()) == len(fields.keys()), "no field stands twice"


def test_a_route_may_say_otherwise(corner: Corner) -> None:
    fields = corner.ask("GET", "/kept").headers
    assert (fields["cache-control"], fields["x-robots-tag"]) == ("max-age=5", "all")


def test_an_error_is_a_problem(corner: Corner) -> None:
    answer = corner.ask("GET", "/busy")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "overloaded"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_people_get_a_page(corner: Corner) -> None:
    answer = corner.ask("GET", "/nowhere", accept="text/html")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "route.not-found"),
        ("GET", "/fine/", 404, "route.not-found"),
        ("POST", "/fine", 405, "method.not-allowed"),
        ("BREW", "/fine", 405, "method.not-allowed"),
    ],
)
def test_the_routers_refusals_are_problems(
    corner: Corner, method: str, path: str, status: int, code: str
) -> None:
    answer = corner.ask(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if status == 405:
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_an_unforeseen_error_tells_nothing(corner: Corner) -> None:
    answer = corner.ask("GET", "/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "canary-text" not in answer.text


def test_an_error_in_mid_answer_is_the_servers_to_cut(corner: Corner) -> None:
    async def work() -> list[Any]:
        messages: list[Any] = []

        async def send(message: Any) -> None:
            messages.append(message)

        async def receive() -> Any:
            await asyncio.sleep(3600)

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/half",
            "raw_path": b"/half",
            "query_string": b"",
            "headers": [],
        }
        with pytest.raises((Broken, ExceptionGroup)):
            await corner.edge(scope, receive, send)
        return messages

    messages = asyncio.run(work())
    assert messages[0]["status"] == 200
    assert all(message.get("more_body") for message in messages[1:]), "never ended cleanly"


def test_a_body_that_breaks_off_is_the_clients_fault(corner: Corner) -> None:
    async def work() -> list[Any]:
        messages: list[Any] = []

        async def send(message: Any) -> None:
            messages.append(message)

        async def receive() -> Any:
            return {"type": "http.disconnect"}

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/echo",
            "raw_path": b"/echo",
            "query_string": b"",
            "headers": [],
        }
        await corner.edge(scope, receive, send)
        return messages

    assert asyncio.run(work())[0]["status"] == 400


def test_every_request_leaves_its_line(corner: Corner) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    corner.ask("GET", "/fine", traceparent=f"00-{trace}-b7ad6b7169203331-01")
    corner.ask("GET", "/nowhere")
    fine, nowhere = corner.lines()
    assert (fine["status"], nowhere["status"]) == (200, 404)
    assert trace in fine.values()
    assert "route.not-found" in nowhere.values()
    assert "nowhere" not in str(nowhere.values()).replace("route.not-found", "")


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_what_is_not_http_gets_no_answer(corner: Corner, kind: str) -> None:
    async def never(*_: Any) -> Any:
        raise AssertionError

    asyncio.run(corner.edge({"type": kind}, never, never))
