"""Asking over HTTP: targets octet for octet, nothing followed or remembered, every end a reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from gateway.probing import Ask, HttpAsks, Reply

NONCE = "a" * 22
BODY = f"ostiary canary {NONCE} link\n".encode()


class Body(httpx.AsyncByteStream):
    """A body that has yet to come, as over a wire."""

    def __init__(self, octets: bytes = b"") -> None:
        self._octets = octets

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._octets


def asked(
    handler: Callable[[httpx.Request], httpx.Response], *asks: Ask, patience: float = 10
) -> list[Reply]:
    async def all_of_them() -> list[Reply]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
            asking = HttpAsks(client, "http://docs.example:8080", patience)
            return [await asking.ask(ask) for ask in asks]

    return asyncio.run(all_of_them())


TARGETS = [
    "/d/original/clinic/~canary/-/kept/a?t=1.k1.1800000000.0.-.-.ia.sig",
    "/d/original/clinic/~canary/-/kept/a?t=%31.k1",
    "/d/original/clinic/~canary/-/kept/a?x=1&t=1",
    "/d/original/clinic/~canary/-/kept/a?",
    "/d/original/clinic/~canary/-/kept/a?t=",
    "/d/original/clinic/~canary/-/kept/a",
]


def test_targets_are_sent_octet_for_octet() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(403, stream=Body())

    asked(handler, *map(Ask, TARGETS))
    assert [request.url.raw_path.decode() for request in seen] == TARGETS
    assert {request.headers["host"] for request in seen} == {"docs.example:8080"}


def test_methods_and_fields_are_sent_beside_those_of_every_request() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert request.method == "HEAD"
        assert request.headers["ostiary-shield"] == "forged"
        assert request.headers["accept-encoding"] == "identity"
        return httpx.Response(200, stream=Body())

    [reply] = asked(handler, Ask("/", {"ostiary-shield": "forged"}, "HEAD"))
    assert reply == Reply(200)


@pytest.mark.parametrize(
    ("body", "nonce", "edge"),
    [
        (BODY, NONCE, False),
        (BODY.replace(b"link", b"edge"), NONCE, True),
        (BODY + b"x", "", False),
        (b" " + BODY, "", False),
        (b"ostiary canary short link\n", "", False),
        (b"", "", False),
    ],
)
def test_a_canary_is_known_by_its_whole_body(body: bytes, nonce: str, edge: bool) -> None:
    [reply] = asked(lambda _: httpx.Response(200, stream=Body(body)), Ask("/"))
    assert reply == Reply(200, nonce, edge)


def test_an_endless_body_is_left_early() -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 1_000

    [reply] = asked(lambda _: httpx.Response(200, content=endless()), Ask("/"))
    assert (reply.nonce, taken < 10) == ("", True)


def test_nothing_is_followed_and_no_cookie_remembered() -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("cookie", ""))
        told = {"Location": "/yes", "Set-Cookie": "a=b"}
        return httpx.Response(302, headers=told, stream=Body())

    replies = asked(handler, Ask("/"), Ask("/"))
    assert [reply.status for reply in replies] == [302, 302]
    assert seen == ["", ""]


def test_who_does_not_answer_is_a_reply_as_well() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    [reply] = asked(handler, Ask("/"))
    assert f"answered {reply}" == "answered nothing (ConnectError)"
    assert not reply.served
    assert not reply.refused


def test_an_answer_that_does_not_end_is_too_slow() -> None:
    async def trickle() -> AsyncIterator[bytes]:
        yield b"ostiary"
        await asyncio.Event().wait()

    [reply] = asked(lambda _: httpx.Response(200, content=trickle()), Ask("/"), patience=0.01)
    assert reply.fault == "too slow"


@pytest.mark.parametrize(
    ("reply", "served", "refused", "text"),
    [
        (Reply(200, NONCE), True, False, "200 with the canary"),
        (Reply(403, NONCE), True, False, "403 with the canary"),
        (Reply(206), True, False, "206"),
        (Reply(304), False, False, "304"),
        (Reply(403), False, True, "403"),
        (Reply(410), False, True, "410"),
        (Reply(429), False, False, "429"),
        (Reply(500), False, False, "500"),
    ],
)
def test_what_is_a_yes_and_what_a_no(reply: Reply, served: bool, refused: bool, text: str) -> None:
    assert (reply.served, reply.refused, str(reply)) == (served, refused, text)
