"""The storage routes through a real Varnish: signed URLs are kept, and nothing of one caller's."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.contract.server import USER_A, ContractServer

pytestmark = pytest.mark.engines

BASE = "/storage/v1"
SECRET, HOOKS = "a-secret-between-gateway-and-varnish", "a-secret-of-the-hooks"
FIRST, SECOND = b"first version, " * 2000, b"second version, " * 2100
NUMBERS = itertools.count()


@dataclass
class Front:
    """A gateway before a stand-in, and a client of the Varnish in front of it."""

    upstream: ContractServer
    gateway: Any
    edge: httpx.Client

    def ask(self, method: str, path: str, token: str = "", **options: Any) -> httpx.Response:
        fields = self.upstream.fields(token) if token else {}
        return self.edge.request(method, f"{BASE}{path}", headers=fields, **options)

    def url(self, key: str, **body: object) -> str:
        """The path of a signed URL, asked for through Varnish."""
        path = f"/object/sign/documents/{key}"
        answer = self.ask("POST", path, self.upstream.user_a, json={"expiresIn": 600, **body})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["signedURL"])

    def hits(self, path: str, token: str = "") -> bool:
        return "varnish; hit" in self.ask("GET", path, token).headers["cache-status"]


def eventually(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.fixture(scope="module")
def front(gateway_in: Callable[..., Any], start_varnish: Callable[..., Any]) -> Iterator[Front]:
    with ContractServer() as upstream:
        gateway = gateway_in(
            supabase={
                "url": upstream.url,
                "service_key": upstream.service,
                "jwt_secret": upstream.jwt_secret,
                "webhook_secret": HOOKS,
            },
            stores={"main": {"url": "supabase:"}},
            clinic={"buckets": ["documents", "pub"], "ttl": 300},
        )
        varnish = start_varnish(gateway.port, SECRET)
        text = gateway.config.read_text()
        cdn = f'[cdn.varnish]\nprovider = "varnish"\nurl = "{varnish.url}"\nsecret = "{SECRET}"\n'
        gateway.config.write_text(f"{text}\n{cdn}")
        gateway.start()
        with httpx.Client(base_url=varnish.url, timeout=30) as edge:
            eventually(lambda: edge.get("/livez").status_code == 200, "Varnish finds the gateway")
            yield Front(upstream, gateway, edge)
        gateway.stop()


@pytest.fixture
def key(front: Front) -> str:
    """A document that only this test knows."""
    name = f"{USER_A}/{next(NUMBERS)} a+b (1).txt"
    front.upstream.put("documents", name, FIRST, "text/plain")
    return name


def test_a_signed_url_is_a_hit_the_second_time(front: Front, key: str) -> None:
    url = front.url(key)
    first, second = front.ask("GET", url), front.ask("GET", url)
    assert first.content == second.content == FIRST
    assert "hit" not in first.headers["cache-status"].split("varnish")[-1]
    assert "varnish; hit" in second.headers["cache-status"]
    assert second.headers["cache-control"].startswith("private, no-transform, max-age=")
    assert second.headers["access-control-allow-origin"] == "*"
    for name in ("surrogate-control", "xkey", "via", "x-varnish"):
        assert name not in second.headers


def test_two_users_of_one_document_are_one_copy(front: Front) -> None:
    shared = f"shared/{next(NUMBERS)}.txt"
    front.upstream.put("documents", shared, FIRST, "text/plain")
    paths = []
    for token in (front.upstream.user_a, front.upstream.user_b):
        answer = front.ask(
            "POST", f"/object/sign/documents/{shared}", token, json={"expiresIn": 600}
        )
        paths.append(answer.json()["signedURL"])
    assert paths[0] == paths[1]
    assert not front.hits(paths[0])
    assert front.hits(paths[1])


def test_to_save_and_to_show_are_two_copies(front: Front, key: str) -> None:
    url = front.url(key)
    for query, disposition in (("", "inline"), ("&download=a%20b.txt", "attachment")):
        for _ in range(2):
            answer = front.ask("GET", url + query)
            assert answer.headers["content-disposition"].startswith(disposition)
        assert "varnish; hit" in answer.headers["cache-status"]


def test_what_may_follow_a_token_is_of_the_storage_routes_alone(front: Front) -> None:
    key = f"{USER_A}/{next(NUMBERS)} this&that.txt"
    front.upstream.put("documents", key, FIRST, "text/plain")
    url = front.gateway.link(key)
    assert "this&that" in url, "an ampersand stands for itself in a path"
    assert [front.edge.get(url).status_code for _ in range(2)] == [200, 200]
    assert "varnish; hit" in front.edge.get(url).headers["cache-status"]
    more = front.edge.get(url + "&download=x")
    assert (more.status_code, more.headers["x-cache"]) == (403, "pass")
    url = front.url(key) + "&cacheNonce=7"
    assert not front.hits(url)
    assert front.hits(url)


def test_a_part_and_a_question_are_answered_from_the_copy(front: Front, key: str) -> None:
    url = front.url(key)
    etag = front.ask("GET", url).headers["etag"]
    part = front.edge.get(BASE + url, headers={"range": "bytes=6-12"})
    assert (part.status_code, part.content) == (206, b"version")
    same = front.edge.get(BASE + url, headers={"if-none-match": f"W/{etag}"})
    assert (same.status_code, same.content) == (304, b"")
    head = front.ask("HEAD", url)
    assert (head.status_code, head.content) == (200, b"")
    assert all("varnish; hit" in answer.headers["cache-status"] for answer in (part, same, head))


def test_asking_for_urls_listing_and_writing_pass(front: Front, key: str) -> None:
    token = front.upstream.user_a
    asks: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"/object/sign/documents/{key}", {"json": {"expiresIn": 600}}),
        ("POST", "/object/sign/documents", {"json": {"expiresIn": 600, "paths": [key]}}),
        ("POST", "/object/list/documents", {"json": {"prefix": USER_A}}),
        ("GET", "/bucket", {}),
        ("GET", f"/object/info/documents/{key}", {}),
    ]
    for method, path, options in asks:
        for _ in range(2):
            answer = front.ask(method, path, token, **options)
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-cache"] == "pass"
            assert "no-store" in answer.headers["cache-control"]
    written = front.ask(
        "POST", f"/object/documents/{USER_A}/{next(NUMBERS)}.txt", token, content=b"x"
    )
    assert written.status_code == 200, written.text


@pytest.mark.parametrize(
    "route", ["/object/authenticated/", "/object/", "/render/image/authenticated/"]
)
def test_what_one_caller_may_read_is_never_kept(front: Front, key: str, route: str) -> None:
    path = f"{route}documents/{key}"
    for token in (front.upstream.user_a, front.upstream.user_b, "", front.upstream.user_a):
        answer = front.ask("GET", path, token)
        assert answer.headers["x-cache"] == "pass"
        if token != front.upstream.user_a:
            assert answer.status_code == 400
            assert FIRST not in answer.content


def test_a_public_object_is_kept_as_long_as_supabase_says(front: Front) -> None:
    name = f"{next(NUMBERS)} logo.txt"
    front.upstream.put("pub", name, FIRST, "text/plain", "max-age=120")
    path = f"/object/public/pub/{name}"
    first, second = front.ask("GET", path), front.ask("GET", path)
    assert first.content == second.content == FIRST
    assert "varnish; hit" in second.headers["cache-status"]
    assert "private, max-age=120" in second.headers["cache-control"]
    assert 0 <= int(second.headers["age"]) < 120, "browsers count from when it was fetched"
    known = front.ask("GET", path, front.upstream.user_a)
    assert (known.status_code, known.headers["x-cache"]) == (200, "pass")
    front.upstream.publish("pub", public=False)
    try:
        body = {"type": "bucket", "bucketId": "pub"}
        fields = {"authorization": f"Bearer {HOOKS}"}
        told = front.gateway.client.post("/hooks/purge", json=body, headers=fields)
        assert told.status_code < 300
        eventually(lambda: front.ask("GET", path).status_code == 400, "private at the edge")
        assert "hit" not in front.ask("GET", path).headers["cache-status"]
    finally:
        front.upstream.publish("pub", public=True)
    kept_not = f"{next(NUMBERS)}.txt"
    front.upstream.put("pub", kept_not, FIRST, "text/plain", "no-cache")
    assert not any(front.hits(f"/object/public/pub/{kept_not}") for _ in range(2))


@pytest.mark.parametrize("spoil", ["x", "&token=1.x", "&%74oken=1.x"])
def test_a_token_that_is_not_whole_gets_nothing_from_a_copy(
    front: Front, key: str, spoil: str
) -> None:
    url = front.url(key)
    assert front.ask("GET", url).status_code == 200
    for _ in range(2):
        answer = front.ask("GET", url + spoil)
        assert answer.status_code == 400
        assert "varnish; hit" not in answer.headers["cache-status"]


def test_a_url_of_a_copy_can_be_taken_back(front: Front, key: str) -> None:
    url = front.url(key)
    front.ask("GET", url)
    assert front.hits(url)
    front.gateway.revoke(key)
    eventually(lambda: front.ask("GET", url).status_code == 400, "revoked at the edge")
    assert "taken back" in front.ask("GET", url).json()["message"]
    renewed = front.url(key)
    assert renewed != url
    assert front.ask("GET", renewed).content == FIRST


@pytest.mark.parametrize("hook", ["database", "storage", "purge"])
def test_a_hook_empties_it(front: Front, key: str, hook: str) -> None:
    url = front.url(key)
    front.ask("GET", url)
    assert front.hits(url)
    front.upstream.put("documents", key, SECOND, "text/plain")
    assert front.ask("GET", url).content == FIRST, "kept until somebody tells"
    row = {"bucket_id": "documents", "name": key}
    payload = {"bucketId": "documents", "name": key}
    body = {
        "database": {"type": "UPDATE", "table": "objects", "schema": "storage"}
        | {"record": row, "old_record": row},
        "storage": {"type": "Webhook", "event": {"type": "ObjectCreated:Put", "payload": payload}},
        "purge": {"type": "object", "bucketId": "documents", "objectName": key},
    }[hook]
    fields = {"x-ostiary-secret": HOOKS, "authorization": f"Bearer {HOOKS}"}
    told = front.gateway.client.post(f"/hooks/{hook}", json=body, headers=fields)
    assert told.status_code < 300, told.text
    eventually(lambda: front.ask("GET", url).content == SECOND, "the new version")


def test_a_write_through_the_gateway_empties_it_too(front: Front, key: str) -> None:
    url = front.url(key)
    front.ask("GET", url)
    assert front.hits(url)
    fields = front.upstream.fields(front.upstream.user_a)
    path = f"{BASE}/object/documents/{key}"
    headers = {**fields, "content-type": "text/plain"}
    assert front.edge.put(path, content=SECOND, headers=headers).status_code == 200
    eventually(lambda: front.ask("GET", url).content == SECOND, "the new version")
