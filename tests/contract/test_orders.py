"""What tests can order of the stand-in, and read from it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx
import jwt
import pytest

from tests.contract.asking import REPORT, SIGN, ask, sign
from tests.contract.server import USER_B, ContractServer


@pytest.fixture
def server() -> ContractServer:
    server = ContractServer()
    server.put("documents", REPORT, b"%PDF-1.4 report")
    return server


@pytest.fixture
def served(server: ContractServer) -> Iterator[ContractServer]:
    with server:
        yield server


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
