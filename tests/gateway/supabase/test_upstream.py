from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from gateway.errors import Answer, UpstreamUnavailable
from gateway.supabase.callers import Caller
from gateway.supabase.upstream import LARGEST, NOBODY, Upstream, quoted
from signing.errors import Unsignable

CALLER = Caller(b"Bearer user-token", b"sb_publishable_x")
Handler = Callable[[httpx.Request], httpx.Response]


class Body(httpx.AsyncByteStream):
    """Pieces of a body, which tells whether it was asked for and closed."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = pieces
        self.read = self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.read = True
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def aclose(self) -> None:
        self.closed = True


class Server:
    """Answers by `handler` and keeps what it was asked."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self._handler(request)


def answered(server: Server, *asks: tuple[str, str], probe: bool = False) -> list[Answer]:
    """What one upstream over one client answers to methods and paths, in order."""

    async def run() -> list[Answer]:
        client = httpx.AsyncClient(
            transport=httpx.MockTransport(server), headers={"x-own": "1"}, cookies={"a": "b"}
        )
        async with client:
            upstream = Upstream(client, "http://project.test/")
            if probe:
                return [await upstream.probe(*ask, CALLER) for ask in asks]
            return [await upstream.ask(*ask, CALLER) for ask in asks]

    return asyncio.run(run())


def always(status: int, *, body: httpx.AsyncByteStream | bytes = b"", **fields: str) -> Server:
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    stream = httpx.ByteStream(body) if isinstance(body, bytes) else body
    return Server(lambda _: httpx.Response(status, headers=named, stream=stream))


def test_only_the_credentials_and_our_own_name_go_up() -> None:
    server = always(200, set_cookie="sticky=1; Path=/")
    answered(server, ("GET", "/object/b/k"), ("GET", "/object/b/k"))
    for request in server.asked:
        assert dict(request.headers) == {
            "host": "project.test",
            "authorization": "Bearer user-token",
            "apikey": "sb_publishable_x",
            "accept-encoding": "identity",
            "user-agent": "ostiary",
        }


def test_nobody_sends_no_credentials() -> None:
    server = always(200)

    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
            await Upstream(client, "http://project.test").ask("GET", "/x", NOBODY)

    asyncio.run(run())
    assert not {"authorization", "apikey"} & set(server.asked[0].headers)


def test_a_body_goes_up_as_json_with_the_fields_that_are_asked_for() -> None:
    server = always(200)

    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
            upstream = Upstream(client, "http://project.test")
            await upstream.ask("POST", "/x", CALLER, body=b"{}", fields=[("range", "bytes=0-0")])

    asyncio.run(run())
    (request,) = server.asked
    assert request.content == b"{}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == "2"
    assert request.headers["range"] == "bytes=0-0"
    assert str(request.url) == "http://project.test/storage/v1/x"


@pytest.mark.parametrize("status", [200, 302, 400, 404, 500])
def test_any_status_is_an_answer_and_no_redirect_is_followed(status: int) -> None:
    server = always(status, body=b'{"a":1}', location="http://elsewhere.test/")
    (answer,) = answered(server, ("GET", "/x"))
    assert (answer.status, answer.body) == (status, b'{"a":1}')
    assert len(server.asked) == 1


def test_fields_of_one_connection_are_left_out_and_the_rest_is_in_lower_case() -> None:
    server = always(200, body=b"x", Connection="close", Cache_Control="max-age=5", X_Odd="1")
    (answer,) = answered(server, ("GET", "/x"))
    assert answer.fields == ((b"cache-control", b"max-age=5"), (b"x-odd", b"1"))


def test_a_body_over_the_bound_is_no_answer() -> None:
    body = Body(b"x" * LARGEST, b"x", b"never read")
    with pytest.raises(UpstreamUnavailable, match="too large"):
        answered(always(200, body=body), ("GET", "/x"))
    assert body.closed


def test_the_largest_body_is_an_answer() -> None:
    (answer,) = answered(always(200, body=b"x" * LARGEST), ("GET", "/x"))
    assert len(answer.body) == LARGEST


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
@pytest.mark.parametrize("status", [200, 400])
def test_a_packed_body_is_no_answer_and_is_not_unpacked(status: int, coding: str) -> None:
    body = Body(gzip.compress(b"{}"))
    with pytest.raises(UpstreamUnavailable, match="coding"):
        answered(always(status, body=body, content_encoding=coding), ("GET", "/x"))
    assert (body.read, body.closed) == (False, True)


def test_a_body_that_says_it_is_as_it_is_is_an_answer() -> None:
    (answer,) = answered(always(200, body=b"{}", content_encoding="identity"), ("GET", "/x"))
    assert answer.body == b"{}"
    assert answer.fields == ()


@pytest.mark.parametrize(("status", "read"), [(200, False), (206, False), (400, True)])
def test_a_probe_reads_the_body_of_a_refusal_alone(status: int, read: bool) -> None:
    body = Body(b"words")
    (answer,) = answered(always(status, body=body), ("GET", "/x"), probe=True)
    assert (body.read, body.closed) == (read, True)
    assert answer.body == (b"words" if read else b"")


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("http://project.test/secret"),
        httpx.ReadTimeout("secret"),
        httpx.RemoteProtocolError("secret"),
        httpx.PoolTimeout("secret"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("midway", [False, True])
def test_a_server_that_does_not_answer_is_unavailable_and_nothing_is_told(
    error: Exception, midway: bool
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    server = always(200, body=Body(b"x", error)) if midway else Server(fail)
    with pytest.raises(UpstreamUnavailable) as caught:
        answered(server, ("GET", "/secret"))
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_connecting_and_reading_have_their_bounds() -> None:
    server = always(200)
    answered(server, ("GET", "/x"))
    timeout = server.asked[0].extensions["timeout"]
    assert timeout == {"connect": 5.0, "read": 10.0, "write": 10.0, "pool": 10.0}


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("a/b.pdf", "b/a/b.pdf"),
        ("a b+c (1).txt", "b/a%20b+c%20(1).txt"),
        ("what?.pdf", "b/what%3F.pdf"),
        ("50%25.pdf", "b/50%2525.pdf"),
        ("ü#.pdf", "b/%C3%BC%23.pdf"),
    ],
)
def test_an_object_is_spelled_so_that_the_server_reads_its_key(key: str, path: str) -> None:
    assert quoted("b", key) == path
    server = always(200)
    answered(server, ("GET", f"/object/{path}?cacheNonce=1"))
    assert server.asked[0].url.raw_path == f"/storage/v1/object/{path}?cacheNonce=1".encode()
    assert server.asked[0].url.path == f"/storage/v1/object/b/{key}"


@pytest.mark.parametrize("key", ["", "a//b", "../x", "a/.", "\udc80", "a\0"])
def test_what_is_no_address_is_not_asked_for(key: str) -> None:
    with pytest.raises(Unsignable):
        quoted("b", key)


def test_an_answer_that_trickles_ends() -> None:
    """Never silent for long, and never done."""

    class Trickle(Body):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.001)

    body = Trickle()

    async def run() -> None:
        transport = httpx.MockTransport(always(200, body=body))
        async with httpx.AsyncClient(transport=transport) as client:
            upstream = Upstream(client, "http://project.test", patience=0.05)
            await upstream.ask("GET", "/x", CALLER)

    with pytest.raises(UpstreamUnavailable, match="TimeoutError"):
        asyncio.run(asyncio.wait_for(run(), 10))
    assert body.closed


def test_no_more_answers_than_agreed_are_waited_for_at_once() -> None:
    under_way = most = 0

    async def slow(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return httpx.Response(200, stream=httpx.ByteStream(b""))

    async def run() -> list[Answer]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(slow)) as client:
            upstream = Upstream(client, "http://project.test", abreast=3)
            asks = [upstream.ask("GET", f"/{number}", CALLER) for number in range(20)]
            return await asyncio.gather(*asks)

    assert [answer.status for answer in asyncio.run(run())] == [200] * 20
    assert most == 3


def test_who_waits_in_line_for_too_long_is_told_so() -> None:
    async def run() -> list[Answer | BaseException]:
        async def never(request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(60)
            return httpx.Response(200)

        async with httpx.AsyncClient(transport=httpx.MockTransport(never)) as client:
            upstream = Upstream(client, "http://project.test", abreast=1, patience=0.05)
            asks = [upstream.ask("GET", "/x", CALLER) for _ in range(3)]
            return await asyncio.gather(*asks, return_exceptions=True)

    told = asyncio.run(asyncio.wait_for(run(), 30))
    assert all(isinstance(error, UpstreamUnavailable) for error in told)
