"""Whose access is taken back while Supabase thinks gets nothing of what it says then."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import httpx
import pytest

from gateway.state.database import Database
from gateway.state.revocations import revoke, viewer_scope
from tests.contract.pairs import REPORT, SCAN, Pair
from tests.contract.server import USER_A
from tests.contract.server.policies import Question

BODY = b"<what only one of the two may read>"
ODD = f"{USER_A}/" + "?" * 900
"""No link of ours can name it: of many, Supabase is asked for its URL a second time."""


def described(pair: Pair, token: str) -> httpx.Response:
    fields = pair.upstream.fields(token)
    answer = pair.door.ask("GET", f"/v1/documents/clinic/documents/{REPORT}", headers=fields)
    assert isinstance(answer, httpx.Response)
    return answer


Asking = Callable[[Pair, str], httpx.Response]
ASKED: dict[str, tuple[int, Asking]] = {
    "sign": (1, lambda pair, token: pair.sign(REPORT, token)),
    "sign many": (1, lambda pair, token: pair.sign_many([REPORT, SCAN], token)),
    "sign one that has no link": (1, lambda pair, token: pair.sign(ODD, token)),
    "sign many without a link": (2, lambda pair, token: pair.sign_many([REPORT, ODD], token)),
    "links": (1, lambda pair, token: pair.links([REPORT], token)),
    "description": (1, described),
    "read": (1, lambda pair, token: pair.get(f"/object/authenticated/documents/{REPORT}", token)),
    "read bare": (1, lambda pair, token: pair.get(f"/object/documents/{REPORT}", token)),
}


def taken_back(pair: Pair, question: int) -> None:
    """Have another process revoke user A while Supabase thinks about the n-th question."""

    def judge(asked: Question) -> bool:
        if len(pair.asked()) == question:
            with closing(Database.open(pair.door.parts.database.path)) as other:
                other.write_now(lambda connection: revoke(connection, viewer_scope(USER_A), 1.0))
        return True

    pair.upstream.policy = judge


@pytest.mark.parametrize("what", ASKED)
def test_who_is_revoked_meanwhile_gets_nothing(pair: Pair, what: str) -> None:
    question, ask = ASKED[what]
    for key in (REPORT, SCAN, ODD):
        pair.upstream.put("documents", key, BODY, "text/plain")
    pair.upstream.requests.clear()
    taken_back(pair, question)
    answer = ask(pair, pair.upstream.user_a)
    assert answer.status_code in (400, 403), answer.text
    assert len(pair.asked()) == question, "it was refused by what Supabase said"
    for text in ("token=", "/d/", BODY.decode(), "text/plain"):
        assert text not in answer.text


@pytest.mark.parametrize("what", ASKED)
def test_who_is_not_gets_what_supabase_allows(pair: Pair, what: str) -> None:
    question, ask = ASKED[what]
    for key in (REPORT, SCAN, ODD):
        pair.upstream.put("documents", key, BODY, "text/plain")
    pair.upstream.requests.clear()
    taken_back(pair, question)
    answer = ask(pair, pair.upstream.user_b)
    assert answer.status_code == 200, answer.text
    assert any(text in answer.text for text in ("token=", "/d/", BODY.decode(), "text/plain"))
