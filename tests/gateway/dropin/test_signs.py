"""Signed URLs: Supabase's yes becomes a link of ours, its no goes to the caller as it is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from gateway.admissions import Admissions
from gateway.dropin.calls import Address
from gateway.dropin.credentials import Credentials
from gateway.dropin.signs import MISSING, Signs
from gateway.errors import CallerRefused, InvalidRequest, UpstreamRefused
from gateway.issuing.storagelinks import StorageIssuer
from gateway.supabase.callers import Callers
from gateway.supabase.decisions import Decisions
from gateway.supabase.keys import Keyring
from gateway.supabase.oracle import Oracle
from gateway.supabase.transforms import Bounds
from gateway.supabase.upstream import Upstream
from tests.contract.pairs import REPORT, SCAN, Pair
from tests.contract.server import USER_A, USER_B
from tests.contract.server.policies import Question

SHARED = "shared/plan.pdf"
SIGN = "/storage/v1/object/sign/documents"


@pytest.fixture
def filled(pair: Pair) -> Pair:
    for key in (REPORT, SCAN, SHARED, f"{USER_A}/a b+c (1).txt"):
        pair.upstream.put("documents", key, f"body of {key}".encode(), "text/plain")
    return pair


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class Desk:
    """Signs of a gateway's own rules, by a clock of the test's."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.clock = Clock()
        self.client = httpx.AsyncClient()
        parts, upstream = pair.door.parts, pair.upstream
        self.decisions = Decisions(self.clock)
        callers = Callers(Keyring(upstream.jwt_secret), clock=self.clock)
        oracle = Oracle(Upstream(self.client, upstream.url), self.decisions)
        issuer = StorageIssuer(parts.rules, parts.ledger)
        zones = dict.fromkeys(("documents", "pub"), parts.rules.zones["clinic"])
        admissions = Admissions(callers, parts.rules.revocations)
        self.signs = Signs(admissions, oracle, issuer, Bounds(), zones)

    def credentials(self, token: str, apikey: str = "") -> Credentials:
        return Credentials(f"Bearer {token}".encode(), (apikey or self.pair.upstream.anon).encode())

    def one(self, token: str, key: str = REPORT, apikey: str = "") -> str:
        address, body = Address("documents", key), json.dumps({"expiresIn": 600}).encode()
        asked = self.signs.one(address, body, self.credentials(token, apikey), int(self.clock()))
        said = self.pair.door.run(asked)
        return str(said["signedURL"])

    def many(self, token: str, *keys: str) -> list[Any]:
        body = json.dumps({"expiresIn": 600, "paths": keys}).encode()
        credentials, now = self.credentials(token), int(self.clock())
        asked = self.signs.many(Address("documents", ""), body, credentials, now)
        said = self.pair.door.run(asked)
        return [line["signedURL"] for line in said]

    def asks(self) -> int:
        return len(self.pair.asked("POST"))


@pytest.fixture
def desk(filled: Pair) -> Iterator[Desk]:
    desk = Desk(filled)
    yield desk
    filled.door.run(desk.client.aclose())


def test_a_url_of_ours_is_relative_and_decoded_and_opens(filled: Pair) -> None:
    key = f"{USER_A}/a b+c (1).txt"
    answer = filled.sign(key, filled.upstream.user_a)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert list(answer.json()) == ["signedURL"]
    url = answer.json()["signedURL"]
    assert url.startswith(f"/object/sign/documents/{key}?token=1.k1.")
    assert "%" not in url
    assert filled.get(url).content == f"body of {key}".encode()


def test_upstreams_own_token_goes_nowhere(filled: Pair) -> None:
    both = (
        filled.sign(REPORT, filled.upstream.user_a),
        filled.sign_many([REPORT, SCAN], filled.upstream.user_a),
    )
    assert all("eyJ" not in answer.text for answer in both)
    assert all(answer.headers["cache-control"] == "no-store" for answer in both)


def test_a_no_is_supabases_and_leaves_no_row(filled: Pair) -> None:
    theirs, ours = filled.upstream.user_b, filled.upstream.user_a
    refused = filled.sign(REPORT, theirs)
    missing = filled.sign(f"{USER_A}/nope", ours)
    for answer in (refused, missing):
        assert answer.status_code == 400
        assert answer.json() == {
            "statusCode": "404",
            "error": "not_found",
            "message": "Object not found",
            "code": "NoSuchKey",
        }
    assert filled.rows() == []


def test_of_many_each_has_its_line_and_one_call_asks_for_all(filled: Pair) -> None:
    keys = [REPORT, f"{USER_A}/nope", SHARED, f"{USER_B}/x", REPORT]
    answer = filled.sign_many(keys, filled.upstream.user_a)
    lines = answer.json()
    assert [line["path"] for line in lines] == keys
    assert [line["error"] for line in lines] == [None, MISSING, None, MISSING, None]
    assert [bool(line["signedURL"]) for line in lines] == [True, False, True, False, True]
    assert lines[0] == lines[4]
    [asked] = filled.asked("POST")
    assert asked.json()["paths"] == keys[:4]
    assert [row["key"] for row in filled.rows()] == [REPORT, SHARED]


def test_many_that_are_all_refused_are_still_an_answer(filled: Pair) -> None:
    answer = filled.sign_many([REPORT, SCAN], filled.upstream.user_b)
    assert answer.status_code == 200
    assert [line["signedURL"] for line in answer.json()] == [None, None]


def test_a_thousand_paths_are_one_call_and_a_thousand_and_one_none(filled: Pair) -> None:
    keys = [f"{USER_A}/{number}" for number in range(1_001)]
    for key in keys:
        filled.upstream.put("documents", key, b"x")
    lines = filled.sign_many(keys[:1000], filled.upstream.user_a).json()
    assert sum(bool(line["signedURL"]) for line in lines) == 1_000
    assert len(filled.asked("POST")) == 1
    refused = filled.sign_many(keys, filled.upstream.user_a)
    assert refused.status_code == 400
    assert len(filled.asked("POST")) == 1


@pytest.mark.parametrize("seconds", ["600", 600, "600.0"])
def test_seconds_may_come_as_text(filled: Pair, seconds: object) -> None:
    url = filled.url(REPORT, filled.upstream.user_a, expiresIn=seconds)
    expires = int(url.split("?token=1.k1.")[1].split(".")[0])
    assert time.time() < expires <= time.time() + 600


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Body is not valid JSON"),
        (b"{", "Body is not valid JSON"),
        (b"[]", "body must be object"),
        (b"{}", "body must have required property 'expiresIn'"),
        (b'{"expiresIn":0}', "body/expiresIn must be >= 1"),
        (b'{"expiresIn":1e400}', "body/expiresIn"),
        (b'{"expiresIn":600,"transform":{"width":-1}}', "body/transform/width must be >= 0"),
        (b'{"expiresIn":600,"transform":[]}', "body/transform must be object"),
    ],
)
def test_a_body_that_can_not_be_is_refused_before_anybody_is_asked(
    filled: Pair, body: bytes, message: str
) -> None:
    answer = filled.ask(
        "POST", f"/object/sign/documents/{REPORT}", filled.upstream.user_a, content=body
    )
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message)
    assert filled.asked() == []


def test_half_a_surrogate_pair_is_told_as_it_came(filled: Pair) -> None:
    """JSON can hold what no text can: such a key has no link, and the answer is still JSON."""
    filled.upstream.policy = lambda question: True
    body = b'{"expiresIn":600,"paths":["\\ud800x","%s"]}' % REPORT.encode()
    answer = filled.ask("POST", "/object/sign/documents", filled.upstream.user_a, content=body)
    assert answer.status_code == 200, answer.text
    lines = json.loads(answer.content)
    assert [line["path"] for line in lines] == ["\ud800x", REPORT]
    assert [bool(line["signedURL"]) for line in lines] == [False, True]


def test_a_transform_makes_a_link_for_that_rendition_alone(filled: Pair) -> None:
    wish = {"width": 200, "height": 100, "resize": "contain", "quality": 50, "format": "origin"}
    url = filled.url(SCAN, filled.upstream.user_a, transform=wish)
    assert url.startswith(f"/render/image/sign/documents/{SCAN}?token=1.k1.")
    assert ".ix-w200-h100-contain-q50-origin." in url
    assert ".ix-p2-w200." in filled.url(
        SCAN, filled.upstream.user_a, transform={"width": 200, "page": 2}
    )
    lines = filled.sign_many([SCAN, REPORT], filled.upstream.user_a, transform=wish).json()
    assert all(line["signedURL"].startswith("/render/image/sign/") for line in lines)
    assert all(".ix-w200-h100-contain-q50-origin." in line["signedURL"] for line in lines)


def test_an_empty_transform_is_none(filled: Pair) -> None:
    assert ".io." in filled.url(REPORT, filled.upstream.user_a, transform={})


def test_users_whom_the_policy_lets_both_share_the_text(filled: Pair) -> None:
    upstream = filled.upstream
    one, two = filled.url(SHARED, upstream.user_a), filled.url(SHARED, upstream.user_b)
    assert one == two, "one text is one copy at every cache"
    actors = [row["actor"] for row in filled.rows()]
    assert actors == [f"viewer:{USER_A}", f"viewer:{USER_B}"]
    assert len(filled.asked("POST")) == 2, "each was judged"


def test_a_key_that_no_link_can_name_gets_supabases_own_url(filled: Pair) -> None:
    """Its name is legal there and too long for a URL of ours: the app still gets one."""
    long = f"{USER_A}/" + "!" * 20 + "&" * 900 + "?" * 60
    odd = f"{USER_A}/" + "?" * 900
    for key in (long, odd):
        filled.upstream.put("documents", key, b"long name", "text/plain")
    url = filled.url(odd, filled.upstream.user_a)
    assert "?token=eyJ" in url
    lines = filled.sign_many([odd, REPORT], filled.upstream.user_a).json()
    assert "?token=eyJ" in lines[0]["signedURL"]
    assert "?token=1." in lines[1]["signedURL"]
    assert filled.url(odd, filled.upstream.user_a).startswith("/object/sign/")


def test_no_link_is_given_that_the_ledger_does_not_hold(filled: Pair) -> None:
    token = filled.upstream.user_a
    filled.fill_disk()
    one, many = filled.sign(REPORT, token), filled.sign_many([REPORT, SCAN], token)
    links = filled.links([REPORT], token)
    for answer in (one, many, links):
        assert answer.status_code == 503
        assert "retry-after" in answer.headers
        assert "token=" not in answer.text
        assert "/d/" not in answer.text


def test_a_yes_is_good_for_thirty_seconds(desk: Desk) -> None:
    token = desk.pair.upstream.user_a
    desk.one(token)
    desk.clock.now += 29
    desk.one(token)
    assert desk.asks() == 1
    desk.clock.now += 2
    desk.one(token)
    assert desk.asks() == 2


def test_a_yes_ends_with_the_token_that_got_it(desk: Desk) -> None:
    claims = {"exp": int(desk.clock()) + 10}
    token = desk.pair.upstream.token(USER_A, claims)
    desk.one(token)
    desk.many(token, REPORT)
    assert desk.asks() == 2
    desk.clock.now += 11
    with pytest.raises(CallerRefused):
        desk.one(token)
    with pytest.raises(CallerRefused):
        desk.many(token, REPORT)
    assert desk.asks() == 2


def test_a_no_is_never_remembered(desk: Desk) -> None:
    upstream = desk.pair.upstream
    for asks in (1, 2):
        with pytest.raises(UpstreamRefused):
            desk.one(upstream.user_b)
        assert desk.asks() == asks
    assert desk.many(upstream.user_b, REPORT, SHARED)[0] is None
    upstream.policy = lambda question: True
    assert desk.one(upstream.user_b)
    assert all(desk.many(upstream.user_b, REPORT, SHARED))


def test_a_yes_is_one_users_one_keys_and_one_operations(desk: Desk) -> None:
    upstream = desk.pair.upstream
    desk.one(upstream.user_a, SHARED)
    assert desk.asks() == 1
    desk.one(upstream.user_b, SHARED)
    desk.one(upstream.token(USER_A, {"iat": 1}), SHARED)
    desk.one(upstream.user_a, SHARED, apikey="sb_publishable_contract")
    desk.many(upstream.user_a, SHARED)
    assert desk.asks() == 5
    desk.one(upstream.user_a, SHARED)
    desk.many(upstream.user_a, SHARED)
    assert desk.asks() == 5


def test_a_change_that_is_told_ends_what_was_allowed(desk: Desk) -> None:
    upstream = desk.pair.upstream
    desk.one(upstream.user_a)
    upstream.policy = lambda question: False
    assert desk.one(upstream.user_a), "within the half minute"
    desk.decisions.forget("documents", REPORT)
    with pytest.raises(UpstreamRefused):
        desk.one(upstream.user_a)


def test_a_policy_by_operation_is_asked_by_the_operation_that_was_used(desk: Desk) -> None:
    def only_many(question: Question) -> bool:
        return question.operation == "storage.object.sign_many"

    upstream = desk.pair.upstream
    upstream.policy = only_many
    assert all(desk.many(upstream.user_a, REPORT, SCAN))
    with pytest.raises(UpstreamRefused):
        desk.one(upstream.user_a)


def test_a_transform_that_can_not_be_is_refused_in_supabases_words(desk: Desk) -> None:
    body = b'{"expiresIn":600,"transform":{"quality":101}}'
    asked = desk.signs.one(
        Address("documents", SCAN), body, desk.credentials(desk.pair.upstream.user_a), 0
    )
    with pytest.raises(InvalidRequest, match="body/transform/quality must be <= 100"):
        desk.pair.door.run(asked)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 502, "body": "<html>bad gateway</html>"},
        {"status": 503},
        {"status": 302, "fields": {"location": "/elsewhere"}},
        {"status": 204},
        {"status": 200, "body": "not json"},
        {"status": 200, "body": "null"},
        {"status": 200, "body": "[]"},
        {"status": 200, "body": '{"signedURL":null}'},
        {"status": 200, "body": '{"signedURL":7}'},
        {"status": 200, "body": '[{"error":null,"path":"x","signedURL":"/x"}]'},
        {"status": 200, "body": "[" * 100_000},
        {"cut": 5},
    ],
)
def test_an_upstream_that_makes_no_sense_gives_no_link(filled: Pair, fault: dict[str, Any]) -> None:
    filled.upstream.faults.add(times=-1, **fault)
    token = filled.upstream.user_a
    for answer in (
        filled.sign(REPORT, token),
        filled.sign_many([REPORT], token),
        filled.sign_many([REPORT, SCAN], token),
        filled.links([REPORT, SCAN], token),
    ):
        assert answer.status_code == 503, answer.text
        assert "token=" not in answer.text
        assert "/d/" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert filled.rows() == []


def test_an_upstream_that_is_gone_gives_no_link(
    open_pair: Callable[..., Pair], spare_port: Any
) -> None:
    gone = open_pair(supabase={"url": f"http://127.0.0.1:{spare_port()}"})
    token = gone.upstream.user_a
    for answer in (
        gone.sign(REPORT, token),
        gone.sign_many([REPORT], token),
        gone.links([REPORT], token),
        gone.get(f"/object/documents/{REPORT}", token),
        gone.get(f"/object/public/pub/{REPORT}"),
    ):
        assert answer.status_code == 503
        assert "retry-after" in answer.headers


def test_what_upstream_says_of_half_a_pair_is_said_again(filled: Pair) -> None:
    body = '{"statusCode":"400","error":"InvalidKey","message":"Invalid key: \\ud800","code":"x"}'
    filled.upstream.faults.add(status=400, body=body)
    answer = filled.sign(REPORT, filled.upstream.user_a)
    assert answer.status_code == 400
    assert json.loads(answer.content)["message"] == "Invalid key: \ud800"
