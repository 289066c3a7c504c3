from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateway.errors import CallerRefused, GatewayError, KeysUnavailable, Overloaded
from gateway.supabase.callers import Callers
from gateway.supabase.jwks import FRESH, LARGEST, PAUSE, USABLE, Jwks
from gateway.supabase.keys import Keyring

URL = "https://project.test/auth/v1/.well-known/jwks.json"
Jwk = Callable[..., dict[str, object]]
T = TypeVar("T")


class Project:
    """A project's key host; `answer` may be changed, and an exception there is raised."""

    def __init__(self, *members: dict[str, object]) -> None:
        self.now = 1000.0
        self.requests: list[httpx.Request] = []
        self.asked = asyncio.Event()
        self.answer: httpx.Response | Exception
        self.publish(*members)

    def publish(self, *members: dict[str, object]) -> None:
        self.answer = httpx.Response(200, json={"keys": list(members)})

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.asked.set()
        await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        # A response is read once: each request gets its own.
        sent = self.answer
        return httpx.Response(sent.status_code, headers=sent.headers, stream=sent.stream)

    def visit(self, use: Callable[[Jwks], Awaitable[T]], patience: float = 5.0) -> T:
        async def within() -> T:
            async with httpx.AsyncClient(
                transport=httpx.MockTransport(self), follow_redirects=True
            ) as client:
                jwks = Jwks(client, URL, lambda: self.now, patience=patience)
                try:
                    return await use(jwks)
                finally:
                    await jwks.aclose()

        return asyncio.run(within())


@pytest.fixture
def project(jwk: Jwk, ec_key: ec.EllipticCurvePrivateKey) -> Project:
    return Project(jwk(ec_key, "one"))


async def outcome(jwks: Jwks, kid: str = "one") -> str:
    try:
        return (await jwks.key("ES256", kid)).kid
    except GatewayError as error:
        return type(error).__name__


def test_nothing_is_asked_before_a_key_is_needed(project: Project) -> None:
    async def use(jwks: Jwks) -> None:
        assert not project.requests
        assert (await jwks.key("ES256", "one")).algorithm == "ES256"

    project.visit(use)
    (request,) = project.requests
    assert str(request.url) == URL
    assert request.headers["accept-encoding"] == "identity"


def test_a_set_is_kept_for_ten_minutes_and_then_read_again(project: Project) -> None:
    async def use(jwks: Jwks) -> None:
        await outcome(jwks)
        project.now += FRESH - 1
        await outcome(jwks)
        assert len(project.requests) == 1
        project.now += 1
        await outcome(jwks)
        assert len(project.requests) == 2

    assert FRESH == 600
    project.visit(use)


def test_a_key_that_is_published_no_more_is_refused_after_ten_minutes(
    project: Project, jwk: Jwk, rsa_key: rsa.RSAPrivateKey
) -> None:
    async def use(jwks: Jwks) -> None:
        assert await outcome(jwks) == "one"
        project.publish(jwk(rsa_key, "two"))
        project.now += FRESH
        assert await outcome(jwks) == "CallerRefused"

    project.visit(use)


def test_a_new_key_is_found_by_its_name(
    project: Project, jwk: Jwk, ec_key: ec.EllipticCurvePrivateKey
) -> None:
    async def use(jwks: Jwks) -> None:
        await outcome(jwks)
        project.publish(jwk(ec_key, "two"))
        project.now += PAUSE
        assert await outcome(jwks, "two") == "two"

    project.visit(use)


def test_made_up_names_have_the_set_read_at_most_every_thirty_seconds(project: Project) -> None:
    async def use(jwks: Jwks) -> None:
        for number in range(100):
            assert await outcome(jwks, f"made-up-{number}") == "CallerRefused"
        assert len(project.requests) == 1
        project.now += PAUSE
        for number in range(100):
            assert await outcome(jwks, f"made-up-{number}") == "CallerRefused"
        assert len(project.requests) == 2
        assert await outcome(jwks) == "one"

    assert PAUSE == 30
    project.visit(use)


def test_a_known_name_with_another_algorithm_reads_nothing_again(project: Project) -> None:
    async def use(jwks: Jwks) -> None:
        await outcome(jwks)
        project.now += PAUSE
        with pytest.raises(CallerRefused):
            await jwks.key("RS256", "one")

    project.visit(use)
    assert len(project.requests) == 1


def test_many_at_once_share_one_read(project: Project) -> None:
    async def use(jwks: Jwks) -> list[str]:
        return await asyncio.gather(*(outcome(jwks) for _ in range(50)))

    assert project.visit(use) == ["one"] * 50
    assert len(project.requests) == 1


def test_who_comes_while_a_read_is_under_way_waits_for_it(project: Project) -> None:
    async def use(jwks: Jwks) -> tuple[str, str]:
        first = asyncio.create_task(outcome(jwks))
        await project.asked.wait()
        return await outcome(jwks), await first

    assert project.visit(use) == ("one", "one")
    assert len(project.requests) == 1


def test_an_old_set_goes_on_for_an_hour_and_then_fails_closed(project: Project) -> None:
    async def use(jwks: Jwks) -> None:
        await outcome(jwks)
        project.answer = httpx.ConnectError("down")
        project.now += FRESH
        assert await outcome(jwks) == "one"
        project.now += USABLE - FRESH - 1
        assert await outcome(jwks) == "one"
        project.now += 1
        assert await outcome(jwks) == "KeysUnavailable"

    assert USABLE == 3600
    project.visit(use)


def test_a_host_that_is_down_is_asked_now_and_then(project: Project) -> None:
    async def use(jwks: Jwks) -> None:
        await outcome(jwks)
        project.answer = httpx.ConnectError("down")
        project.now += FRESH
        assert await outcome(jwks) == "one"
        project.now += PAUSE - 1
        assert await outcome(jwks) == "one"
        assert len(project.requests) == 2
        project.now += 1
        assert await outcome(jwks) == "one"
        assert len(project.requests) == 3

    project.visit(use)


def test_a_first_read_that_failed_is_tried_again_after_five_seconds(
    project: Project, jwk: Jwk, ec_key: ec.EllipticCurvePrivateKey
) -> None:
    async def use(jwks: Jwks) -> None:
        project.answer = httpx.ConnectError("down")
        for _ in range(10):
            assert await outcome(jwks) == "KeysUnavailable"
        assert len(project.requests) == 1
        project.publish(jwk(ec_key, "one"))
        project.now += 5
        assert await outcome(jwks) == "one"

    project.visit(use)


def test_an_unknown_name_is_not_called_wrong_while_nobody_can_say(project: Project) -> None:
    async def use(jwks: Jwks) -> None:
        await outcome(jwks)
        project.answer = httpx.ReadTimeout("slow")
        project.now += PAUSE
        assert await outcome(jwks, "two") == "KeysUnavailable"
        assert await outcome(jwks, "two") == "KeysUnavailable"
        assert await outcome(jwks) == "one"
        assert len(project.requests) == 2

    project.visit(use)


CANARY = "canary-7f3a"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text=CANARY),
        httpx.Response(200, text=f"<html>{CANARY}"),
        httpx.Response(200, json={"error": CANARY}),
        httpx.Response(200, content=b'{"keys":[' + b" " * LARGEST + b"]}"),
        httpx.ReadTimeout(CANARY),
        httpx.RemoteProtocolError(CANARY),
        httpx.InvalidURL(CANARY),
    ],
    ids=repr,
)
def test_what_is_no_good_answer_is_no_key_and_is_not_repeated(
    project: Project, answer: httpx.Response | Exception
) -> None:
    async def use(jwks: Jwks) -> None:
        with pytest.raises(KeysUnavailable) as caught:
            await jwks.key("ES256", "one")
        assert caught.value.args[0]
        assert CANARY not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None

    project.answer = answer
    project.visit(use)
    assert [str(request.url) for request in project.requests] == [URL]


@pytest.mark.parametrize("status", [203, 301, 302, 404, 500])
def test_a_set_under_another_status_is_no_set(project: Project, status: int) -> None:
    assert isinstance(project.answer, httpx.Response)
    project.answer.status_code = status
    project.answer.headers["location"] = "https://elsewhere.test/"
    assert project.visit(outcome) == "KeysUnavailable"
    assert len(project.requests) == 1


def test_a_packed_body_is_not_unpacked(project: Project) -> None:
    assert isinstance(project.answer, httpx.Response)
    packed = httpx.ByteStream(gzip.compress(project.answer.content))
    project.answer = httpx.Response(200, headers={"content-encoding": "gzip"}, stream=packed)
    assert project.visit(outcome) == "KeysUnavailable"


def test_a_body_of_the_largest_size_is_read(
    project: Project, jwk: Jwk, ec_key: ec.EllipticCurvePrivateKey
) -> None:
    text = json.dumps({"keys": [jwk(ec_key, "one")]})
    project.answer = httpx.Response(200, content=text.ljust(LARGEST).encode())
    assert project.visit(outcome) == "one"
    project.answer = httpx.Response(200, content=text.ljust(LARGEST + 1).encode())
    assert project.visit(outcome) == "KeysUnavailable"


class Trickle(httpx.AsyncByteStream):
    """A body that always has one more octet, and so never passes a limit on single reads."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)


def test_a_body_that_trickles_is_given_up(project: Project) -> None:
    project.answer = httpx.Response(200, stream=Trickle())
    assert project.visit(outcome, patience=0.05) == "KeysUnavailable"


def test_closing_lets_nobody_wait_for_ever(project: Project) -> None:
    async def use(jwks: Jwks) -> None:
        waiting = asyncio.create_task(jwks.key("ES256", "one"))
        await project.asked.wait()
        await jwks.aclose()
        with pytest.raises(Overloaded):
            await waiting

    project.answer = httpx.Response(200, stream=Trickle())
    project.visit(use)


def test_closing_callers_stops_the_reading_of_keys(project: Project) -> None:
    async def use(jwks: Jwks) -> None:
        callers = Callers(Keyring(published=jwks), clock=lambda: project.now)
        waiting = asyncio.create_task(jwks.key("ES256", "one"))
        await project.asked.wait()
        await callers.aclose()
        with pytest.raises(Overloaded):
            await waiting

    project.answer = httpx.Response(200, stream=Trickle())
    project.visit(use)
