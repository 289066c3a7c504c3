"""What the stand-in does beyond the record: policies, keys, events, resumable uploads, orders."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, MutableMapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import jwt
import pytest

from tests.contract.server import USER_A, USER_B, ContractServer, Question

REPORT = f"{USER_A}/report.pdf"
SIGN = f"/storage/v1/object/sign/documents/{REPORT}"


@pytest.fixture
def server() -> ContractServer:
    server = ContractServer()
    server.put("documents", REPORT, b"%PDF-1.4 report")
    return server


@pytest.fixture
def served(server: ContractServer) -> Iterator[ContractServer]:
    with server:
        yield server


def ask(
    server: ContractServer,
    method: str,
    path: str,
    token: str = "",
    **rest: Any,
) -> httpx.Response:
    """One request in this process, with a user's credentials when a token is given."""

    async def asked() -> httpx.Response:
        fields = {**(server.fields(token) if token else {}), **rest.pop("fields", {})}
        transport = httpx.ASGITransport(app=server.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://contract") as client:
            return await client.request(method, path, headers=fields, **rest)

    return asyncio.run(asked())


def sign(server: ContractServer, token: str, **rest: Any) -> httpx.Response:
    return ask(server, "POST", SIGN, token, json={"expiresIn": 60}, **rest)


def test_a_policy_sees_operation_claims_and_fields(server: ContractServer) -> None:
    seen: list[Question] = []

    def policy(question: Question) -> bool:
        seen.append(question)
        return question.claims.get("clinic") == "north" and "x-ward" in question.fields

    server.policy = policy
    north = server.token(USER_A, {"clinic": "north"})
    assert sign(server, north, fields={"X-Ward": "3"}).status_code == 200
    assert sign(server, north).json()["code"] == "NoSuchKey"
    assert sign(server, server.user_a, fields={"X-Ward": "3"}).json()["code"] == "NoSuchKey"
    many = {"expiresIn": 60, "paths": [REPORT]}
    ask(server, "POST", "/storage/v1/object/sign/documents", north, json=many)
    ask(server, "GET", f"/storage/v1/object/authenticated/documents/{REPORT}", north)
    ask(server, "GET", f"/storage/v1/render/image/authenticated/documents/{REPORT}", north)
    assert [question.operation for question in seen][2:] == [
        "storage.object.sign",
        "storage.object.sign_many",
        "storage.object.get_authenticated",
        "storage.render.image_authenticated",
    ]
    assert (seen[0].action, seen[0].role, seen[0].subject) == ("select", "authenticated", USER_A)
    assert (seen[0].path, seen[0].bucket, seen[0].key) == (
        SIGN.removeprefix("/storage/v1"),
        "documents",
        REPORT,
    )


def test_the_service_role_passes_every_policy(server: ContractServer) -> None:
    server.policy = lambda _: False
    assert sign(server, server.service).status_code == 200
    assert sign(server, server.user_a).status_code == 400


def test_both_users_read_what_is_shared(server: ContractServer) -> None:
    server.put("documents", "shared/plan.pdf", b"plan")
    for token in (server.user_a, server.user_b):
        answer = ask(server, "GET", "/storage/v1/object/documents/shared/plan.pdf", token)
        assert answer.content == b"plan"
    refused = ask(server, "GET", "/storage/v1/object/documents/shared/plan.pdf", server.anon)
    assert refused.json()["code"] == "NoSuchKey"


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_a_token_by_a_published_key_is_taken_until_the_key_is_withdrawn(algorithm: str) -> None:
    server = ContractServer(algorithm=algorithm)
    server.put("documents", REPORT, b"%PDF-")
    token = server.token(USER_A, kid=server.kid)
    found = ask(server, "GET", "/auth/v1/.well-known/jwks.json").json()["keys"]
    assert [(key["kid"], key["alg"]) for key in found] == [(server.kid, algorithm)]
    assert jwt.decode(token, jwt.PyJWK(found[0]), audience="authenticated")["sub"] == USER_A
    assert sign(server, token).status_code == 200
    server.keys.withdraw(server.kid)
    assert sign(server, token).json()["code"] == "AccessDenied"


def test_a_key_is_used_for_its_own_algorithm_only() -> None:
    server = ContractServer(algorithm="RS256")
    claims = {"sub": USER_A, "role": "authenticated"}
    head = {"alg": "none", "kid": server.kid}
    coded = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in (head, claims)
    ]
    assert sign(server, ".".join([*coded, ""])).json()["code"] == "AccessDenied"
    hmac_of_kid = jwt.encode(claims, server.keys.secret, "HS384", headers={"kid": server.kid})
    assert sign(server, hmac_of_kid).json()["code"] == "AccessDenied"


def test_keys_that_are_no_jwts_become_roles_at_the_front_door(server: ContractServer) -> None:
    bucket = "/storage/v1/bucket"
    secret = ask(server, "GET", bucket, fields={"apikey": "sb_secret_contract"})
    assert [row["name"] for row in secret.json()] == ["pub", "documents"]
    assert ask(server, "GET", bucket, fields={"apikey": "sb_publishable_contract"}).json() == []
    both = {"apikey": "sb_publishable_contract", "authorization": f"Bearer {server.user_a}"}
    assert sign(server, "", fields=both).status_code == 200
    assert ask(server, "GET", bucket, fields={"apikey": "sb_secret_other"}).status_code == 401


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "body must have required property 'expiresIn'"),
        ({"expiresIn": "soon"}, "body/expiresIn must be integer"),
        ({"expiresIn": 1.5}, "body/expiresIn must be integer"),
        ({"expiresIn": "0"}, "body/expiresIn must be >= 1"),
        ({"expiresIn": 1, "transform": {"quality": 5}}, "body/transform/quality must be >= 20"),
        (
            {"expiresIn": 1, "transform": {"gravity": "fp"}},
            "body/transform must have required property 'x_offset'",
        ),
    ],
)
def test_a_wrong_order_to_sign_is_told_what_is_wrong(
    server: ContractServer, body: dict[str, Any], message: str
) -> None:
    answer = ask(server, "POST", SIGN, server.user_a, json=body)
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_pages_of_names_end_where_the_names_end(server: ContractServer) -> None:
    for name in ("f/a.pdf", "f/b/c.pdf", "f/b/d.pdf", "f/e.pdf"):
        server.put("pub", name, b"x")
    found, cursor = [], ""
    for _ in range(9):
        order = {"prefix": "f/", "limit": 1, "with_delimiter": True, "cursor": cursor}
        path = "/storage/v1/object/list-v2/pub"
        page = ask(server, "POST", path, server.anon, json=order).json()
        found += [entry["name"] for entry in (*page["folders"], *page["objects"])]
        if not page["hasNext"]:
            break
        cursor = page["nextCursor"]
    assert found == ["f/a.pdf", "f/b/", "f/e.pdf"]


def upload(server: ContractServer, name: str, body: bytes, method: str = "POST") -> httpx.Response:
    path = f"/storage/v1/object/documents/{USER_A}/{name}"
    return ask(server, method, path, server.user_a, content=body)


def told(server: ContractServer, kind: str) -> list[dict[str, Any]]:
    return [event.body for event in server.events.told if event.kind == kind]


def test_every_write_is_told_by_both_webhooks(server: ContractServer) -> None:
    upload(server, "a.txt", b"one")
    upload(server, "a.txt", b"two", "PUT")
    ends = {"bucketId": "documents", "sourceKey": f"{USER_A}/a.txt"}
    for call, name in (("copy", "b.txt"), ("move", "c.txt")):
        order = {**ends, "destinationKey": f"{USER_A}/{name}"}
        ask(server, "POST", f"/storage/v1/object/{call}", server.user_a, json=order)
    gone = {"prefixes": [f"{USER_A}/c.txt"]}
    ask(server, "DELETE", "/storage/v1/object/documents", server.user_a, json=gone)
    assert [body["event"]["type"] for body in told(server, "storage")] == [
        "ObjectCreated:Post",
        "ObjectCreated:Put",
        "ObjectCreated:Copy",
        "ObjectRemoved:Move",
        "ObjectCreated:Move",
        "ObjectRemoved:Delete",
    ]
    rows = told(server, "database")
    assert [row["type"] for row in rows] == ["INSERT", "UPDATE", "INSERT", "UPDATE", "DELETE"]
    moved = rows[3]
    assert moved["old_record"]["name"] == f"{USER_A}/a.txt"
    assert moved["record"]["name"] == f"{USER_A}/c.txt"
    assert moved["record"]["version"] != moved["old_record"]["version"]
    assert moved["record"]["id"] == moved["old_record"]["id"]
    assert rows[4]["record"] is None


def test_purges_are_told_by_the_purge_hook(server: ContractServer) -> None:
    for path in ("/cdn/pub/a.png", "/cdn/pub?transformations=true", "/cdn/"):
        answer = ask(server, "DELETE", f"/storage/v1{path}", server.service)
        assert answer.json() == {"message": "success"}
    change = {"id": "pub", "name": "pub", "public": False}
    ask(server, "PUT", "/storage/v1/bucket/pub", server.service, json=change)
    tenant = {"tenant": {"ref": "stub"}}
    assert told(server, "purge") == [
        {"type": "object", **tenant, "bucketId": "pub", "objectName": "a.png"},
        {"type": "bucket-transforms", **tenant, "bucketId": "pub"},
        {"type": "tenant", **tenant},
        {"type": "bucket", **tenant, "bucketId": "pub"},
    ]
    assert told(server, "database")[-1]["table"] == "buckets"


class Hooks(BaseHTTPRequestHandler):
    """Takes events and keeps path, proof and body."""

    taken: list[tuple[str, str, dict[str, Any]]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        proof = self.headers["authorization"] or self.headers["x-ostiary-secret"]
        self.taken.append((self.path, proof, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def hooks() -> Iterator[HTTPServer]:
    Hooks.taken = []
    hooks = HTTPServer(("127.0.0.1", 0), Hooks)
    thread = threading.Thread(target=hooks.serve_forever, daemon=True)
    thread.start()
    yield hooks
    hooks.shutdown()
    thread.join(5)
    hooks.server_close()


def test_events_go_where_they_are_wanted(server: ContractServer, hooks: HTTPServer) -> None:
    base = f"http://127.0.0.1:{hooks.server_port}/hooks"
    orders = {
        "storage": {"url": f"{base}/storage"},
        "database": {"url": f"{base}/database", "secret": "shared"},
        "purge": {"url": base},
    }
    ask(server, "POST", "/_contract/events", json=orders)
    upload(server, "a.txt", b"one")
    ask(server, "DELETE", "/storage/v1/cdn/pub/a.png", server.service)
    server.events.drain()
    assert [(path, proof) for path, proof, _ in Hooks.taken] == [
        ("/hooks/database", "shared"),
        ("/hooks/storage", "Bearer hook-key"),
        ("/hooks/purge", "Bearer cdn-key"),
    ]
    sent = [body for _, _, body in Hooks.taken]
    assert sent == [event.body for event in server.events.told]
    server.stop()


def test_a_resumable_upload_comes_in_parts(server: ContractServer) -> None:
    name = f"{USER_A}/big.bin"
    metadata = ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}"
        for key, value in (("bucketName", "documents"), ("objectName", name))
    )
    start = {"upload-length": "6", "upload-metadata": metadata, "x-forwarded-host": "cdn.example"}
    path = "/storage/v1/upload/resumable"
    made = ask(server, "POST", path, server.user_a, fields=start)
    assert made.status_code == 201
    assert made.headers["location"].startswith(f"http://cdn.example{path}/")
    place = httpx.URL(made.headers["location"]).path
    part = {"upload-offset": "0"}
    assert ask(server, "PATCH", place, server.user_a, fields=part, content=b"abcd").is_success
    assert ask(server, "HEAD", place, server.user_a).headers["upload-offset"] == "4"
    assert ask(server, "PATCH", place, server.user_a, fields=part).status_code == 409
    assert ask(server, "HEAD", place, server.user_b).status_code == 404
    rest = {"upload-offset": "4"}
    assert ask(server, "PATCH", place, server.user_a, fields=rest, content=b"ef").is_success
    assert server.shelf.find("documents", name).write.body == b"abcdef"
    refused = ask(server, "POST", path, server.user_b, fields=start)
    assert refused.json()["code"] == "AccessDenied"


def test_requests_are_kept_and_can_be_read_from_outside(server: ContractServer) -> None:
    sign(server, server.user_a, fields={"X-Ward": "3"})
    assert server.requests[0].fields["x-ward"] == "3"
    kept = ask(server, "GET", "/_contract/requests").json()
    assert [(one["method"], one["path"]) for one in kept] == [("POST", SIGN)]
    assert json.loads(kept[0]["body"]) == {"expiresIn": 60}
    ask(server, "DELETE", "/_contract/requests")
    assert ask(server, "GET", "/_contract/requests").json() == []


def test_objects_and_buckets_change_by_order_and_in_silence(server: ContractServer) -> None:
    fields = {"content-type": "text/plain", "cache-control": "max-age=9"}
    ask(server, "PUT", "/_contract/objects/pub/a%20b.txt", fields=fields, content=b"ab")
    public = "/storage/v1/object/public/pub/a%20b.txt"
    answer = ask(server, "GET", public)
    assert (answer.content, answer.headers["cache-control"]) == (b"ab", "max-age=9")
    ask(server, "POST", "/_contract/buckets/pub", json={"public": False})
    assert ask(server, "GET", public).json()["code"] == "NoSuchBucket"
    ask(server, "DELETE", "/_contract/objects/pub/a%20b.txt")
    assert not server.shelf.has("pub", "a b.txt")
    assert not server.events.told
    assert ask(server, "POST", "/_contract/nonsense").status_code == 404


def test_faults_happen_as_often_as_ordered(server: ContractServer) -> None:
    ask(server, "POST", "/_contract/faults", json={"status": 503, "path": "/sign/", "times": 2})
    other = f"/storage/v1/object/info/documents/{REPORT}"
    assert ask(server, "GET", other, server.user_a).status_code == 200
    assert [sign(server, server.user_a).status_code for _ in range(3)] == [503, 503, 200]
    server.faults.add(status=500, times=-1)
    assert sign(server, server.user_a).status_code == 500
    ask(server, "DELETE", "/_contract/faults")
    assert sign(server, server.user_a).status_code == 200


def test_a_cut_body_breaks_the_connection(served: ContractServer) -> None:
    served.faults.add(cut=4, path="/authenticated/")
    url = f"{served.url}/storage/v1/object/authenticated/documents/{REPORT}"
    fields = served.fields(served.user_a)
    with httpx.Client() as client, client.stream("GET", url, headers=fields) as answer:
        assert answer.headers["content-length"] == str(len(b"%PDF-1.4 report"))
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()


def test_think_time_is_spent_on_every_call(server: ContractServer) -> None:
    ask(server, "POST", "/_contract/think", json={"milliseconds": 30})
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    server.app.sleep = sleep
    server.faults.add(delay=1.0)
    sign(server, server.user_a)
    sign(server, server.user_a)
    assert slept == [1.03, 0.03]


def test_it_speaks_http_only(server: ContractServer) -> None:
    async def never() -> MutableMapping[str, Any]:
        raise AssertionError

    async def nowhere(_: MutableMapping[str, Any]) -> None:
        raise AssertionError

    with pytest.raises(RuntimeError):
        asyncio.run(server.app({"type": "websocket"}, never, nowhere))


def test_it_runs_as_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "tests.contract.server", "--port", "0", "--algorithm", "ES256"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            card = json.loads(process.stdout.readline())
            fields = {"authorization": f"Bearer {card['service']}"}
            rows = httpx.get(f"{card['url']}/storage/v1/bucket", headers=fields).json()
            assert [row["name"] for row in rows] == ["pub", "documents"]
            assert (
                jwt.decode(card["user_b"], card["jwt_secret"], ["HS256"], audience=card["aud"])[
                    "sub"
                ]
                == USER_B
            )
        finally:
            process.terminate()
