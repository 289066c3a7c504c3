from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import httpx
import pytest

from cdn.errors import ProviderMisconfigured, PurgeRefused
from cdn.providers.base import PurgeReceipt
from cdn.providers.varnish import Varnish

SECRET = "purge-secret"
Respond = Callable[[httpx.Request], httpx.Response]


def purge(respond: Respond, tags: Sequence[str] = ("d-1",), *, soft: bool = False) -> PurgeReceipt:
    async def ask() -> PurgeReceipt:
        async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as client:
            provider = Varnish("edge", "http://varnish:6081/ignored?x", SECRET, client)
            return await provider.purge(tags, soft=soft)

    return asyncio.run(ask())


def refusal(respond: Respond, tags: Sequence[str] = ("d-1",)) -> PurgeRefused:
    with pytest.raises(PurgeRefused) as refused:
        purge(respond, tags)
    assert SECRET not in str(refused.value)
    return refused.value


def always(status: int, text: str = "", **fields: str) -> Respond:
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return lambda request: httpx.Response(status, text=text, headers=named)


@pytest.mark.parametrize(("soft", "method"), [(True, "SOFTPURGE"), (False, "PURGE")])
def test_a_purge_is_one_call_with_the_tags_and_the_secret(soft: bool, method: str) -> None:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, text="purged 3\n")

    assert purge(respond, ["d-1", "v-2"], soft=soft) == PurgeReceipt("edge", "", "purged 3")
    (request,) = asked
    assert (request.method, str(request.url)) == (method, "http://varnish:6081/")
    assert request.headers["xkey-purge"] == "d-1 v-2"
    assert request.headers["purge-key"] == SECRET


def test_the_largest_batch_fits_varnishs_limit_for_a_field() -> None:
    longest: list[int] = []

    def respond(request: httpx.Request) -> httpx.Response:
        longest.append(len(b"xkey-purge: ") + len(request.headers["xkey-purge"]))
        return httpx.Response(200, text="purged 0")

    purge(respond, ["x" * 32] * Varnish.limits.batch)
    assert longest[0] < 8_000


@pytest.mark.parametrize(
    "tags", [[], ["d-1"] * (Varnish.limits.batch + 1), ["d-1", "d 2"], ["a\r\npurge-key: x"]]
)
def test_what_is_no_batch_of_tags_is_never_sent(tags: list[str]) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        raise AssertionError("sent")

    assert refusal(respond, tags).dead


def test_a_wrong_secret_is_dead_and_says_where_to_look() -> None:
    error = refusal(always(403))
    assert error.dead
    assert "OSTIARY_PURGE_SECRET" in error.hint


def test_a_varnish_without_our_vcl_is_dead_and_says_so() -> None:
    error = refusal(always(405))
    assert error.dead
    assert "ostiary.vcl" in error.hint


@pytest.mark.parametrize(
    ("respond", "retry_after", "dead"),
    [
        (always(503, retry_after="7"), 7.0, False),
        (always(429, retry_after=" 30 "), 30.0, False),
        (always(408), None, False),
        (always(500), None, False),
        (always(503, retry_after="-1"), None, False),
        (always(503, retry_after="999999"), None, False),
        (always(503, retry_after="Mon, 23 Nov 2026 00:00:00 GMT"), None, False),
        (always(400), None, True),
        (always(404, retry_after="5"), 5.0, True),
        (always(301), None, False),
        (always(204), None, False),
        (always(200, "hello"), None, False),
        (always(200, "purged many"), None, False),
        (always(200, "not purged 3"), None, False),
        (always(200, "purged 3 or so"), None, False),
    ],
)
def test_anything_but_the_words_of_our_vcl_is_a_refusal(
    respond: Respond, retry_after: float | None, dead: bool
) -> None:
    error = refusal(respond)
    assert (error.retry_after, error.dead) == (retry_after, dead)


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError]
)
def test_a_varnish_that_does_not_answer_is_tried_again(
    failure: Callable[[str], httpx.TransportError],
) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        raise failure(SECRET)

    error = refusal(respond)
    assert (error.retry_after, error.dead) == (None, False)


@pytest.mark.parametrize("secret", ["", "a b", "a\r\nx: y", "ä"])
def test_a_secret_that_no_field_can_carry_is_a_fault(secret: str) -> None:
    with pytest.raises(ProviderMisconfigured) as fault:
        Varnish("edge", "http://varnish", secret, httpx.AsyncClient())
    assert not secret or secret not in str(fault.value)


@pytest.mark.parametrize(
    "url", ["", "varnish:6081", "ftp://varnish", "http://", "http://a:b", "/x"]
)
def test_a_url_that_is_no_http_address_is_a_fault(url: str) -> None:
    with pytest.raises(ProviderMisconfigured, match="http"):
        Varnish("edge", url, SECRET, httpx.AsyncClient())
