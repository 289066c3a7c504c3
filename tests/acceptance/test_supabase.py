"""`ostiary serve` before a storage server: two users, one of whom is shown the door and let in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.contract.server import USER_A, ContractServer

KEY, SHARED = f"{USER_A}/letter to one.txt", "shared/letter to all.txt"
BODY = b"what is in the letter"


@dataclass(frozen=True)
class House:
    upstream: ContractServer
    gateway: Any

    def ask(self, method: str, path: str, token: str, body: object = None) -> httpx.Response:
        fields = self.upstream.fields(token)
        answer = self.gateway.client.request(method, path, headers=fields, json=body)
        assert isinstance(answer, httpx.Response)
        return answer

    def everything(self, token: str, key: str = KEY) -> dict[str, httpx.Response]:
        """What the holder of a token gets by each route."""
        store = "/storage/v1/object"
        wanted = {"documents": [{"bucket": "documents", "key": key}]}
        many = {"expiresIn": 600, "paths": [key]}
        return {
            "sign": self.ask("POST", f"{store}/sign/documents/{key}", token, {"expiresIn": 600}),
            "many": self.ask("POST", f"{store}/sign/documents", token, many),
            "links": self.ask("POST", "/v1/links", token, wanted),
            "bare": self.ask("GET", f"{store}/documents/{key}", token),
            "authenticated": self.ask("GET", f"{store}/authenticated/documents/{key}", token),
        }


def given(answers: dict[str, httpx.Response]) -> set[str]:
    """The routes by which there is a link, or the document."""
    marks = ("token=", "/d/", BODY.decode())
    return {name for name, one in answers.items() if any(mark in one.text for mark in marks)}


@pytest.fixture(scope="module")
def house(gateway_in: Callable[..., Any]) -> Iterator[House]:
    with ContractServer() as upstream:
        for key in (KEY, SHARED):
            upstream.put("documents", key, BODY, "text/plain")
        gateway = gateway_in(
            supabase={
                "url": upstream.url,
                "service_key": upstream.service,
                "jwt_secret": upstream.jwt_secret,
            },
            stores={"main": {"url": "supabase:"}},
            server={"workers": 2},
        )
        gateway.secrets |= {upstream.service, upstream.anon, upstream.user_a, upstream.user_b}
        gateway.secrets |= {"letter to", "letter%20to", upstream.jwt_secret, BODY.decode()}
        yield House(upstream, gateway.start())
        gateway.stop()


def test_each_user_gets_their_own_and_what_is_shared_is_one_text(house: House) -> None:
    routes = {"sign", "many", "links", "bare", "authenticated"}
    one, two = house.upstream.user_a, house.upstream.user_b
    assert given(house.everything(one)) == routes
    assert given(house.everything(two)) == set()
    mine, theirs = house.everything(one, SHARED), house.everything(two, SHARED)
    assert given(mine) == given(theirs) == routes
    for name in ("sign", "many"):
        assert mine[name].text == theirs[name].text
    url = mine["sign"].json()["signedURL"]
    assert house.gateway.client.get(f"/storage/v1{url}").content == BODY


def test_a_viewer_who_is_revoked_gets_nothing_until_reinstated(house: House) -> None:
    one, two = house.upstream.user_a, house.upstream.user_b
    before = house.everything(one)["sign"].json()["signedURL"]
    house.gateway.run("revoke", "--viewer", USER_A)
    for _ in range(6):  # whichever process answers
        refused = house.everything(one)
        assert given(refused) == set()
        assert refused["sign"].json()["message"] == "Access to new links has ended"
    assert given(house.everything(two, SHARED)), "nobody else is touched"
    assert house.gateway.client.get(f"/storage/v1{before}").content == BODY
    house.gateway.run("reinstate", USER_A)
    assert given(house.everything(one)) == set(refused)


@pytest.mark.parametrize("route", ["/object/%73ign", "/%6Fbject/sign", "/%6fbject/s%69gn"])
def test_no_spelling_of_a_route_goes_round_what_was_taken_back(house: House, route: str) -> None:
    """The storage server decodes before it chooses: it would sign for who asks it so."""
    one, path, body = house.upstream.user_a, f"/storage/v1{route}/documents/{KEY}", {"expiresIn": 9}
    direct = house.upstream.url + path
    assert "token=" in httpx.post(direct, headers=house.upstream.fields(one), json=body).text
    house.gateway.run("revoke", "--viewer", USER_A)
    refused = house.ask("POST", path, one, body)
    assert refused.json()["message"] == "Access to new links has ended"
    house.gateway.run("reinstate", USER_A)
    assert "token=1." in house.ask("POST", path, one, body).text


def test_over_the_wire_two_credentials_are_none(house: House, wire: Callable[..., Any]) -> None:
    path = f"/storage/v1/object/authenticated/documents/{KEY.replace(' ', '%20')}"
    token = f"Authorization: Bearer {house.upstream.user_a}"
    once = wire(house.gateway.port).ask(path, token)
    assert (once.status, once.body) == (200, BODY)
    for second in (token, token.upper().replace("BEARER", "x"), "AUTHORIZATION: Bearer x.y.z"):
        twice = wire(house.gateway.port).ask(path, token, second)
        assert twice.status == 400
        assert json.loads(twice.body)["code"] == "AccessDenied"


def test_supabase_being_gone_keeps_what_was_signed(house: House) -> None:
    """Last: links go on, and nothing new is given."""
    one = house.upstream.user_a
    url = house.everything(one)["sign"].json()["signedURL"]
    assert house.gateway.client.get(f"/storage/v1{url}").content == BODY
    house.upstream.faults.add(times=-1, status=503)
    fresh = house.upstream.token(USER_A, {"iat": 1})
    answers = house.everything(fresh)
    assert given(answers) == set()
    assert {answer.status_code for answer in answers.values()} == {503}
    house.upstream.faults.clear()
    assert given(house.everything(fresh)) == set(answers)
