"""The page at `/`: friendly, not kept, and without a way to run anything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from gateway.api.home import Example, Examples, Home, no_examples


class Outline(HTMLParser):
    """Which tags a page has, and where it leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]


class Recorded:
    """Gives each request the record that the edge would."""

    def __init__(self, examples: Examples) -> None:
        self._app: ASGIApp = Starlette(routes=[Route("/", Home(examples).page)])
        self.route = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app({**scope, "record": self}, receive, send)


def _page(examples: Examples) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(Recorded(examples))
        async with httpx.AsyncClient(transport=transport, base_url="http://g.test") as client:
            return await client.get("/")

    return asyncio.run(asked())


def test_the_page_says_what_answers_here_and_is_not_kept(door: Any) -> None:
    answer = door.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    outline = Outline(answer.text)
    assert {"h1", "title", "main"} <= set(outline.tags)
    assert not {"script", "form", "iframe"} & set(outline.tags)
    assert all(address.startswith("/") for address in outline.addresses)


def test_the_page_may_show_this_servers_pictures_and_run_nothing(door: Any) -> None:
    policy = door.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "img-src 'self' data:" in policy
    assert "script-src" not in policy


def test_another_method_is_refused(door: Any) -> None:
    answer = door.ask("POST", "/")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_without_examples_nothing_can_be_browsed() -> None:
    page = _page(no_examples).text
    assert "Sample documents" not in page
    assert "/d/" not in page


def test_examples_are_links_to_click_on_made_anew_at_each_visit() -> None:
    visits: list[int] = []

    async def examples() -> Sequence[Example]:
        visits.append(1)
        return [Example('A "title" & <b>', "/d/original/1", "/d/w640/1", "/d/thumb/1")]

    page = _page(examples).text
    outline = Outline(page)
    assert {"/d/original/1", "/d/w640/1", "/d/thumb/1"} <= set(outline.addresses)
    assert "b" not in outline.tags, "titles are text"
    _page(examples)
    assert len(visits) == 2
