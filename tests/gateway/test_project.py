"""The Supabase project as the gateway works with it: what is told ends what was allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.pairs import REPORT, SCAN, Pair
from tests.contract.server import USER_A

HOOK = "secret-of-the-hooks"
DOCUMENT = {"zone": "clinic", "bucket": "documents", "key": REPORT}
ROW = {"bucket_id": "documents", "name": REPORT}


@pytest.fixture
def allowed(pair: Pair) -> Pair:
    """Supabase has said yes to a user on every route a moment ago, and would now say no."""
    for key in (REPORT, SCAN):
        pair.upstream.put("documents", key, key.encode(), "text/plain")
        assert every(pair, key) == {200}
    pair.upstream.policy = lambda question: False
    pair.upstream.requests.clear()
    return pair


def every(pair: Pair, key: str) -> set[int]:
    token = pair.upstream.user_a
    [line] = pair.sign_many([key], token).json()
    return {
        pair.sign(key, token).status_code,
        200 if line["signedURL"] else 400,
        pair.get(f"/object/documents/{key}", token).status_code,
        pair.get(f"/object/authenticated/documents/{key}", token).status_code,
    }


def database(pair: Pair) -> Any:
    change = {"type": "UPDATE", "table": "objects", "schema": "storage"}
    body = {**change, "record": ROW, "old_record": ROW}
    return pair.door.ask("POST", "/hooks/database", headers={"x-ostiary-secret": HOOK}, json=body)


def purge_hook(pair: Pair) -> Any:
    body = {"type": "object", "bucketId": "documents", "objectName": REPORT}
    return pair.door.post("/hooks/purge", body, token=HOOK)


def bucket_hook(pair: Pair) -> Any:
    return pair.door.post("/hooks/purge", {"type": "bucket", "bucketId": "documents"}, token=HOOK)


def purge(pair: Pair) -> Any:
    return pair.door.post("/admin/purge", {"documents": [DOCUMENT]})


def revoke(pair: Pair) -> Any:
    return pair.door.post("/admin/revoke", {"documents": [DOCUMENT]})


def write(pair: Pair) -> Any:
    pair.upstream.policy = lambda question: question.action != "select"
    return pair.ask("PUT", f"/object/documents/{REPORT}", pair.upstream.user_a, content=b"new")


def test_a_yes_is_remembered_for_each_who_what_and_how(allowed: Pair) -> None:
    assert every(allowed, REPORT) == {200}
    assert allowed.asked("POST") == []


@pytest.mark.parametrize("told", [database, purge_hook, purge, revoke, write])
def test_a_change_that_is_told_has_supabase_asked_again(
    allowed: Pair, told: Callable[[Pair], Any]
) -> None:
    answer = told(allowed)
    assert answer.status_code < 300, answer.text
    assert every(allowed, REPORT) == {400}
    assert every(allowed, SCAN) == {200}, "another object's yes still holds"


def test_a_bucket_that_is_told_of_is_asked_about_again(allowed: Pair) -> None:
    assert bucket_hook(allowed).status_code < 300
    assert every(allowed, REPORT) == every(allowed, SCAN) == {400}


def test_what_supabase_costs_is_among_the_metrics(allowed: Pair) -> None:
    every(allowed, REPORT)
    text = allowed.door.get("/metrics", {"Authorization": "Bearer operator-token"}).text
    assert 'ostiary_upstream_seconds_count{operation="sign_many",outcome="answered"} 2.0' in text
    assert 'ostiary_decisions_total{result="hit"} 4.0' in text
    assert 'ostiary_decisions_total{result="miss"} 8.0' in text


def test_a_stranger_who_tells_changes_nothing(allowed: Pair) -> None:
    body = {"type": "object", "bucketId": "documents", "objectName": REPORT}
    assert (
        allowed.door.post("/hooks/purge", body, token="another-secret-of-hooks").status_code == 401
    )
    assert every(allowed, REPORT) == {200}


def test_what_is_written_through_the_gateway_is_what_is_read_next(pair: Pair) -> None:
    token, path = pair.upstream.user_a, f"/object/documents/{USER_A}/new.txt"
    fields = {"content-type": "text/plain"}
    assert pair.ask("POST", path, token, content=b"first", headers=fields).status_code == 200
    url = pair.url(f"{USER_A}/new.txt", token)
    assert pair.get(url).content == b"first"
    assert pair.ask("PUT", path, token, content=b"second", headers=fields).status_code == 200
    assert pair.get(url).content == b"second"
    body = {"prefixes": [f"{USER_A}/new.txt"]}
    assert pair.ask("DELETE", "/object/documents", token, json=body).status_code == 200
    assert pair.get(url).json()["code"] == "NoSuchKey"
    assert pair.sign(f"{USER_A}/new.txt", token).status_code == 400


def test_a_gateway_without_a_project_has_no_storage_routes(door: Any) -> None:
    for method, path in (("GET", "/storage/v1/object/documents/a"), ("POST", "/hooks/purge")):
        assert door.ask(method, path).status_code in (401, 404)
