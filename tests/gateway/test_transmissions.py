"""Deliveries of the storage routes: whole or broken off, cut when taken back, told in a line."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import MutableMapping
from typing import Any

import pytest

from gateway.originals import SMALL
from tests.contract.pairs import Pair
from tests.contract.server import USER_A

KEY, LARGE = f"{USER_A}/large.bin", bytes(SMALL * 3)
Message = MutableMapping[str, Any]


class Visit:
    """One GET by hand; with `stalls` the client takes no more after the first octets."""

    def __init__(self, pair: Pair, path: str, token: str = "", *, stalls: bool = False) -> None:
        fields = pair.upstream.fields(token) if token else {}
        target, _, query = f"/storage/v1{path}".partition("?")
        self.scope = {
            "type": "http",
            "method": "GET",
            "raw_path": target.encode(),
            "path": target,
            "query_string": query.encode(),
            "scheme": "http",
            "client": ("127.0.0.1", 1),
            "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        }
        self._app = pair.door.apps.main
        self._stalls = stalls
        self.stalled, self.left = asyncio.Event(), asyncio.Event()
        self.status, self.sent, self.ended, self.asked = 0, 0, False, False

    async def run(self) -> None:
        async with asyncio.timeout(30):
            await self._app(self.scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        self.sent += len(message["body"])
        self.ended = not message.get("more_body", False)
        if self._stalls and self.sent:
            self.stalled.set()
            await asyncio.Event().wait()


@pytest.fixture
def filled(pair: Pair) -> Pair:
    pair.upstream.put("documents", KEY, LARGE, "application/octet-stream")
    return pair


def ways(pair: Pair) -> list[tuple[str, str]]:
    """Path and token of each way to the document."""
    token = pair.upstream.user_a
    return [
        (pair.url(KEY, token), ""),
        (f"/object/authenticated/documents/{KEY}", token),
        (f"/object/documents/{KEY}", token),
    ]


def line(pair: Pair, routes: str, count: int) -> list[dict[str, Any]]:
    lines = map(json.loads, pair.door.lines(count).splitlines())
    return [one for one in lines if str(one.get("route", "")).startswith(routes)]


def test_a_large_document_is_sent_whole_and_told_with_its_size(filled: Pair) -> None:
    for path, token in ways(filled):
        visit = Visit(filled, path, token)
        filled.door.run(visit.run())
        assert (visit.status, visit.sent, visit.ended) == (200, len(LARGE), True)
    told = [one for one in line(filled, "storage.", 4) if one["route"] != "storage.sign"]
    assert [one["bytes"] for one in told] == [len(LARGE)] * 3
    assert all("code" not in one or not one["code"] for one in told)
    signed, authenticated, bare = told
    assert signed["link"]
    assert not authenticated.get("link")
    assert not bare.get("link")
    assert signed["document"] == bare["document"] == filled.door.issue_tag(KEY)


@pytest.mark.parametrize("way", range(3))
def test_what_is_taken_back_stops_under_way(filled: Pair, way: int) -> None:
    path, token = ways(filled)[way]

    async def visit() -> Visit:
        visit = Visit(filled, path, token, stalls=True)
        running = asyncio.create_task(visit.run())
        await visit.stalled.wait()
        scope = f"d:clinic/documents/{KEY}"
        await filled.door.parts.purges.revoke([scope], by="test", now=time.time())
        filled.door.parts.rules.revocations.fresh()
        await running
        return visit

    visited = filled.door.run(visit())
    assert visited.status == 200
    assert not visited.ended
    assert visited.sent < len(LARGE)
    again = Visit(filled, path, token)
    filled.door.run(again.run())
    # What Supabase still allows is read on; what the link alone allowed is gone.
    assert again.status == (400 if way == 0 else 200)
    codes = [one.get("code", "") for one in line(filled, "storage.", 3)]
    assert "delivery.aborted" in codes


def test_a_client_that_leaves_ends_it(filled: Pair) -> None:
    path, token = ways(filled)[0]

    async def visit() -> Visit:
        visit = Visit(filled, path, token, stalls=True)
        running = asyncio.create_task(visit.run())
        await visit.stalled.wait()
        visit.left.set()
        await running
        return visit

    assert not filled.door.run(visit()).ended


def test_a_store_that_breaks_off_never_ends_it_cleanly(filled: Pair) -> None:
    path, token = ways(filled)[0]
    filled.upstream.faults.add(method="GET", path="/object/", cut=2 * SMALL)
    filled.upstream.faults.add(times=-1, method="GET", path="/object/", status=500)
    visit = Visit(filled, path, token)
    filled.door.run(visit.run())
    assert not (visit.status == 200 and visit.ended)
    assert visit.sent < len(LARGE)


def test_a_store_that_breaks_off_once_is_asked_for_the_rest(filled: Pair) -> None:
    body = bytes(range(256)) * (len(LARGE) // 256)
    filled.upstream.put("documents", KEY, body, "application/octet-stream")
    path, _ = ways(filled)[0]
    filled.upstream.faults.add(method="GET", path="/object/", cut=2 * SMALL)
    assert filled.get(path).content == body
