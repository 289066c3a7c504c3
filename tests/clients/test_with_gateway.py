"""withGateway, with the real clients, at a server that answers as POST /v1/links does."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.engines

MISSING = {"name": "LinkRefused", "status": 404, "code": "document.not-found"}


@pytest.fixture(scope="module")
def told(node: Any) -> Any:
    return node.told("links_asked.mjs")


def test_the_call_is_made_with_the_clients_credentials(told: Any) -> None:
    [call] = told["one"]["calls"]
    assert call == {
        "method": "POST",
        "path": "/v1/links",
        "authorization": "Bearer user",
        "apikey": "anon",
        "asked": {
            "documents": [{"bucket": "b", "key": "a.pdf"}],
            "grant": "all",
            "disposition": "inline",
        },
    }


def test_a_zone_is_named_where_the_app_names_it(told: Any) -> None:
    [call] = told["zoned"]["calls"]
    assert call["asked"]["documents"] == [{"zone": "clinic", "bucket": "b", "key": "a.pdf"}]


def test_what_is_asked_for_at_one_moment_is_one_call(told: Any) -> None:
    [call] = told["views"]["calls"]
    assert [one["key"] for one in call["asked"]["documents"]] == ["a.pdf", "c.pdf"]
    assert told["views"]["outcome"] == [
        "https://cdn/d/original/z/b/-/a.pdf?t=1",
        "https://cdn/d/w640-webp/z/b/-/a.pdf?t=1",
        "https://cdn/d/thumb/z/b/-/c.pdf?t=1",
    ]


def test_other_wishes_are_other_calls(told: Any) -> None:
    asked = [call["asked"] for call in told["wishes"]["calls"]]
    wishes = sorted((one["grant"], one["disposition"], one.get("expires_in")) for one in asked)
    assert wishes == [
        ("all", "download", 60),
        ("all", "inline", None),
        ("previews", "inline", None),
    ]


def test_no_call_names_more_documents_than_the_gateway_takes(told: Any) -> None:
    assert sorted(told["sizes"]) == [1, 1_000]
    assert told["many"]["outcome"] is True


def test_a_refused_document_spoils_no_other_and_is_asked_for_again(told: Any) -> None:
    outcome = told["refused"]["outcome"]
    assert outcome["good"]["url"]
    assert outcome["none"] == {"path": "none", "url": None, "error": MISSING}
    assert outcome["thrown"] == MISSING
    assert len(told["refused"]["calls"]) == 2


def test_a_refused_call_is_told_to_all_who_asked_and_forgotten(told: Any) -> None:
    outcome = told["broken"]["outcome"]
    refusal = {"name": "LinkRefused", "status": 401, "code": "token.refused"}
    assert outcome["refusals"] == [refusal, refusal]
    assert outcome["after"]


@pytest.mark.parametrize("scene", ["remembered", "gateway behind", "gateway ahead"])
def test_an_answer_is_kept_until_it_is_to_be_renewed_by_the_gateways_clock(
    told: Any, scene: str
) -> None:
    outcome = told[scene]["outcome"]
    assert (outcome["kept"], outcome["renewed"]) == (True, False)
    assert len(told[scene]["calls"]) == 2
    assert outcome.get("rest", 80) in range(78, 82)


def test_an_app_can_have_all_forgotten(told: Any) -> None:
    assert told["forgotten"]["outcome"] == 2


def test_supabase_js_asks_as_its_user_and_forgets_when_that_changes(told: Any) -> None:
    assert told["session"] == [
        {"authorization": "Bearer session", "apikey": "anon"},
        {"authorization": "Bearer anon", "apikey": "anon"},
    ]


def test_a_client_of_another_auth_server_is_served_too(told: Any) -> None:
    assert told["lent"] == [{"authorization": "Bearer lent", "apikey": "anon"}]
