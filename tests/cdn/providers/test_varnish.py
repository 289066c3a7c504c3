from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cdn.errors import ProviderMisconfigured, PurgeRefused
from cdn.facts import FACTS
from cdn.providers.base import PurgeReceipt

SECRET = "stub-secret"
Respond = Callable[[httpx.Request], httpx.Response]
Answered = Callable[[Respond], Any]


def always(status: int, text: str = "") -> Respond:
    return lambda request: httpx.Response(status, text=text)


@pytest.mark.parametrize(("soft", "method"), [(True, "SOFTPURGE"), (False, "PURGE")])
def test_a_purge_is_one_call_with_the_tags_and_the_secret(
    soft: bool, method: str, answered: Answered
) -> None:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, text="purged 3\n")

    receipt = answered(respond).purge("varnish", "d-1", "v-2", soft=soft, url="http://v:6081/x")
    assert receipt == PurgeReceipt("edge", "", "purged 3")
    (request,) = asked
    assert (request.method, str(request.url)) == (method, "http://v:6081/")
    assert request.headers["xkey-purge"] == "d-1 v-2"
    assert request.headers["purge-key"] == SECRET


def test_the_largest_batch_fits_varnishs_limit_for_a_field(answered: Answered) -> None:
    longest: list[int] = []

    def respond(request: httpx.Request) -> httpx.Response:
        longest.append(len(b"xkey-purge: ") + len(request.headers["xkey-purge"]))
        return httpx.Response(200, text="purged 0")

    answered(respond).purge("varnish", *["x" * 32] * FACTS["varnish"].limits_of("").batch)
    assert longest[0] < 8_000


def refusal(respond: Respond, answered: Answered) -> PurgeRefused:
    with pytest.raises(PurgeRefused) as refused:
        answered(respond).purge("varnish", "d-1")
    assert SECRET not in str(refused.value)
    return refused.value


@pytest.mark.parametrize(
    ("status", "hint"), [(403, "OSTIARY_PURGE_SECRET"), (405, "ostiary.vcl"), (404, "")]
)
def test_what_can_not_pass_is_dead_and_says_where_to_look(
    status: int, hint: str, answered: Answered
) -> None:
    error = refusal(always(status), answered)
    assert error.dead
    assert hint in error.hint


@pytest.mark.parametrize(
    "respond",
    [
        always(301),
        always(204),
        always(503),
        always(200, "hello"),
        always(200, "purged many"),
        always(200, "not purged 3"),
        always(200, "purged 3 or so"),
    ],
)
def test_anything_but_the_words_of_our_vcl_comes_again(
    respond: Respond, answered: Answered
) -> None:
    assert not refusal(respond, answered).dead


@pytest.mark.parametrize("secret", ["", "a b", "a\r\nx: y", "ä"])
def test_a_secret_that_no_field_can_carry_is_a_fault(secret: str, answered: Answered) -> None:
    with pytest.raises(ProviderMisconfigured) as fault:
        answered(always(200)).check("varnish", secret=secret)
    assert not secret or secret not in str(fault.value)


@pytest.mark.parametrize(
    "url", ["", "varnish:6081", "ftp://varnish", "http://", "http://a:b", "/x", "http://a:0"]
)
def test_a_url_that_is_no_http_address_is_a_fault(url: str, answered: Answered) -> None:
    with pytest.raises(ProviderMisconfigured, match="http"):
        answered(always(200)).check("varnish", url=url)
