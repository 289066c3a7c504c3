"""Admin: who may call what, what is refused, and what purges and revocations reach."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from cdn.tags import bucket_tag, zone_tag
from gateway.errors import StoreUnavailable
from gateway.purges import PurgeWorker

A = {"zone": "clinic", "bucket": "documents", "key": "letters/a.txt"}
LAB = {"zone": "lab", "bucket": "samples", "key": "b.txt"}


def _token(name: str, scopes: list[str], zones: tuple[str, ...] = ()) -> dict[str, object]:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {"id": name, "hash": f"sha256:{digest}", "scopes": scopes, "zones": list(zones)}


TOKENS = [
    _token("issuer", ["links"]),
    _token("purger", ["purge"]),
    _token("revoker", ["revoke"]),
    _token("viewer", ["metrics"]),
    _token("labonly", ["links", "purge", "revoke"], ("lab",)),
]
ZONES = {"lab": {"store": "main", "buckets": ["samples"], "cdn": []}}


@pytest.fixture
def door(open_door: Callable[..., Any]) -> Any:
    """Two zones, tokens of every reach, a CDN in front of the first zone."""
    door = open_door(
        admin={"token": TOKENS},
        zones=ZONES,
        clinic={"revocable": ["documents/letters/"]},
        cdn={"edge": {"provider": "null"}},
    )
    door.put("letters/a.txt", b"a")
    door.put("b.txt", b"b", bucket="samples")
    return door


CALLS = {
    "/v1/links": ("issuer", {"documents": [A]}),
    "/admin/purge": ("purger", {"documents": [A]}),
    "/admin/revoke": ("revoker", {"documents": [A]}),
    "/admin/reinstate": ("revoker", {"viewers": ["somebody"]}),
}


@pytest.mark.parametrize("path", CALLS)
def test_a_call_needs_a_known_token_with_its_scope(door: Any, path: str) -> None:
    allowed, body = CALLS[path]
    for token in ("", "unknown"):
        answer = door.post(path, body, token)
        assert (answer.status_code, answer.json()["code"]) == (401, "token.missing")
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "unknown" not in answer.text
    for other in ("issuer", "purger", "revoker", "viewer"):
        status = door.post(path, body, other).status_code
        assert (status < 300) is (other == allowed), other
        assert status in (200, 202, 403)


@pytest.mark.parametrize("path", ["/admin/purge", "/admin/revoke"])
def test_a_token_without_the_scope_does_not_learn_which_buckets_there_are(
    door: Any, path: str
) -> None:
    for body in ({"bucket": "samples"}, {"bucket": "none"}, {"prefix": "none/a/"}, {"wrong": 1}):
        assert door.post(path, body, "viewer").status_code == 403, body


def test_the_status_of_a_purge_and_the_metrics_need_their_scopes(door: Any) -> None:
    for path, allowed in (("/admin/purges/p-0", "purger"), ("/metrics", "viewer")):
        assert door.get(path).status_code == 401
        assert door.get(path, {"Authorization": "Bearer issuer"}).status_code == 403
        status = door.get(path, {"Authorization": f"Bearer {allowed}"}).status_code
        assert status == (404 if "purges" in path else 200)


def test_a_token_of_one_zone_gets_links_there_alone(door: Any) -> None:
    links = door.post("/v1/links", {"documents": [A, LAB]}, "labonly").json()["links"]
    assert links[0]["error"]["code"] == "token.refused"
    assert "url" in links[1]


@pytest.mark.parametrize("path", ["/admin/purge", "/admin/revoke"])
@pytest.mark.parametrize(
    ("body", "reaches"),
    [
        ({"documents": [LAB]}, True),
        ({"documents": [LAB, A]}, False),
        ({"zone": "lab"}, True),
        ({"zone": "clinic"}, False),
        ({"bucket": "samples"}, True),
        ({"bucket": "documents"}, False),
        ({"zone": "lab", "bucket": "documents"}, False),
        ({"zone": "lab", "documents": [A]}, False),
    ],
)
def test_a_token_of_one_zone_takes_back_there_alone(
    door: Any, path: str, body: dict[str, Any], reaches: bool
) -> None:
    answer = door.post(path, body, "labonly")
    assert (answer.status_code < 300) is reaches, answer.text


def test_a_token_of_one_zone_purges_no_tags_and_revokes_no_foreign_prefix(door: Any) -> None:
    assert door.post("/admin/purge", {"tags": ["d-1"]}, "labonly").status_code == 403
    body = {"prefix": "documents/letters/"}
    assert door.post("/admin/revoke", body, "labonly").status_code == 403
    assert door.get(door.link("letters/a.txt")).status_code == 200


@pytest.mark.parametrize("whole", [{"zone": "clinic"}, {"bucket": "documents"}])
@pytest.mark.parametrize(
    ("part", "paths"),
    [
        ({"prefix": "documents/letters/"}, ("/admin/revoke", "/admin/purge")),
        ({"documents": [A]}, ("/admin/revoke", "/admin/purge")),
        ({"viewers": ["jane"]}, ("/admin/revoke",)),
        ({"links": ["0"]}, ("/admin/revoke",)),
        ({"keys": ["k9"]}, ("/admin/revoke",)),
        ({"folder": "documents/letters/"}, ("/admin/purge",)),
        ({"urls": ["/d/"]}, ("/admin/purge",)),
        ({"tags": ["d-1"]}, ("/admin/purge",)),
    ],
)
def test_nobody_loses_a_whole_zone_who_meant_a_part_of_it(
    door: Any, whole: dict[str, Any], part: dict[str, Any], paths: tuple[str, ...]
) -> None:
    url, [name] = door.link("letters/a.txt"), part
    for path in paths:
        answer = door.post(path, {**whole, **part})
        assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid")
        assert f"leave out {next(iter(whole))}, or {name}" in answer.json()["detail"]
    assert door.get(url).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"documents": "a"}',
        b'{"documents": [{"zone": 1, "bucket": "b", "key": "k"}]}',
        b'{"documents": [{"zone": "clinic", "bucket": "documents"}]}',
        b'{"documents": [], "unknown": 1}',
        b'{"documents": [{"zone": "z", "bucket": "b", "key": "\\ud800"}]}',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("path", CALLS)
def test_a_body_that_is_wrong_is_told_where_and_never_what(
    door: Any, path: str, body: bytes
) -> None:
    answer = door.ask(
        "POST", path, content=body, headers={"Authorization": f"Bearer {CALLS[path][0]}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid")
    assert answer.headers["cache-control"] == "no-store"


def test_a_wrong_body_is_not_repeated(door: Any) -> None:
    answer = door.post("/v1/links", {"documents": [{**A, "key": 5, "canary-name": "canary-value"}]})
    assert answer.status_code == 422
    assert "documents.0.key" in answer.text
    assert "canary-value" not in answer.text


def test_a_body_that_is_too_large_is_413(door: Any) -> None:
    answer = door.ask(
        "POST",
        "/v1/links",
        content=b" " * (4 << 20) + b"{}",
        headers={"Authorization": "Bearer issuer"},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body.too-large")


def _purges(door: Any) -> list[tuple[tuple[str, ...], bool]]:
    """Work the outbox off; what the CDN was asked."""
    door.run(PurgeWorker(door.parts.database, door.parts.providers).drain())
    asked = door.parts.providers["edge"].asked
    return [(tuple(purge.tags), purge.soft) for purge in asked]


def test_a_purge_names_documents_buckets_zones_and_tags(door: Any) -> None:
    for body in (
        {"documents": [A]},
        {"bucket": "documents"},
        {"zone": "clinic", "bucket": "documents", "soft": False},
        {"zone": "clinic"},
        {"tags": ["d-0123"]},
    ):
        answer = door.post("/admin/purge", {**body, "reason": "because"})
        assert answer.status_code == 202
        told = answer.json()
        assert (told["state"], told["reason"]) == ("queued", "because")
        assert told["soft"] is body.get("soft", True)
        assert answer.headers["location"] == f"/admin/purges/{told['id']}"
    asked = _purges(door)
    hard = {tag for tags, soft in asked if not soft for tag in tags}
    every = {tag for tags, _ in asked for tag in tags}
    bucket = bucket_tag("clinic", "documents")
    assert hard == {bucket}
    assert every == {door.issue_tag("letters/a.txt"), bucket, zone_tag("clinic"), "d-0123"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tags": ["NO SUCH TAG"]},
        {"bucket": "nobucket"},
        {"zone": "nozone"},
        {"zone": "lab", "bucket": "documents"},
        {"documents": [{**A, "bucket": "samples"}]},
        {"documents": [{**A, "key": ""}]},
        {"documents": [A] * 1_001},
    ],
)
def test_a_purge_of_what_is_not_there_is_refused(door: Any, body: dict[str, Any]) -> None:
    assert door.post("/admin/purge", body).status_code == 422
    if "tags" not in body:  # which revoke does not know
        assert door.post("/admin/revoke", body).status_code == 422


def test_a_purge_shows_the_new_bytes_at_once(door: Any) -> None:
    url = door.link("letters/a.txt")
    assert door.get(url).content == b"a"
    door.put("letters/a.txt", b"new")
    door.post("/admin/purge", {"documents": [A]})
    assert door.get(url).content == b"new", "not a TTL later"


def test_a_caller_who_prefers_to_wait_gets_the_end(door: Any) -> None:
    async def waited() -> Any:
        worker = asyncio.create_task(PurgeWorker(door.parts.database, door.parts.providers).run())
        try:
            return await door.client.request(
                "POST",
                "/admin/purge",
                json={"documents": [A]},
                headers={"Authorization": "Bearer purger", "Prefer": "respond-async, wait=20"},
            )
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    answer = door.run(waited())
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait=20")
    [provider] = answer.json()["providers"]
    assert (provider["provider"], provider["sent"]) == ("edge", 1)
    status = door.get(answer.headers["location"], {"Authorization": "Bearer purger"})
    assert status.json()["id"] == answer.json()["id"]
    assert status.json()["state"] in ("sent", "confirmed")


def test_a_wait_ends_when_its_time_is_over(door: Any) -> None:
    answer = door.post("/admin/purge", {"documents": [A]}, Prefer="wait=0")
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")


@pytest.mark.parametrize(
    "body",
    [
        {"documents": [A]},
        {"bucket": "documents"},
        {"zone": "clinic", "bucket": "documents"},
        {"zone": "clinic"},
        {"prefix": "documents/letters/"},
    ],
)
def test_a_revoked_link_is_gone_with_the_answer(door: Any, body: dict[str, Any]) -> None:
    url = door.link("letters/a.txt")
    lab = door.post("/v1/links", {"documents": [LAB]}).json()["links"][0]["url"]
    assert door.get(url).status_code == 200
    told = door.post("/admin/revoke", body)
    assert (told.status_code, told.json()["soft"]) == (202, False)
    assert (door.get(url).status_code, door.get(lab).status_code) == (410, 200)
    assert _purges(door), "shared caches are told"


def _refused(door: Any, *subjects: str) -> list[bool]:
    revocations = door.parts.rules.revocations
    revocations.fresh()
    return [revocations.refused(subject) for subject in subjects]


def test_a_viewer_is_refused_with_the_answer_and_keeps_the_links_there_are(door: Any) -> None:
    url = door.link("letters/a.txt")
    told = door.post("/admin/revoke", {"viewers": ["jane", "john"]})
    assert (told.status_code, told.json()["state"]) == (200, "confirmed")
    assert (told.json()["reason"], told.json()["providers"]) == ("revoked", [])
    assert _refused(door, "jane", "john", "joe") == [True, True, False]
    assert door.get(url).status_code == 200
    receipt = door.get(told.headers["location"], {"Authorization": "Bearer purger"})
    assert receipt.json() == told.json()


def test_a_reinstated_viewer_is_refused_no_longer(door: Any) -> None:
    door.post("/admin/revoke", {"viewers": ["jane", "john"]})
    told = door.post("/admin/reinstate", {"viewers": ["jane", "joe"]}, "revoker")
    assert (told.status_code, told.json()["reason"]) == (200, "reinstated")
    assert told.json()["asked_by"] == "revoker"
    assert _refused(door, "jane", "john", "joe") == [False, True, False]


def test_a_token_of_one_zone_decides_on_no_viewer(door: Any) -> None:
    door.post("/admin/revoke", {"viewers": ["jane"]})
    assert door.post("/admin/reinstate", {"viewers": ["jane"]}, "labonly").status_code == 403
    assert door.post("/admin/revoke", {"viewers": ["joe"]}, "labonly").status_code == 403
    assert _refused(door, "jane", "joe") == [True, False]


@pytest.mark.parametrize("viewers", [[""], ["a" * 4_097], ["a"] * 1_001, [1], "jane", [None]])
def test_whoever_can_not_be_a_viewer_is_not_taken(door: Any, viewers: object) -> None:
    for path in ("/admin/revoke", "/admin/reinstate"):
        assert door.post(path, {"viewers": viewers}).status_code == 422
    assert door.post("/admin/reinstate", {"viewers": []}).status_code == 422


def test_only_a_declared_prefix_can_be_revoked(door: Any) -> None:
    for prefix in ("documents/", "documents/other/", "documents/letters", "nowhere/x/"):
        assert door.post("/admin/revoke", {"prefix": prefix}).status_code == 422
    assert door.get(door.link("letters/a.txt")).status_code == 200


def test_a_seen_change_is_purged_softly_once(door: Any) -> None:
    url = door.link("letters/a.txt")
    door.get(url)
    door.put("letters/a.txt", b"another")
    door.parts.catalogue.forget_below("clinic")
    for _ in range(3):
        assert door.get(url).content == b"another"
    assert _purges(door) == [((door.issue_tag("letters/a.txt"),), True)]


def test_readiness_follows_stores_and_the_drain(door: Any) -> None:
    assert (door.get("/readyz").status_code, door.get("/livez").text) == (200, "ok\n")
    door.store.fault = StoreUnavailable("secret detail")
    answer = door.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "store main: StoreUnavailable\n")
    door.store.fault = None
    assert door.get("/readyz").status_code == 200
    door.draining.begin()
    answer = door.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "draining\n")
    assert door.get("/livez").status_code == 200


def test_an_admin_port_takes_operations_away_from_the_main_one(
    open_door: Callable[..., Any],
) -> None:
    door = open_door(admin={"port": 9090})
    for path in ("/metrics", "/admin/purge", "/admin/revoke"):
        assert door.get(path).status_code == 404
    assert "ostiary_http_requests" in door.call(door.apps.admin, "GET", "/metrics").text
    assert door.call(door.apps.admin, "POST", "/admin/purge").status_code == 401
    for app in (door.apps.main, door.apps.admin):
        for path in ("/livez", "/readyz"):
            assert door.call(app, "GET", path).status_code == 200
    assert door.call(door.apps.admin, "POST", "/v1/links").status_code == 404
