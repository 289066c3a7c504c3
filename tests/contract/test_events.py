"""Uploads, and what the stand-in tells others of them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from tests.contract.asking import REPORT, ask
from tests.contract.server import USER_A, ContractServer


@pytest.fixture
def server() -> ContractServer:
    server = ContractServer()
    server.put("documents", REPORT, b"%PDF-1.4 report")
    return server


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
