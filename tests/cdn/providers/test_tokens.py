from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cdn.errors import ProviderMisconfigured, PurgeRefused
from cdn.providers import Provider
from tests.stub_cdn import StubCdn
from tests.stub_cdn.accounts import service_account

URL = "http://cdn.test"


@pytest.fixture
def stub() -> StubCdn:
    return StubCdn("google")


def test_a_token_is_kept_until_shortly_before_its_end(answered: Callable[..., Any]) -> None:
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        token = {"access_token": "t", "expires_in": 3_600}
        return httpx.Response(200, json=token if request.url.path == "/token" else {"name": "o"})

    bench = answered(respond)

    async def work(provider: Provider) -> list[int]:
        tokens = []
        for forward in (0, 3_539, 1):
            bench.now += forward
            await provider.purge(["d-1"], soft=False)
            tokens.append(asked.count("/token"))
        return tokens

    assert bench.run("google", work) == [1, 1, 2]


def test_the_same_purge_asked_again_is_one(stub: StubCdn, on_stub: Any) -> None:
    async def work(provider: Provider) -> list[str]:
        receipts = [await provider.purge(["d-1"], soft=False, key=key) for key in "aab"]
        return [receipt.reference for receipt in receipts]

    assert on_stub(stub).run("google", work) == ["google-1", "google-1", "google-2"]
    assert len(stub.taken) == 2


def test_a_key_without_an_id_signs_too(stub: StubCdn, on_stub: Any) -> None:
    told = json.loads(service_account(URL))
    del told["private_key_id"]
    assert on_stub(stub).purge("google", "d-1", secret=json.dumps(told)).reference


def test_a_key_that_can_not_sign_is_a_fault(stub: StubCdn, on_stub: Any) -> None:
    told = {**json.loads(service_account(URL)), "private_key": "hush"}
    with pytest.raises(ProviderMisconfigured, match="no private key") as fault:
        on_stub(stub).purge("google", "d-1", secret=json.dumps(told))
    assert "hush" not in str(fault.value)


def test_an_account_that_is_not_known_is_dead(answered: Callable[..., Any]) -> None:
    bench = answered(lambda request: httpx.Response(400, json={"error": "invalid_grant"}))
    with pytest.raises(PurgeRefused) as refused:
        bench.purge("google", "d-1")
    assert refused.value.dead


@pytest.mark.parametrize(
    "said",
    [{}, {"access_token": "t"}, {"access_token": 1, "expires_in": 9}, {"expires_in": 9}],
)
def test_an_answer_without_a_token_is_tried_again(
    said: dict[str, object], answered: Callable[..., Any]
) -> None:
    bench = answered(lambda request: httpx.Response(200, json=said))
    with pytest.raises(PurgeRefused, match="confirmed nothing"):
        bench.purge("google", "d-1")


def test_a_purge_that_names_no_operation_is_tried_again(answered: Callable[..., Any]) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        token = {"access_token": "t", "expires_in": 3_600}
        return httpx.Response(200, json=token if request.url.path == "/token" else {})

    with pytest.raises(PurgeRefused, match="confirmed nothing"):
        answered(respond).purge("google", "d-1")
