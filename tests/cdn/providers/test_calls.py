from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from cdn.errors import PurgeRefused
from cdn.providers.calls import LARGEST, Api, read

Respond = Callable[[httpx.Request], httpx.Response]
SECRET = "a-secret"


def called(respond: Respond, pause: float = 0.0) -> httpx.Response:
    async def call() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as client:
            proof = (("Authorization", f"Bearer {SECRET}"),)
            api = Api("edge", client, httpx.URL("http://api.test/below/?x"), proof, pause)
            assert SECRET not in repr(api)
            return await api.post("/a%20b", {"c": 1}, [("D", "e")], {"f": "g h"})

    return asyncio.run(call())


def refused(respond: Respond, pause: float = 0.0) -> PurgeRefused:
    with pytest.raises(PurgeRefused) as found:
        called(respond, pause)
    assert SECRET not in str(found.value)
    return found.value


def always(status: int, text: str = SECRET, **fields: str) -> Respond:
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return lambda request: httpx.Response(status, text=text, headers=named)


def test_a_call_is_json_below_the_api_s_own_path_with_its_proof() -> None:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(202)

    assert called(respond).status_code == 202
    [request] = asked
    assert (request.method, str(request.url)) == ("POST", "http://api.test/below/a%20b?f=g+h")
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert (request.headers["content-type"], request.headers["d"]) == ("application/json", "e")
    assert request.content == b'{"c": 1}'


@pytest.mark.parametrize(
    ("respond", "retry_after", "dead"),
    [
        (always(503, retry_after="7"), 7.0, False),
        (always(429, retry_after=" 0.25 "), 0.25, False),
        (always(429), None, False),
        (always(408), None, False),
        (always(425), None, False),
        (always(500), None, False),
        (always(503, retry_after="-1"), None, False),
        (always(503, retry_after="999999"), 3_600.0, False),
        (always(503, retry_after="Mon, 23 Nov 2026 00:00:00 GMT"), None, False),
        (
            always(
                503,
                retry_after="Mon, 23 Nov 2026 00:00:09 GMT",
                date="Mon, 23 Nov 2026 00:00:00 GMT",
            ),
            9.0,
            False,
        ),
        (always(400), None, True),
        (always(401), None, True),
        (always(404, retry_after="5"), 5.0, True),
        (always(413), None, True),
        (always(302), None, False),
    ],
)
def test_a_refusal_is_dead_or_comes_again_when_it_was_told(
    respond: Respond, retry_after: float | None, dead: bool
) -> None:
    error = refused(respond)
    assert (error.retry_after, error.dead) == (retry_after, dead)


@pytest.mark.parametrize(
    ("respond", "pause"),
    [(always(429), 5.0), (always(429, retry_after="9"), 9.0), (always(503), None)],
)
def test_an_api_that_names_no_time_may_have_a_pause_of_its_own(
    respond: Respond, pause: float | None
) -> None:
    assert refused(respond, pause=5.0).retry_after == pause


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_denied_is_told_where_to_look(status: int) -> None:
    assert "secret" in refused(always(status)).hint


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError]
)
def test_an_api_that_does_not_answer_is_tried_again(
    failure: Callable[[str], httpx.TransportError],
) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        raise failure(SECRET)

    error = refused(respond)
    assert (error.retry_after, error.dead) == (None, False)


@pytest.mark.parametrize("text", ["", "x", "[1]", "7", "\x00"])
def test_what_is_no_object_reads_as_an_empty_one(text: str) -> None:
    assert read(httpx.Response(200, text=text)) == {}
    assert read(httpx.Response(200, text='{"a": 1}')) == {"a": 1}


class _Endless(httpx.AsyncByteStream):
    """A body without an end, which counts what is taken of it."""

    def __init__(self) -> None:
        self.taken = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            assert self.taken < 8 * LARGEST, "nobody needs so much"
            self.taken += 65_536
            yield b"x" * 65_536

    async def aclose(self) -> None:
        self.closed = True


@pytest.mark.parametrize("status", [200, 403])
def test_an_answer_without_an_end_is_read_no_further_than_anybody_needs(status: int) -> None:
    body = _Endless()

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, stream=body)

    if status == 200:
        assert len(called(respond).content) == LARGEST
    else:
        assert refused(respond).dead
    assert body.closed


def test_nobody_is_asked_to_pack_an_answer_and_a_packed_one_is_read_no_further() -> None:
    packed = gzip.compress(b" " * (2 * LARGEST))

    def respond(request: httpx.Request) -> httpx.Response:
        assert request.headers["accept-encoding"] == "identity"
        stream = httpx.ByteStream(packed)
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream)

    assert called(respond).content == b" " * LARGEST
