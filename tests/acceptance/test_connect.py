"""From a Supabase project to links that the gateway gives, by the commands that a reader types."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.server import USER_A, ContractServer

ROOT = Path(__file__).parents[2]
KEY = f"{USER_A}/a report.txt"
BODY = b"the report"


@pytest.fixture(scope="module")
def server() -> Iterator[ContractServer]:
    with ContractServer(algorithm="ES256") as server:
        server.put("documents", KEY, BODY, "text/plain")
        server.put("pub", "logo.txt", b"logo", "text/plain", "max-age=600")
        yield server


def ostiary(server: ContractServer, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of a reader who keeps the keys in the environment."""
    return subprocess.run(
        [sys.executable, "-m", "gateway", *words],
        env={
            "PATH": os.environ["PATH"],
            "SUPABASE_SECRET_KEY": "sb_secret_contract",
            "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_contract",
            "SUPABASE_JWT_SECRET": server.jwt_secret,
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def connected(server: ContractServer, gateway_in: Callable[..., Any]) -> Any:
    """A gateway that runs by what `ostiary connect` wrote; `said` is what that told."""
    gateway = gateway_in()
    words = ["--supabase-url", server.url, "--config", str(gateway.config), "--json", "--force"]
    done = ostiary(server, "connect", *words)
    assert done.returncode == 0, done.stderr
    gateway.said = json.loads(done.stdout)
    assert gateway.config.stat().st_mode & 0o777 == 0o600
    # Only the port has to be one that nobody listens on.
    text = gateway.config.read_text().replace("port = 8080", f"port = {gateway.port}")
    gateway.config.write_text(text)
    gateway.secrets |= {"sb_secret_contract", server.jwt_secret, KEY, gateway.said["token"]}
    return gateway.start()


def test_every_check_is_well(connected: Any) -> None:
    assert [check for check in connected.said["checks"] if check["state"] != "ok"] == []


def test_an_app_gets_signed_urls_that_the_gateway_made(
    connected: Any, server: ContractServer
) -> None:
    token = server.token(USER_A, kid=server.kid)
    fields = {"authorization": f"Bearer {token}", "apikey": "sb_publishable_contract"}
    path = f"/storage/v1/object/sign/documents/{KEY}"
    answer = connected.client.post(path, json={"expiresIn": 600}, headers=fields)
    assert answer.status_code == 200, answer.text
    url = answer.json()["signedURL"]
    assert "?token=1." in url
    read = connected.client.get(f"/storage/v1{url}")
    assert (read.status_code, read.content) == (200, BODY)
    assert read.headers["cdn-cache-control"] == "no-store"


def test_a_public_document_may_be_kept_by_everybody(connected: Any) -> None:
    read = connected.client.get("/storage/v1/object/public/pub/logo.txt")
    assert (read.status_code, read.content) == (200, b"logo")
    assert read.headers["cdn-cache-control"] == "max-age=600, must-revalidate"


def test_a_denied_user_gets_none(connected: Any, server: ContractServer) -> None:
    path = f"/storage/v1/object/sign/documents/{KEY}"
    fields = server.fields(server.user_b)
    answer = connected.client.post(path, json={"expiresIn": 600}, headers=fields)
    assert answer.status_code == 400


def test_the_operators_token_works_once_it_was_told(connected: Any) -> None:
    fields = {"authorization": f"Bearer {connected.said['token']}"}
    document = {"zone": "documents", "bucket": "documents", "key": KEY}
    answer = connected.client.post("/v1/links", json={"documents": [document]}, headers=fields)
    assert answer.status_code == 200, answer.text
    assert httpx.get(answer.json()["links"][0]["url"]).content == BODY


def test_the_doctor_repeats_the_checks_and_hears_of_hooks(
    connected: Any, server: ContractServer
) -> None:
    done = ostiary(server, "doctor", "--config", str(connected.config), "--json")
    found = {one["name"]: one for one in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert found["supabase service key"]["state"] == "ok"
    assert "no hook came" in found["supabase events"]["what"]

    secret = connected.config.read_text().partition('webhook_secret = "')[2].partition('"')[0]
    connected.secrets.add(secret)
    server.events.send_database(f"{connected.url}/hooks/database", secret)
    httpx.delete(
        f"{server.url}/storage/v1/object/pub/logo.txt", headers=server.fields(server.service)
    )
    server.events.drain()
    done = ostiary(server, "doctor", "--config", str(connected.config), "--json")
    found = {one["name"]: one for one in json.loads(done.stdout)}
    assert found["supabase events"]["state"] == "ok"
