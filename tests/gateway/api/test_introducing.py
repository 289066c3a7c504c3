"""Introducing: a claim is good once, from the application's pages alone, and makes one cookie."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.companions.proofs import COOKIE
from gateway.state.spent import KEPT, Spent
from signing.badges import Badge, Badges
from signing.keys import Key, KeyRing

APP = "https://app.example.org"
ANNA, BEN = "7c9e6679-7425-40de-944b-e07fc1f90ae7", "ben"
KEY = KeyRing([Key("k1", bytes.fromhex("5a" * 32))], "k1")
CLAIM = "/v1/viewers/claim"
NARROW = "a-token-of-one-zone"
ZONES = {
    "clinic": {"store": "main", "buckets": ["documents"], "cache": "windowed"},
    "lab": {"store": "main", "buckets": ["samples"]},
}


@pytest.fixture
def door(open_door: Callable[..., Any]) -> Any:
    digest = "sha256:" + hashlib.sha256(NARROW.encode()).hexdigest()
    token = {"id": "narrow", "hash": digest, "scopes": ["links"], "zones": ["lab"]}
    door = open_door(
        viewers={"origins": [APP], "session": 600}, zones=ZONES, admin={"token": [token]}
    )
    door.put("a.txt", b"for Anna")
    door.put("b.txt", b"of the lab", "samples")
    return door


def introduced(door: Any, viewer: str = ANNA, token: str = "operator-token", **facts: Any) -> str:
    answer = door.post("/v1/viewers", {"viewer": viewer, **facts}, token)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.json()["claim"])


def handed(door: Any, claim: str, **fields: str) -> httpx.Response:
    headers = {"Origin": APP, "Sec-Fetch-Site": "same-site", **fields}
    answer = door.ask("POST", CLAIM, json={"claim": claim}, headers=headers)
    assert isinstance(answer, httpx.Response)
    return answer


def cookies(answer: httpx.Response) -> list[str]:
    """What is kept; a cookie that ends at once is none."""
    set_ = answer.headers.get_list("set-cookie")
    return [one for one in set_ if "Max-Age=0" not in one]


def kept(answer: httpx.Response) -> dict[str, str]:
    [cookie] = cookies(answer)
    return {"Cookie": cookie.partition(";")[0]}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["code"])


def test_a_claim_becomes_a_cookie_that_opens_what_is_bound(door: Any) -> None:
    answer = handed(door, introduced(door))
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["cache-control"] == "no-store"
    url = door.link("a.txt", audience=ANNA)
    assert door.get(url).status_code == 403
    assert door.get(url, kept(answer)).content == b"for Anna"
    assert door.get(door.link("a.txt", audience=BEN), kept(answer)).status_code == 403


def test_the_cookie_goes_to_documents_over_tls_and_no_script_sees_it(door: Any) -> None:
    [cookie] = cookies(handed(door, introduced(door)))
    pair, *rest = cookie.split("; ")
    assert pair.startswith("__Secure-ostiary-aud=1.k1.")
    assert rest == ["Max-Age=600", "Path=/d/", "Secure", "HttpOnly", "SameSite=Lax"]
    badge = Badges(KEY).read("cookie", pair.partition("=")[2], int(time.time()))
    assert 590 < badge.expires_at - time.time() <= 600


@pytest.mark.parametrize("site", ["same-origin", "same-site"])
def test_on_one_site_the_cookie_is_lax(door: Any, site: str) -> None:
    answer = handed(door, introduced(door), **{"Sec-Fetch-Site": site})
    [cookie] = cookies(answer)
    assert cookie.endswith("SameSite=Lax")
    [other] = set(answer.headers.get_list("set-cookie")) - {cookie}
    assert "Max-Age=0" in other
    assert other.endswith("SameSite=None; Partitioned"), "one of the other kind goes"


@pytest.mark.parametrize("site", ["cross-site", "none", ""])
def test_for_other_sites_or_where_the_browser_does_not_say_it_is_partitioned(
    door: Any, site: str
) -> None:
    answer = handed(door, introduced(door), **{"Sec-Fetch-Site": site})
    [cookie] = cookies(answer)
    assert cookie.endswith("SameSite=None; Partitioned")
    assert len(answer.headers.get_list("set-cookie")) == 2


def test_signing_out_drops_both_kinds(door: Any) -> None:
    answer = door.ask("DELETE", CLAIM, headers={"Origin": APP})
    assert answer.status_code == 204
    dropped = answer.headers.get_list("set-cookie")
    assert all(one.startswith(f"{COOKIE.name}=; Max-Age=0; Path=/d/") for one in dropped)
    assert [one.rpartition("HttpOnly; ")[2] for one in dropped] == [
        "SameSite=Lax",
        "SameSite=None; Partitioned",
    ]


# --- once -----------------------------------------------------------------------------------


def test_a_claim_is_good_once(door: Any) -> None:
    claim = introduced(door)
    assert handed(door, claim).status_code == 204
    again = handed(door, claim)
    assert code(again) == (403, "claim.refused")
    assert again.json()["detail"] == "Reason: used."
    assert cookies(again) == []


def test_of_many_that_hand_over_a_claim_at_once_one_gets_a_cookie(door: Any) -> None:
    claim = introduced(door)

    async def rush() -> list[httpx.Response]:
        headers = {"Origin": APP}
        asked = [door.client.post(CLAIM, json={"claim": claim}, headers=headers) for _ in range(25)]
        return await asyncio.gather(*asked)

    answers = door.run(rush())
    assert sorted(answer.status_code for answer in answers) == [204, *[403] * 24]
    assert sum(len(cookies(answer)) for answer in answers) == 1


def test_each_claim_is_another_one(door: Any) -> None:
    assert introduced(door) != introduced(door)


def test_used_claims_are_forgotten_when_they_are_over(door: Any) -> None:
    assert handed(door, introduced(door)).status_code == 204

    def count(connection: Any) -> int:
        return int(connection.execute("SELECT count(*) FROM spent_claim").fetchone()[0])

    assert door.run(door.parts.database.read(count)) == 1
    badge = Badge("B" * 16, ANNA, int(time.time()) - 100)

    def age(connection: Any) -> None:
        connection.execute("UPDATE spent_claim SET until = ?", (int(time.time()) - KEPT - 1,))

    door.run(door.parts.database.write(age))
    assert handed(door, Badges(KEY).issue("claim", badge)).json()["detail"] == "Reason: expired."
    assert handed(door, introduced(door)).status_code == 204
    assert door.run(door.parts.database.read(count)) == 1


def test_a_clock_ahead_of_another_makes_no_used_claim_good_again(door: Any) -> None:
    """A worker that comes late to the database has looked at its clock before."""
    spent, until = Spent(door.parts.database), int(time.time()) + 60
    assert door.run(spent.spend("A" * 16, until, until - 1))
    assert door.run(spent.spend("B" * 16, until + 90, until + 30))
    assert not door.run(spent.spend("A" * 16, until, until - 1))


# --- what is no claim -----------------------------------------------------------------------


def bent(kind: str) -> str:
    now = int(time.time())
    stranger = KeyRing([Key("k9", bytes(32))], "k9")
    other = KeyRing([Key("k1", bytes(32))], "k1")
    good = Badge("B" * 16, ANNA, now + 60)
    return {
        "form": "claim",
        "kid": Badges(stranger).issue("claim", good),
        "signature": Badges(other).issue("claim", good),
        "expired": Badges(KEY).issue("claim", Badge("B" * 16, ANNA, now - 1)),
    }[kind]


@pytest.mark.parametrize("reason", ["form", "kid", "signature", "expired"])
def test_what_is_no_claim_of_ours_is_refused(door: Any, reason: str) -> None:
    answer = handed(door, bent(reason))
    assert code(answer) == (403, "claim.refused")
    assert answer.json()["detail"] == f"Reason: {reason}."
    assert cookies(answer) == []


def test_a_cookie_can_not_be_handed_over_as_a_claim(door: Any) -> None:
    """Else who has a cookie could have it renewed for ever."""
    cookie = kept(handed(door, introduced(door)))["Cookie"].partition("=")[2]
    assert code(handed(door, cookie)) == (403, "claim.refused")


def test_a_claim_is_no_cookie(door: Any) -> None:
    url = door.link("a.txt", audience=ANNA)
    assert door.get(url, {"Cookie": f"{COOKIE.name}={introduced(door)}"}).status_code == 403


def test_a_claim_of_a_revoked_key_is_refused(open_door: Callable[..., Any]) -> None:
    keys = {"keys": {"k1": "5a" * 32, "k2": "6b" * 32}, "active": "k2"}
    door = open_door(viewers={"origins": [APP]}, signing=keys)
    claim = Badges(KEY).issue("claim", Badge("B" * 16, ANNA, int(time.time()) + 60))
    door.run(door.parts.purges.revoke(["k:k1"], by="test", now=time.time()))
    assert handed(door, claim).json()["detail"] == "Reason: kid."


@pytest.mark.parametrize("path", [CLAIM, "/v1/folders/claim"])
def test_another_method_is_told_all_that_the_address_answers(door: Any, path: str) -> None:
    answer = door.get(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, OPTIONS, POST")


# --- revoked viewers ------------------------------------------------------------------------


def test_a_revoked_viewer_is_given_no_claim_and_no_cookie(door: Any) -> None:
    claim = introduced(door)
    door.post("/admin/revoke", {"viewers": [ANNA]})
    assert code(door.post("/v1/viewers", {"viewer": ANNA})) == (403, "viewer.refused")
    assert code(handed(door, claim)) == (403, "viewer.refused")
    assert introduced(door, BEN)


def test_a_reinstated_viewer_needs_a_claim_from_afterwards(door: Any) -> None:
    before = introduced(door)
    door.post("/admin/revoke", {"viewers": [ANNA]})
    door.post("/admin/reinstate", {"viewers": [ANNA]})
    refused = handed(door, before)
    assert (refused.status_code, refused.json()["detail"]) == (403, "Reason: revoked.")
    cookie = kept(handed(door, introduced(door)))
    assert door.get(door.link("a.txt", audience=ANNA), cookie).status_code == 200


# --- pages of other sites -------------------------------------------------------------------

STRANGERS = ["", "null", "https://evil.example", f"{APP}.evil.example", f"{APP}:444", APP.upper()]


@pytest.mark.parametrize("origin", [*STRANGERS, "http://app.example.org", f"{APP}, {APP}"])
def test_no_page_of_another_origin_swaps_a_viewer(door: Any, origin: str) -> None:
    claim = introduced(door, BEN)
    headers = {"Origin": origin} if origin else {}
    for method in ("POST", "DELETE", "OPTIONS"):
        answer = door.ask(method, CLAIM, json={"claim": claim}, headers=headers)
        assert code(answer) == (403, "origin.refused")
        assert "set-cookie" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["vary"] == "Origin"
    assert handed(door, claim).status_code == 204, "nothing was used up"


def test_two_origins_are_none(door: Any) -> None:
    fields = [("Origin", APP), ("Origin", "https://evil.example")]
    answer = door.ask("POST", CLAIM, json={"claim": introduced(door)}, headers=fields)
    assert code(answer) == (403, "origin.refused")


def test_a_form_of_another_site_gets_nowhere(door: Any) -> None:
    form = f'{{"claim": "{introduced(door, BEN)}", "x": "="}}'
    fields = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    assert code(door.ask("POST", CLAIM, content=form, headers=fields)) == (403, "origin.refused")


def test_without_configured_origins_nobody_claims(open_door: Callable[..., Any]) -> None:
    door = open_door()
    claim = str(door.post("/v1/viewers", {"viewer": ANNA}).json()["claim"])
    assert code(handed(door, claim)) == (403, "origin.refused")


def test_the_application_s_page_may_call_and_read_refusals_too(door: Any) -> None:
    asked = {"Origin": APP, "Access-Control-Request-Method": "POST"}
    preflight = door.ask("OPTIONS", CLAIM, headers=asked)
    assert preflight.status_code == 204
    assert {"POST", "DELETE"} <= set(preflight.headers["access-control-allow-methods"].split(", "))
    assert preflight.headers["access-control-allow-headers"] == "Content-Type"
    for answer in (preflight, handed(door, introduced(door)), handed(door, "nonsense")):
        assert answer.headers["access-control-allow-origin"] == APP
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["vary"] == "Origin"


def test_other_routes_know_nothing_of_credentials(door: Any) -> None:
    for path in ("/v1/viewers", "/v1/links"):
        answer = door.post(path, {"viewer": ANNA}, Origin=APP)
        assert "access-control-allow-credentials" not in answer.headers


# --- operators ------------------------------------------------------------------------------


def test_only_operators_with_the_scope_say_who_a_viewer_is(open_door: Callable[..., Any]) -> None:
    digest = "sha256:" + hashlib.sha256(b"purger").hexdigest()
    door = open_door(admin={"token": [{"id": "p", "hash": digest, "scopes": ["purge"]}]})
    assert code(door.post("/v1/viewers", {"viewer": ANNA}, "")) == (401, "token.missing")
    assert code(door.post("/v1/viewers", {"viewer": ANNA}, "stranger")) == (401, "token.missing")
    assert code(door.post("/v1/viewers", {"viewer": ANNA}, "purger")) == (403, "token.refused")


def test_a_token_of_one_zone_makes_viewers_of_that_zone_alone(door: Any) -> None:
    mine = kept(handed(door, introduced(door, token=NARROW)))
    wanted = {"documents": [{"bucket": "samples", "key": "b.txt"}], "audience": ANNA}
    [lab] = door.post("/v1/links", wanted).json()["links"]
    assert door.get(lab["url"], mine).status_code == 200
    assert door.get(door.link("a.txt", audience=ANNA), mine).status_code == 403
    refused = door.post("/v1/viewers", {"viewer": ANNA, "zones": ["clinic"]}, NARROW)
    assert code(refused) == (403, "token.refused")


def test_a_claim_can_be_for_some_zones(door: Any) -> None:
    mine = kept(handed(door, introduced(door, zones=["lab", "lab"])))
    assert door.get(door.link("a.txt", audience=ANNA), mine).status_code == 403
    answer = door.post("/v1/viewers", {"viewer": ANNA, "zones": ["nowhere"]})
    assert code(answer) == (422, "unknown-scope")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"viewer": ""},
        {"viewer": " anna"},
        {"viewer": "\u00e4nna"},
        {"viewer": "a" * 256},
        {"viewer": ANNA, "name": "x" * 101},
        {"viewer": ANNA, "name": "Anna\u202eMeier"},
        {"viewer": ANNA, "name": "Anna\nMeier"},
        {"viewer": ANNA, "zones": "clinic"},
        {"viewer": ANNA, "expires_in": 10**6},
        {"viewer": 7},
    ],
)
def test_what_no_viewer_can_be_is_refused_and_not_repeated(door: Any, body: Any) -> None:
    answer = door.post("/v1/viewers", body)
    assert code(answer) == (422, "body.invalid")
    assert "Meier" not in answer.text


def test_a_name_in_any_letters_is_taken(door: Any) -> None:
    cookie = kept(handed(door, introduced(door, name="\u738b\u5c0f\u660e \u200dM\u00fcller")))
    assert re.fullmatch(r"[!-~]+=[!-~]+", cookie["Cookie"])
    assert door.get(door.link("a.txt", audience=ANNA), cookie).status_code == 200


def test_neither_claim_nor_viewer_reaches_the_log(door: Any) -> None:
    claim = introduced(door, name="Anna Meier")
    cookie = kept(handed(door, claim))
    door.get(door.link("a.txt", audience=ANNA), cookie)
    log = door.lines(4)
    for secret in (claim, cookie["Cookie"].partition("=")[2], ANNA, "Meier"):
        assert secret not in log
