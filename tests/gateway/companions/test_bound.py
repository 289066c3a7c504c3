"""Bound links through the whole gateway: their viewer has them, and nobody else by any means."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from gateway.companions.proofs import COOKIE, Viewer
from signing.badges import Badge, Badges
from signing.errors import AudienceRefused
from signing.grants import Grant
from signing.keys import Key, KeyRing
from signing.links import LinkRequest
from signing.storage import StorageLink

APP = "https://app.example.org"
ANNA, BEN = "7c9e6679-7425-40de-944b-e07fc1f90ae7", "0b1f2c3d-0000-4000-8000-000000000002"
SECRET = "a-secret-of-the-project-with-at-least-32-characters"
UNKEPT = "private, no-store"
BODY = bytes(range(256)) * 8
KEY = KeyRing([Key("k1", bytes.fromhex("5a" * 32))], "k1")
SUPABASE = {
    "url": "https://project.example.org",
    "jwt_secret": SECRET,
    "jwt_issuer": "https://project.example.org/auth/v1",
    "jwt_audience": "authenticated",
}


@pytest.fixture
def opened(open_door: Callable[..., Any]) -> Callable[..., Any]:
    """A gateway with a document, whose viewers come from one application."""

    def opened(**tables: Any) -> Any:
        door = open_door(**{"viewers": {"origins": [APP]}, "supabase": SUPABASE, **tables})
        door.put("a.bin", BODY)
        return door

    return opened


@pytest.fixture
def door(opened: Callable[..., Any]) -> Any:
    return opened()


def token(sub: str = ANNA, **changes: Any) -> str:
    claims: dict[str, Any] = {"sub": sub, "role": "authenticated", "exp": int(time.time()) + 600}
    claims |= {"iss": SUPABASE["jwt_issuer"], "aud": SUPABASE["jwt_audience"], **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, SECRET, "HS256")


def bearer(sub: str = ANNA, **changes: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(sub, **changes)}"}


def cookie(viewer: str = ANNA, ring: KeyRing = KEY, **facts: Any) -> dict[str, str]:
    said: dict[str, Any] = {"expires_at": int(time.time()) + 600, **facts}
    badge = Badge("A" * 16, viewer, **said)
    return {"Cookie": f"{COOKIE.name}={Badges(ring).issue('cookie', badge)}"}


def code(answer: Any) -> str:
    return str(answer.json()["code"])


# --- who may --------------------------------------------------------------------------------


@pytest.mark.parametrize("proof", [bearer(), cookie()], ids=["token", "cookie"])
def test_a_viewer_has_what_is_bound_to_them(door: Any, proof: dict[str, str]) -> None:
    answer = door.get(door.link("a.bin", audience=ANNA), proof)
    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["cache-control"].startswith(UNKEPT)


@pytest.mark.parametrize(
    "proof", [{}, bearer(BEN), cookie(BEN)], ids=["nothing", "token", "cookie"]
)
def test_nobody_else_has_it(door: Any, proof: dict[str, str]) -> None:
    answer = door.get(door.link("a.bin", audience=ANNA), proof)
    assert (answer.status_code, code(answer)) == (403, "audience.refused")
    assert answer.headers["cache-control"].startswith("no-store")
    assert ANNA not in answer.text


OTHER = KeyRing([Key("k1", bytes(32))], "k1")
STRANGER = KeyRing([Key("k9", bytes.fromhex("5a" * 32))], "k9")
FORGED = {
    "another key": cookie(ring=OTHER),
    "another kid": cookie(ring=STRANGER),
    "another zone": cookie(zones=("lab",)),
    "expired": cookie(expires_at=int(time.time()) - 1),
    "a claim": {
        "Cookie": f"{COOKIE.name}="
        + Badges(KEY).issue("claim", Badge("A" * 16, ANNA, int(time.time()) + 60))
    },
    "altered": {"Cookie": cookie()["Cookie"][:-1] + "!"},
    "another viewer's signature": {
        "Cookie": cookie()["Cookie"].rpartition(".")[0]
        + "."
        + cookie(BEN)["Cookie"].rpartition(".")[2]
    },
    "another name": {"Cookie": cookie()["Cookie"].replace("__Secure-", "")},
    "empty": {"Cookie": f"{COOKIE.name}="},
    "long": {"Cookie": f"{COOKIE.name}=" + "A" * 8_000},
    "alg none": {"Authorization": "Bearer " + jwt.encode({"sub": ANNA}, "", "none")},
    "expired token": bearer(exp=int(time.time()) - 1),
    "no exp": bearer(exp=None),
    "not yet": bearer(nbf=int(time.time()) + 300),
    "another issuer": bearer(iss="https://other.example.org/auth/v1"),
    "another audience": bearer(aud="anon"),
    "another project": {
        "Authorization": "Bearer "
        + jwt.encode({"sub": ANNA, "exp": 2**33}, "another secret of 32 characters!!", "HS256")
    },
    "no sub": bearer(sub=None),  # type: ignore[arg-type]
    "a publishable key": {"Authorization": "Bearer sb_publishable_abc"},
    "no token": {"Authorization": "Bearer "},
    "the subject alone": {"Authorization": f"Bearer {ANNA}"},
}


@pytest.mark.parametrize("proof", FORGED.values(), ids=FORGED)
def test_what_does_not_hold_proves_nothing(door: Any, proof: dict[str, str]) -> None:
    answer = door.get(door.link("a.bin", audience=ANNA), proof)
    assert (answer.status_code, code(answer)) == (403, "audience.refused")


def test_a_cookie_of_one_zone_proves_nothing_in_another(opened: Callable[..., Any]) -> None:
    lab = {"store": "main", "buckets": ["samples"]}
    door = opened(zones={"lab": lab, "clinic": {"store": "main", "buckets": ["documents"]}})
    door.put("b.bin", BODY, "samples")
    wanted = {"documents": [{"bucket": "samples", "key": "b.bin"}], "audience": ANNA}
    url = door.post("/v1/links", wanted).json()["links"][0]["url"]
    assert door.get(url, cookie(zones=("clinic",))).status_code == 403
    assert door.get(url, cookie(zones=("clinic", "lab"))).status_code == 200
    assert door.get(url, cookie()).status_code == 200


def test_an_audience_is_of_its_zone(opened: Callable[..., Any]) -> None:
    """The same viewer has another name in each zone: one tells nothing of the other."""
    lab = {"store": "main", "buckets": ["samples"]}
    door = opened(zones={"lab": lab, "clinic": {"store": "main", "buckets": ["documents"]}})
    signer = door.parts.rules.signer
    assert signer.audience_of("lab", "k1", ANNA) != signer.audience_of("clinic", "k1", ANNA)


# --- several proofs -------------------------------------------------------------------------


def test_a_token_decides_alone(door: Any) -> None:
    mine, theirs = (door.link("a.bin", audience=who) for who in (ANNA, BEN))
    both = {**bearer(ANNA), **cookie(BEN)}
    assert door.get(mine, both).status_code == 200
    assert door.get(theirs, both).status_code == 403


def test_a_token_that_fails_is_not_made_up_for_by_a_cookie(door: Any) -> None:
    late = bearer(exp=int(time.time()) - 1)
    assert door.get(door.link("a.bin", audience=ANNA), {**late, **cookie()}).status_code == 403


def test_two_tokens_prove_nothing(door: Any) -> None:
    fields = [("Authorization", f"Bearer {token()}"), ("Authorization", f"Bearer {token(BEN)}")]
    url = door.link("a.bin", audience=ANNA)
    assert door.ask("GET", url, headers=fields).status_code == 403


def test_other_schemes_leave_it_to_the_cookie(door: Any) -> None:
    """Such as the password before a site that is not public yet."""
    url = door.link("a.bin", audience=ANNA)
    assert door.get(url, {"Authorization": "Basic YTpi", **cookie()}).status_code == 200
    assert door.get(url, {"Authorization": "Basic YTpi"}).status_code == 403


def test_without_keys_to_read_tokens_with_the_cookie_decides(opened: Callable[..., Any]) -> None:
    door = opened(supabase={})
    url = door.link("a.bin", audience=ANNA)
    assert door.get(url, bearer()).status_code == 403
    assert door.get(url, {**bearer(BEN), **cookie()}).status_code == 200


def test_a_cookie_that_somebody_slipped_in_hides_none(door: Any) -> None:
    mine, theirs = (cookie(who)["Cookie"] for who in (ANNA, BEN))
    url = door.link("a.bin", audience=ANNA)
    for together in (f"{mine}; {theirs}", f"{theirs}; {mine}", f"a=b; {theirs};{mine}"):
        assert door.get(url, {"Cookie": together}).status_code == 200
    fields = [("Cookie", theirs), ("Cookie", mine)]
    assert door.ask("GET", url, headers=fields).status_code == 200


def test_no_more_than_eight_cookies_are_looked_at(door: Any) -> None:
    mine, theirs = (cookie(who)["Cookie"] for who in (ANNA, BEN))
    url = door.link("a.bin", audience=ANNA)
    assert door.get(url, {"Cookie": "; ".join([*[theirs] * 7, mine])}).status_code == 200
    assert door.get(url, {"Cookie": "; ".join([*[theirs] * 8, mine])}).status_code == 403


# --- the order of checks --------------------------------------------------------------------


def test_expired_and_revoked_come_before_the_viewer(door: Any) -> None:
    url = door.link("a.bin", audience=ANNA)
    wanted = {"documents": [{"bucket": "documents", "key": "a.bin"}]}
    door.post("/admin/revoke", wanted)
    assert code(door.get(url)) == "link.revoked"
    assert code(door.get(url, bearer())) == "link.revoked"


def test_the_viewer_comes_before_the_grant_and_the_document(door: Any) -> None:
    url = door.link("a.bin", audience=ANNA, grant="original")
    ungranted = url.replace("/original/", "/w640/")
    assert code(door.get(ungranted)) == "audience.refused"
    assert code(door.get(ungranted, bearer())) == "rendition.refused"


def by_hand(door: Any, key: str, audience: str = ANNA) -> Any:
    """A link to what may not be there."""
    grant = Grant("inline", "all")
    request = LinkRequest("clinic", "documents", key, grant, audience=audience)
    return door.parts.rules.signer.issue(request, int(time.time()))


def test_an_absent_document_is_nobody_s_to_keep_either(door: Any) -> None:
    url = by_hand(door, "absent.bin").target
    assert code(door.get(url)) == "audience.refused"
    answer = door.get(url, bearer())
    assert (answer.status_code, code(answer)) == (404, "document.not-found")
    assert answer.headers["cache-control"].startswith(UNKEPT)


# --- every kind of answer -------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["private", "windowed", "revalidate"])
@pytest.mark.parametrize("provider", ["", "varnish"])
def test_nobody_may_keep_any_answer(opened: Callable[..., Any], mode: str, provider: str) -> None:
    cdn = {"provider": provider, "url": "http://127.0.0.1:9", "secret": "hush"}
    door = opened(clinic={"cache": mode}, **({"cdn": {"edge": cdn}} if provider else {}))
    url, proof = door.link("a.bin", audience=ANNA), bearer()
    whole = door.get(url, proof)
    etag = whole.headers["etag"]
    asked: list[tuple[str, dict[str, str], int]] = [
        ("GET", {}, 200),
        ("GET", {}, 200),
        ("HEAD", {}, 200),
        ("GET", {"Range": "bytes=0-9"}, 206),
        ("GET", {"Range": "bytes=0-9,20-29"}, 206),
        ("GET", {"If-None-Match": etag}, 304),
        ("GET", {"If-Match": '"other"'}, 412),
        ("GET", {"Range": "bytes=9999-"}, 416),
    ]
    for method, fields, status in asked:
        answer = door.ask(method, url, headers={**proof, **fields})
        assert answer.status_code == status
        said = answer.headers["cache-control"]
        assert "no-store" in said, (method, fields)
        assert not re.search("public|max-age|s-maxage", said)
        for name, value in answer.headers.items():
            if name.endswith("cache-control") or name == "surrogate-control":
                assert "no-store" in value, name
        refused = door.ask(method, url, headers=fields)
        assert refused.status_code == 403
        assert "no-store" in refused.headers["cache-control"]


def test_a_hit_from_memory_is_for_the_viewer_alone_as_well(door: Any) -> None:
    assert door.get(door.link("a.bin")).status_code == 200
    url = door.link("a.bin", audience=ANNA)
    assert door.get(url, bearer()).headers["cache-status"] == "ostiary; hit"
    assert door.get(url).status_code == 403


# --- revoking the viewer --------------------------------------------------------------------


@pytest.mark.parametrize("proof", [bearer(), cookie()], ids=["token", "cookie"])
def test_a_revoked_viewer_has_nothing_at_once(door: Any, proof: dict[str, str]) -> None:
    url, free = door.link("a.bin", audience=ANNA), door.link("a.bin")
    assert door.get(url, proof).status_code == 200
    door.post("/admin/revoke", {"viewers": [ANNA]})
    answer = door.get(url, proof)
    assert (answer.status_code, code(answer)) == (403, "viewer.refused")
    assert door.get(free, proof).status_code == 200, "what is bound to nobody lives on"


@pytest.mark.parametrize("times", [1, 2])
def test_a_reinstated_viewer_has_new_links_and_none_of_the_old(door: Any, times: int) -> None:
    links = [door.link("a.bin", audience=ANNA)]
    for _ in range(times):
        door.post("/admin/revoke", {"viewers": [ANNA]})
        door.post("/admin/reinstate", {"viewers": [ANNA]})
        links.append(door.link("a.bin", audience=ANNA))
    assert len(set(links)) == times + 1, "one window, and yet another link"
    *old, new = links
    for url in old:
        for proof in (bearer(), cookie(returns=times)):
            assert code(door.get(url, proof)) == "audience.refused"
    assert door.get(new, bearer()).status_code == 200
    assert door.get(new, cookie(returns=times)).status_code == 200
    assert code(door.get(new, bearer(BEN))) == "audience.refused"


def test_a_cookie_from_before_the_revocation_proves_nothing_afterwards(door: Any) -> None:
    """It may have been copied, and that be the reason."""
    copied = cookie()
    door.post("/admin/revoke", {"viewers": [ANNA]})
    door.post("/admin/reinstate", {"viewers": [ANNA]})
    url = door.link("a.bin", audience=ANNA)
    assert code(door.get(url, copied)) == "audience.refused"
    of_both = {"Cookie": f"{copied['Cookie']}; {cookie(returns=1)['Cookie']}"}
    assert door.get(url, of_both).status_code == 200
    assert door.get(door.link("a.bin", audience=BEN), cookie(BEN)).status_code == 200


def test_an_id_that_ends_in_a_number_is_another_viewer(door: Any) -> None:
    door.post("/admin/revoke", {"viewers": [ANNA]})
    door.post("/admin/reinstate", {"viewers": [ANNA]})
    url = door.link("a.bin", audience=ANNA)
    for other in (f"{ANNA}1", f"{ANNA} 1", f"{ANNA}\\n1"):
        assert code(door.get(url, cookie(other))) == "audience.refused"
    assert "error" in door.issue("a.bin", audience=f"{ANNA}\n1")[0]


def test_nobody_learns_of_a_revocation_who_is_not_the_viewer(door: Any) -> None:
    url = door.link("a.bin", audience=ANNA)
    door.post("/admin/revoke", {"viewers": [ANNA]})
    assert code(door.get(url)) == "audience.refused"
    assert code(door.get(url, bearer(BEN))) == "audience.refused"


def test_a_cookie_of_a_revoked_key_proves_nothing(opened: Callable[..., Any]) -> None:
    keys = {"keys": {"k1": "5a" * 32, "k2": "6b" * 32}, "active": "k2"}
    door = opened(signing=keys)
    url = door.link("a.bin", audience=ANNA)
    assert door.get(url, cookie()).status_code == 200
    door.run(door.parts.purges.revoke(["k:k1"], by="test", now=time.time()))
    assert code(door.get(url, cookie())) == "audience.refused"


# --- issuing --------------------------------------------------------------------------------


def rows(door: Any) -> list[tuple[str, str]]:
    with sqlite3.connect(door.parts.settings.server.database) as connection:
        return connection.execute("SELECT actor, audience FROM issue ORDER BY id").fetchall()


def test_the_ledger_knows_for_whom(door: Any) -> None:
    door.issue("a.bin")
    [bound] = door.issue("a.bin", audience=ANNA)
    assert [audience for _, audience in rows(door)] == ["", ANNA]
    [row] = door.run(door.parts.ledger.for_audience(ANNA))
    assert (row.link_id, row.audience) == (bound["link"], ANNA)
    assert door.run(door.parts.ledger.for_audience(BEN)) == []


def test_a_link_does_not_tell_whom_it_is_for(door: Any) -> None:
    [issued] = door.issue("a.bin", audience=ANNA)
    assert ANNA not in json.dumps(issued)
    log = door.lines(1)
    assert ANNA not in log


def test_equal_calls_give_equal_links_and_each_viewer_another(door: Any) -> None:
    mine = door.link("a.bin", audience=ANNA)
    assert door.link("a.bin", audience=ANNA) == mine
    assert len({mine, door.link("a.bin"), door.link("a.bin", audience=BEN)}) == 3


@pytest.mark.parametrize("audience", ["", " a", "\u00e4", "a" * 256, "a\nb"])
def test_an_audience_that_no_link_can_have_is_each_document_s_error(
    door: Any, audience: str
) -> None:
    [answer] = door.issue("a.bin", audience=audience)
    assert answer["error"]["code"] == "link.unsignable"
    assert answer["error"]["detail"] == "Reason: audience."
    assert rows(door) == []


def test_nothing_is_issued_for_a_revoked_viewer(door: Any) -> None:
    door.post("/admin/revoke", {"viewers": [ANNA]})
    [answer] = door.issue("a.bin", audience=ANNA)
    assert answer["error"]["code"] == "viewer.refused"
    [answer] = door.issue("a.bin", audience=BEN)
    assert answer["url"]


def test_a_sealed_or_pinned_link_can_be_bound_too(opened: Callable[..., Any]) -> None:
    seal = {"keys": {"k1": "5a" * 32}, "seal_key": "7c" * 64}
    door = opened(clinic={"sealed": True}, signing=seal)
    url = door.link("a.bin", audience=ANNA, pinned=True)
    assert "/~/" in url
    assert door.get(url, cookie()).status_code == 200
    assert door.get(url).status_code == 403


def test_pages_of_other_origins_may_send_a_token(opened: Callable[..., Any]) -> None:
    door = opened(clinic={"cors": True})
    url = door.link("a.bin", audience=ANNA)
    answer = door.ask("OPTIONS", url)
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    assert door.get(url, bearer()).headers["access-control-allow-origin"] == "*"


def test_the_storage_routes_open_no_bound_link(door: Any) -> None:
    """Not even one with the right signature: nobody is proved to them."""
    link = by_hand(door, "a.bin")
    stored = StorageLink(*link._replace(rendition="original"))
    assert door.parts.deliverer.gate.admit(stored, Viewer(ANNA))
    with pytest.raises(AudienceRefused):
        door.parts.deliverer.gate.admit(stored)
