"""Proofs: what comes when the keys of tokens can not be read, and who is told first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.companions.proofs import NOBODY, Viewer, named

ANNA = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
# A header that names an ES256 key; nothing of it can be verified without the published keys.
TOKEN = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30.AAAA"


@pytest.fixture
def door(open_door: Callable[..., Any]) -> Any:
    """A gateway whose project publishes its keys where nobody answers."""
    jwks = "http://127.0.0.1:9/jwks.json"
    door = open_door(supabase={"url": "https://project.example.org", "jwks_url": jwks})
    door.put("a.txt", b"for Anna")
    return door


def asked(door: Any, url: str) -> httpx.Response:
    answer = door.get(url, {"Authorization": f"Bearer {TOKEN}"})
    assert isinstance(answer, httpx.Response)
    return answer


def test_while_keys_can_not_be_read_nobody_is_proved_and_nobody_refused(door: Any) -> None:
    answer = asked(door, door.link("a.txt", audience=ANNA))
    assert (answer.status_code, answer.json()["code"]) == (503, "keys.unavailable")
    assert "retry-after" in answer.headers


def test_a_revoked_link_is_told_of_without_the_keys(door: Any) -> None:
    url = door.link("a.txt", audience=ANNA)
    wanted = {"bucket": "documents", "key": "a.txt"}
    door.post("/admin/revoke", {"documents": [wanted]})
    assert asked(door, url).json()["code"] == "link.revoked"


def test_links_for_everybody_ask_for_no_keys(door: Any) -> None:
    assert asked(door, door.link("a.txt")).status_code == 200


def test_a_name_that_can_not_be_shown_gives_way_to_the_id() -> None:
    assert named("anna", "Anna") == Viewer("anna", "Anna")
    assert named("anna", "A\u202ena") == named("anna", "x" * 101) == Viewer("anna")
    assert not NOBODY.known
