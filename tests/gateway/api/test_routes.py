"""The API for applications, asked from pages of any origin."""

from __future__ import annotations

from tests.contract.pairs import REPORT, Pair


def test_a_page_may_ask_for_links(pair: Pair) -> None:
    answer = pair.door.ask(
        "OPTIONS",
        "/v1/links",
        headers={
            "origin": "https://app.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,apikey,content-type",
        },
    )
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "POST, OPTIONS"
    assert answer.headers["access-control-allow-headers"] == "authorization,apikey,content-type"
    assert "access-control-allow-credentials" not in answer.headers


def test_a_page_may_read_the_links_and_the_refusals(pair: Pair) -> None:
    pair.upstream.put("documents", REPORT, b"x", "text/plain")
    for token in (pair.upstream.user_a, pair.upstream.user_b, "x.y.z", ""):
        answer = pair.links([REPORT], token)
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]
        assert answer.headers["cache-control"] == "no-store"


def test_an_operators_token_is_one_and_a_users_is_another(pair: Pair) -> None:
    pair.upstream.put("documents", REPORT, b"x", "text/plain")
    assert "template" in str(pair.door.issue(REPORT))
    assert [row["actor"][:6] for row in pair.rows()] == ["token-"]
    pair.links([REPORT], pair.upstream.user_a)
    assert [row["actor"][:6] for row in pair.rows()] == ["token-", "viewer"]


def test_links_are_counted_for_users_too(pair: Pair) -> None:
    pair.upstream.put("documents", REPORT, b"x", "text/plain")
    pair.links([REPORT, "nope"], pair.upstream.user_a)
    text = pair.door.get("/metrics", {"Authorization": "Bearer operator-token"}).text
    lines = [line for line in text.splitlines() if line.startswith("ostiary_links_issued_total")]
    assert [line.split()[-1] for line in lines] == ["1.0", "1.0"]


def test_the_description_is_served(pair: Pair) -> None:
    answer = pair.door.get("/v1/openapi.json")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json"
    assert "/v1/links" in answer.json()["paths"]


def test_two_credentials_of_one_kind_are_nobodys(pair: Pair) -> None:
    pair.upstream.put("documents", REPORT, b"x", "text/plain")
    mine, theirs = (f"Bearer {token}" for token in (pair.upstream.user_a, pair.upstream.user_b))
    for fields in (
        [("authorization", mine), ("authorization", theirs)],
        [("authorization", mine), ("apikey", "a"), ("apikey", "b")],
    ):
        answer = pair.door.ask(
            "POST",
            "/v1/links",
            headers=fields,
            json={"documents": [{"bucket": "documents", "key": REPORT}]},
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "caller.refused")
    assert pair.rows() == []
