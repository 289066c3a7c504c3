"""The face of the storage routes: errors in Supabase's form, CORS, and a log that tells nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.dropin.face import LARGEST_MANY, LARGEST_ONE
from tests.contract.pairs import REPORT, Pair
from tests.contract.server import USER_A

OPEN = {"access-control-allow-origin": "*", "access-control-expose-headers": "*"}


@pytest.fixture
def filled(pair: Pair) -> Pair:
    pair.upstream.put("documents", REPORT, b"%PDF-1.4 x")
    pair.upstream.put("pub", "logo.txt", b"logo", "text/plain")
    return pair


def test_a_preflight_is_answered_without_a_look_at_anything(filled: Pair) -> None:
    for path in ("/object/sign/documents", f"/object/documents/{REPORT}", "/bucket", "/nope"):
        answer = filled.ask(
            "OPTIONS",
            path,
            headers={
                "origin": "https://app.example",
                "access-control-request-method": "POST",
                "access-control-request-headers": "authorization,apikey,x-upsert",
            },
        )
        assert (answer.status_code, answer.content) == (204, b"")
        assert OPEN.items() <= dict(answer.headers).items()
        assert answer.headers["access-control-allow-headers"] == "authorization,apikey,x-upsert"
        assert "DELETE" in answer.headers["access-control-allow-methods"]
    assert filled.asked() == []


def test_every_answer_is_open_to_pages_once(filled: Pair) -> None:
    token = filled.upstream.user_a
    for answer in (
        filled.sign(REPORT, token),
        filled.get(filled.url(REPORT, token)),
        filled.get("/object/public/pub/logo.txt"),
        filled.get("/object/public/pub/nope"),
        filled.get("/bucket", token),
        filled.get("/object/sign/documents/x?token=1.x"),
    ):
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]
        assert "access-control-allow-credentials" not in answer.headers


def test_a_zone_with_cors_of_its_own_says_it_once(open_pair: Callable[..., Pair]) -> None:
    pair = open_pair(clinic={"cors": True})
    pair.upstream.put("documents", REPORT, b"x", "text/plain")
    answer = pair.get(pair.url(REPORT, pair.upstream.user_a))
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]


def test_errors_have_supabases_form_and_nobody_keeps_them(filled: Pair) -> None:
    for answer in (
        filled.get("/object/public/pub/nope"),
        filled.get(f"/object/sign/documents/{REPORT}?token=1.x"),
        filled.get(f"/object/authenticated/documents/{REPORT}", "x.y.z"),
    ):
        assert answer.status_code == 400
        assert list(answer.json()) == ["statusCode", "error", "message", "code"]
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-length"] == str(len(answer.content))
        assert answer.headers["x-request-id"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_head_is_told_of_an_error_without_a_body(filled: Pair) -> None:
    answer = filled.ask("HEAD", f"/object/sign/documents/{REPORT}?token=1.x")
    assert (answer.status_code, answer.content) == (400, b"")


def test_a_body_that_is_too_long_is_refused_unread(filled: Pair) -> None:
    token = filled.upstream.user_a
    one = (f"/object/sign/documents/{REPORT}", {"expiresIn": 60}, LARGEST_ONE)
    many = ("/object/sign/documents", {"expiresIn": 60, "paths": [REPORT]}, LARGEST_MANY)
    for path, wanted, largest in (one, many):
        body = json.dumps(wanted).encode().ljust(largest)
        refused = filled.ask("POST", path, token, content=body + b" ")
        assert refused.json()["statusCode"] == "413"
        assert list(refused.json()) == ["statusCode", "error", "message", "code"]
        assert filled.asked() == []
        assert filled.ask("POST", path, token, content=body).status_code == 200
        filled.upstream.requests.clear()


def test_a_bucket_of_no_zone_is_supabases_alone(filled: Pair) -> None:
    filled.upstream.shelf.add_bucket("elsewhere", public=True)
    filled.upstream.put("elsewhere", "a.txt", b"theirs", "text/plain")
    filled.upstream.policy = lambda question: True
    token = filled.upstream.user_a
    public = filled.get("/object/public/elsewhere/a.txt")
    assert (public.content, public.headers["cache-control"]) == (b"theirs", "max-age=3600")
    bare = filled.get("/object/elsewhere/a.txt", token)
    assert (bare.content, bare.headers["cache-control"]) == (b"theirs", "private, no-store")
    assert "?token=eyJ" in filled.sign("a.txt", token, "elsewhere").json()["signedURL"]
    [line] = filled.sign_many(["a.txt"], token, "elsewhere").json()
    assert "?token=eyJ" in line["signedURL"]


def test_who_proves_nothing_is_nobody_on_the_bare_route_as_there(filled: Pair) -> None:
    private = filled.get(f"/object/documents/{REPORT}", "x.y.z")
    assert (private.status_code, private.json()["code"]) == (400, "NoSuchBucket")
    public = filled.get("/object/pub/logo.txt", "x.y.z")
    assert (public.status_code, public.content) == (200, b"logo")
    assert public.headers["cache-control"] == "private, no-cache, no-transform"
    asks = filled.asked()
    assert asks
    assert all("x.y.z" not in str(ask.fields) for ask in asks)


@pytest.mark.parametrize("scheme", ["", "bearer\t", "Token "])
def test_no_spelling_of_a_token_goes_round_what_was_taken_back(filled: Pair, scheme: str) -> None:
    """Supabase reads some that are no Bearer token; a revoked viewer gets nothing by them."""
    filled.door.post("/admin/revoke", {"viewers": [USER_A]})
    filled.upstream.policy = lambda question: True
    fields = {"authorization": scheme + filled.upstream.user_a, "apikey": filled.upstream.anon}
    for route in ("/object/", "/object/authenticated/"):
        answer = filled.ask("GET", f"{route}documents/{REPORT}", headers=fields)
        assert answer.status_code == 400
        assert b"%PDF" not in answer.content
    assert all("authorization" not in ask.fields for ask in filled.asked())


@pytest.mark.parametrize("route", ["/object/%73ign/", "/%6Fbject/sign/"])
def test_no_spelling_of_a_route_gets_a_revoked_viewer_a_link(filled: Pair, route: str) -> None:
    token = filled.upstream.user_a
    filled.door.post("/admin/revoke", {"viewers": [USER_A]})
    answer = filled.ask("POST", f"{route}documents/{REPORT}", token, json={"expiresIn": 60})
    assert answer.json()["code"] == "AccessDenied"
    assert filled.asked() == []


def test_a_bucket_of_another_region_is_not_touched(open_pair: Callable[..., Pair]) -> None:
    abroad = open_pair(clinic={"home": "us"}, server={"region": "eu"})
    abroad.upstream.put("documents", REPORT, b"%PDF-1.4 x")
    token = abroad.upstream.user_a
    for answer in (
        abroad.sign(REPORT, token),
        abroad.sign_many([REPORT], token),
        abroad.get(f"/object/documents/{REPORT}", token),
        abroad.get(f"/object/public/documents/{REPORT}"),
        abroad.get(f"/object/info/documents/{REPORT}", token),
        abroad.get(f"/object/sign/documents/{REPORT}?token=1.x"),
        abroad.get(f"/object/inf%6F/documents/{REPORT}", token),
        abroad.get(f"/%6Fbject/p%75blic/documents/{REPORT}"),
        abroad.ask("POST", f"/object/%73ign/documents/{REPORT}", token, json={"expiresIn": 9}),
        abroad.ask("POST", f"/object/documents/{REPORT}", token, content=b"x"),
    ):
        assert answer.json()["statusCode"] == "451"
    assert abroad.asked() == []


def test_a_mistake_of_ours_tells_nothing(filled: Pair) -> None:
    filled.door.parts.database.close()
    answer = filled.sign(REPORT, filled.upstream.user_a)
    assert answer.status_code in (500, 503)
    assert set(answer.json()) == {"statusCode", "error", "message", "code"}
    assert REPORT not in answer.text
    assert "Traceback" not in answer.text


def test_links_given_and_refused_are_counted(filled: Pair) -> None:
    token = filled.upstream.user_a
    filled.sign_many([REPORT, f"{USER_A}/nope"], token)
    filled.sign(REPORT, token)
    text = filled.door.get("/metrics", {"Authorization": "Bearer operator-token"}).text
    lines = [line for line in text.splitlines() if line.startswith("ostiary_links_issued_total")]
    counts = {line.split('"')[1]: float(line.split()[-1]) for line in lines}
    assert counts == {"issued": 2.0, "refused": 1.0}, text


def test_the_log_tells_each_request_and_no_secret(filled: Pair) -> None:
    upstream = filled.upstream
    name = f"{USER_A}/canary-name.txt"
    upstream.put("documents", name, b"canary-body", "text/plain")
    url = filled.url(name, upstream.user_a)
    filled.sign_many([name, f"{USER_A}/canary-none"], upstream.user_a)
    filled.get(url + "&download=canary-saved.txt")
    filled.get(url[:-1] + "~")
    filled.get(f"/object/sign/documents/{name}?token=eyJ.canary.token")
    for route in ("/object/", "/object/authenticated/", "/render/image/authenticated/"):
        filled.get(f"{route}documents/{name}?canary=canary", upstream.user_a)
        filled.get(f"{route}documents/{name}", upstream.user_b)
        filled.get(f"{route}documents/{name}", "canary.canary.canary")
    filled.get(f"/object/public/pub/{name}")
    filled.get(f"/object/info/documents/{name}", upstream.user_a)
    filled.links([name], upstream.user_a)
    filled.ask("POST", "/object/list/documents", upstream.user_a, json={"prefix": "canary"})
    filled.upstream.faults.add(status=500, body="canary", times=1)
    filled.sign(f"{USER_A}/canary-other", upstream.user_a)
    text = filled.door.lines(19)
    assert "canary" not in text
    for secret in (
        *(upstream.user_a, upstream.user_b, upstream.anon, upstream.service),
        *(url.rpartition(".")[2], USER_A, upstream.jwt_secret),
    ):
        assert secret not in text
    routes = {line.get("route") for line in map(json.loads, text.splitlines())}
    assert {
        *("storage.sign", "storage.signed.object", "storage.bare.object", "storage.pass"),
        *("storage.authenticated.object", "storage.authenticated.render"),
        *("storage.public.object", "v1.links"),
    } <= routes


def test_who_leaves_before_the_body_is_whole_is_told_so(filled: Pair) -> None:
    """A client that is gone gets an answer nobody reads; nothing is asked and nothing breaks."""

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    path = f"/storage/v1/object/sign/documents/{REPORT}".encode()
    scope = {
        "type": "http",
        "method": "POST",
        "raw_path": path,
        "path": path.decode(),
        "query_string": b"",
        "headers": [],
        "scheme": "http",
        "client": ("127.0.0.1", 1),
    }
    filled.door.run(filled.door.apps.main(scope, gone, send))
    assert sent[0]["status"] == 400
    assert filled.asked() == []


def test_a_closed_zone_is_read_and_written_through_its_cdn_alone(
    open_pair: Callable[..., Pair],
) -> None:
    cdn = {"edge": {"provider": "null", "shield": ["newest", "older"]}}
    pair = open_pair(cdn=cdn, clinic={"pull": "cdn", "buckets": ["documents"]})
    pair.upstream.put("documents", REPORT, b"%PDF-1.4 x")
    token, shield = pair.upstream.user_a, {"Ostiary-Shield": "older"}
    signed = pair.ask(
        "POST", f"/object/sign/documents/{REPORT}", token, json={"expiresIn": 60}, headers=shield
    )
    url = signed.json()["signedURL"]
    asked = len(pair.asked())
    routes = [
        ("GET", url),
        ("HEAD", url),
        ("GET", f"/object/documents/{REPORT}"),
        ("GET", f"/object/documents/{REPORT}".replace("documents", "%64ocuments")),
        ("GET", f"/object/authenticated/documents/{REPORT}"),
        ("GET", f"/render/image/authenticated/documents/{REPORT}"),
        ("POST", f"/object/sign/documents/{REPORT}"),
        ("POST", f"/object/documents/{REPORT}"),
        ("GET", f"/object/info/documents/{REPORT}"),
        ("POST", "/object/list/documents"),
        ("GET", f"/s3/documents/{REPORT}"),
        ("OPTIONS", f"/object/documents/{REPORT}"),
    ]
    for shown in ("", "newes", "newest, older"):
        refused = [
            pair.ask(method, path, token, headers={"Ostiary-Shield": shown})
            for method, path in routes
        ]
        assert {one.status_code for one in refused} == {403}
        assert {one.headers["cache-control"] for one in refused} == {"no-store"}
        bodies = {one.content for one in refused} - {b""}
        assert [json.loads(body)["code"] for body in bodies] == ["AccessDenied"]
    assert len(pair.asked()) == asked
    for method, path in routes[:3]:
        assert pair.ask(method, path, token, headers=shield).status_code == 200


def test_a_bucket_of_no_closed_zone_is_passed_on_as_before(open_pair: Callable[..., Pair]) -> None:
    cdn = {"edge": {"provider": "null", "shield": ["newest"]}}
    pair = open_pair(cdn=cdn, clinic={"pull": "cdn", "buckets": ["documents"]})
    pair.upstream.put("pub", "logo.txt", b"logo", "text/plain")
    assert pair.get("/object/public/pub/logo.txt").content == b"logo"
    assert pair.get("/bucket", pair.upstream.user_a).status_code == 200
