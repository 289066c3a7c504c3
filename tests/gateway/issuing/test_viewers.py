"""Links of `/d/` for users of the Supabase project: what they may sign, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gateway.state.ledger import IssueRow
from tests.contract.pairs import REPORT, SCAN, Pair
from tests.contract.server import USER_A, USER_B
from tests.contract.server.policies import Question

SHARED = "shared/plan.txt"


@pytest.fixture
def filled(pair: Pair) -> Pair:
    for key in (REPORT, SCAN, SHARED):
        pair.upstream.put("documents", key, key.encode(), "text/plain")
    pair.upstream.put("pub", "logo.txt", b"logo", "text/plain")
    return pair


def opened(pair: Pair, answer: dict[str, Any]) -> bytes:
    got = pair.door.get(answer["template"].replace("{rendition}", "original"))
    assert got.status_code == 200, got.text
    return bytes(got.content)


def test_a_user_gets_links_for_what_the_policy_lets_them_sign(filled: Pair) -> None:
    keys = [REPORT, f"{USER_A}/nope", SHARED, f"{USER_B}/x", REPORT]
    answer = filled.links(keys, filled.upstream.user_a)
    assert answer.status_code == 200
    links = answer.json()["links"]
    assert [link["document"]["key"] for link in links] == keys
    assert ["template" in link for link in links] == [True, False, True, False, True]
    assert links[0] == links[4]
    assert [link["error"]["code"] for link in (links[1], links[3])] == ["document.not-found"] * 2
    for place in (0, 2, 4):
        assert opened(filled, links[place]) == keys[place].encode()
    [asked] = filled.asked("POST")
    assert asked.path.endswith("/object/sign/documents")
    assert asked.json()["paths"] == keys[:4]


def test_denied_and_missing_look_alike(filled: Pair) -> None:
    denied, missing = filled.links([REPORT, f"{USER_A}/nope"], filled.upstream.user_b).json()[
        "links"
    ]
    for link in (denied, missing):
        link.pop("document")
    assert denied == missing


def test_each_bucket_is_one_question(filled: Pair) -> None:
    documents = [
        {"bucket": "documents", "key": REPORT},
        {"bucket": "pub", "key": "logo.txt"},
        {"bucket": "documents", "key": SCAN, "zone": "clinic"},
    ]
    answer = filled.door.ask(
        "POST",
        "/v1/links",
        headers=filled.upstream.fields(filled.upstream.user_a),
        json={"documents": documents},
    )
    links = answer.json()["links"]
    assert [opened(filled, link) for link in links] == [REPORT.encode(), b"logo", SCAN.encode()]
    assert sorted(ask.path for ask in filled.asked("POST")) == [
        "/storage/v1/object/sign/documents",
        "/storage/v1/object/sign/pub",
    ]


@pytest.mark.parametrize(
    "document",
    [
        {"bucket": "other", "key": "a"},
        {"bucket": "documents", "key": REPORT, "zone": "elsewhere"},
        {"bucket": "", "key": REPORT},
    ],
)
def test_what_is_not_the_projects_is_nobodys(filled: Pair, document: dict[str, str]) -> None:
    fields = filled.upstream.fields(filled.upstream.user_a)
    answer = filled.door.ask("POST", "/v1/links", headers=fields, json={"documents": [document]})
    [link] = answer.json()["links"]
    assert link["error"]["code"] == "document.not-found"
    assert filled.asked() == []


@pytest.mark.parametrize("key", ["", "..", "a//b", "a\\b", "x" * 1_100])
def test_a_key_that_no_link_can_name_has_none(filled: Pair, key: str) -> None:
    filled.upstream.policy = lambda question: True
    bad, good = filled.links([key, REPORT], filled.upstream.user_a).json()["links"]
    assert "template" not in bad
    assert opened(filled, good) == REPORT.encode()


def test_the_ledger_names_the_user(filled: Pair) -> None:
    filled.links([REPORT, SHARED], filled.upstream.user_a)
    filled.links([SHARED], filled.upstream.user_b)
    assert [(row["actor"], row["key"]) for row in filled.rows()] == [
        (f"viewer:{USER_A}", REPORT),
        (f"viewer:{USER_A}", SHARED),
        (f"viewer:{USER_B}", SHARED),
    ]


def test_users_whom_the_policy_lets_both_share_the_text(filled: Pair) -> None:
    urls = {
        filled.links([SHARED], token).json()["links"][0]["template"]
        for token in (filled.upstream.user_a, filled.upstream.user_b)
    }
    assert len(urls) == 1


def test_it_is_asked_by_the_operation_of_many(filled: Pair) -> None:
    seen: list[str] = []

    def watch(question: Question) -> bool:
        seen.append(question.operation)
        return True

    filled.upstream.policy = watch
    filled.links([REPORT], filled.upstream.user_a)
    assert seen == ["storage.object.sign_many"]


@pytest.mark.parametrize("token", ["", "x.y.z", "not-a-token"])
def test_nobody_gets_none(filled: Pair, token: str) -> None:
    answer = filled.links([REPORT], token)
    assert answer.status_code in (401, 403)
    assert "template" not in answer.text
    assert filled.asked() == []


def test_nobody_is_told_how_to_come_back(filled: Pair) -> None:
    answer = filled.links([REPORT], "")
    assert answer.status_code == 401
    assert "bearer" in answer.headers["www-authenticate"].lower()
    assert answer.headers["access-control-allow-origin"] == "*"


def test_without_a_project_only_operators_get_links(door: Any, stand_in: Any) -> None:
    door.put("a.txt", b"x")
    body = {"documents": [{"bucket": "documents", "key": "a.txt"}]}
    for token in (stand_in.user_a, ""):
        answer = door.post("/v1/links", body, token=token)
        assert answer.status_code == 401
    assert "template" in door.post("/v1/links", body).text


def test_an_operator_is_not_judged_by_policies(filled: Pair) -> None:
    filled.upstream.policy = lambda question: False
    [link] = filled.door.issue(REPORT)
    assert opened(filled, link) == REPORT.encode()
    assert filled.asked("POST") == []


def test_upstreams_no_to_all_is_said_of_each(filled: Pair) -> None:
    body = '{"statusCode":"404","error":"Bucket not found","message":"Bucket not found"}'
    filled.upstream.faults.add(status=400, body=body)
    answer = filled.links([REPORT, SCAN], filled.upstream.user_a)
    assert answer.status_code == 200
    assert all("template" not in link for link in answer.json()["links"])
    assert filled.rows() == []


def test_a_revoked_viewer_gets_nothing_until_reinstated(filled: Pair) -> None:
    """At issue and on what Supabase would be asked about; others are not touched."""
    upstream, door = filled.upstream, filled.door
    before = filled.url(REPORT, upstream.user_a)
    door.post("/admin/revoke", {"viewers": [USER_A]})
    reads = (f"/object/documents/{REPORT}", f"/object/authenticated/documents/{REPORT}")
    upstream.requests.clear()
    refused = [
        filled.sign(REPORT, upstream.user_a),
        filled.sign_many([REPORT], upstream.user_a),
        filled.links([REPORT], upstream.user_a),
        *(filled.get(path, upstream.user_a) for path in reads),
        filled.get(f"/render/image/authenticated/documents/{REPORT}?width=9", upstream.user_a),
    ]
    for answer in refused:
        assert answer.status_code in (400, 403)
        assert "1." not in answer.text.partition("token")[2]
        assert REPORT.encode() not in answer.content
    assert filled.asked() == []
    assert filled.get(before).status_code == 200, "shared links live to their end"
    assert filled.sign(SHARED, upstream.user_b).status_code == 200
    door.post("/admin/reinstate", {"viewers": [USER_A]})
    assert filled.sign(REPORT, upstream.user_a).status_code == 200
    assert filled.links([REPORT], upstream.user_a).status_code == 200
    assert all(filled.get(path, upstream.user_a).status_code == 200 for path in reads)


class Overtaken:
    """A ledger in whose wake the viewer is revoked, before any link of it is given out."""

    def __init__(self, pair: Pair) -> None:
        self._parts = pair.door.parts
        self.rows = list[IssueRow]()

    async def record_issue(self, rows: Sequence[IssueRow]) -> None:
        await self._parts.ledger.record_issue(rows)
        self.rows += rows
        await self._parts.purges.revoke([f"v:{USER_A}"], by="test", now=time.time())


@pytest.mark.parametrize("way", ["links", "sign", "sign_many"])
def test_a_viewer_revoked_while_links_are_written_down_gets_none(filled: Pair, way: str) -> None:
    """The receipt has listed what is in the ledger by then, and could not list these."""
    ledger, project = Overtaken(filled), filled.door.parts.project
    filled.door.parts.issuer._ledger = ledger
    project.storage_issuer._ledger = ledger
    key = REPORT if way == "sign" else [REPORT]
    answer = getattr(filled, way)(key, filled.upstream.user_a)
    assert answer.status_code in (400, 403)
    assert len(ledger.rows) == 1
    assert "1.k1." not in answer.text


def test_a_viewer_is_revoked_by_the_name_in_the_token_when_no_key_is_known(
    open_pair: Callable[..., Pair],
) -> None:
    """In opaque mode Supabase judges the token first; its name is believed only to refuse."""
    pair = open_pair(supabase={"jwt_secret": ""})
    pair.upstream.put("documents", REPORT, b"x", "text/plain")
    assert pair.sign(REPORT, pair.upstream.user_a).status_code == 200
    pair.door.post("/admin/revoke", {"viewers": [USER_A]})
    assert pair.sign(REPORT, pair.upstream.user_a).status_code == 400
    assert pair.links([REPORT], pair.upstream.user_a).status_code == 403


def test_a_user_may_bind_links_to_themselves_and_to_nobody_else(filled: Pair) -> None:
    upstream = filled.upstream
    [link] = filled.links([REPORT], upstream.user_a, audience=USER_A).json()["links"]
    url = link["url"]
    assert filled.door.get(url).status_code == 403
    mine, theirs = (upstream.fields(user) for user in (upstream.user_a, upstream.user_b))
    assert filled.door.get(url, mine).content == REPORT.encode()
    assert filled.door.get(url, theirs).status_code == 403
    assert [row["audience"] for row in filled.rows()] == [USER_A]


@pytest.mark.parametrize("audience", [USER_B, "", "*", USER_A.upper()])
def test_a_user_who_asks_for_another_s_links_gets_none(filled: Pair, audience: str) -> None:
    answer = filled.links([REPORT], filled.upstream.user_a, audience=audience)
    assert (answer.status_code, answer.json()["code"]) == (403, "token.refused")
    assert filled.rows() == []
    assert filled.asked() == [], "nobody was asked for nothing"
