"""Hooks: only who knows the secret is heard, and is answered when the purge is on the disk."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.routing import Router

from cdn.tags import bucket_tag, document_tag
from gateway.api.hooks import LARGEST_BODY, Hooks
from gateway.edge import Edge
from gateway.hints import Hints
from gateway.state.database import Database
from gateway.telemetry import LineWriter, Telemetry

SECRET = "hook-secret-of-the-tests"
PATHS = ["/hooks/database", "/hooks/storage", "/hooks/purge"]
BUCKETS = {"documents": "clinic"}
ROW = {"bucket_id": "documents", "name": "a.txt", "version": "1"}
EVENTS: dict[str, dict[str, Any]] = {
    "/hooks/database": {
        "type": "DELETE",
        "schema": "storage",
        "table": "objects",
        "record": None,
        "old_record": ROW,
    },
    "/hooks/storage": {
        "type": "Webhook",
        "event": {
            "type": "ObjectRemoved:Delete",
            "payload": {"bucketId": "documents", "name": "a.txt"},
        },
    },
    "/hooks/purge": {"type": "object", "bucketId": "documents", "objectName": "a.txt"},
}


class Porch:
    """A gateway whose hooks are called, with a CDN that keeps what it was asked."""

    def __init__(self, door: Any, secret: str = SECRET) -> None:
        self.door = door
        parts, fresh = door.parts, door.parts.rules.revocations.fresh
        self.stream = door.log.open("ab", buffering=0)
        self.telemetry = Telemetry("", LineWriter(self.stream.fileno()))
        hints = Hints(parts.purges, parts.catalogue, BUCKETS, fresh)
        hooks = Hooks(secret, hints, self.telemetry.metrics)
        self.app = Edge(Router(hooks.routes(), redirect_slashes=False), self.telemetry, corp="")

    def call(self, path: str, body: object = None, **options: Any) -> httpx.Response:
        options.setdefault("headers", {"Authorization": f"Bearer {SECRET}"})
        content = options.pop("content", None) or json.dumps(body or EVENTS[path])
        answer = self.door.call(self.app, "POST", path, content=content, **options)
        assert isinstance(answer, httpx.Response)
        return answer

    def purges(self) -> list[tuple[str, str, bool]]:
        """By whom, which tag, and whether softly; of each job."""
        found = self.door.parts.database.read_now(
            lambda c: c.execute(
                "SELECT asked_by, tag, purge_job.soft FROM purge JOIN purge_wait"
                " ON purge_wait.purge = purge.id JOIN purge_job ON purge_job.id = job"
            ).fetchall()
        )
        return [(by, tag, bool(soft)) for by, tag, soft in found]

    def counted(self) -> dict[tuple[str, str], float]:
        _, body = self.telemetry.exposition()
        return {
            (sample.labels["hook"], sample.labels["outcome"]): sample.value
            for family in text_string_to_metric_families(body.decode())
            for sample in family.samples
            if sample.name == "ostiary_hook_calls_total"
        }


@pytest.fixture
def porch(open_door: Callable[..., Any]) -> Any:
    made = Porch(open_door(cdn={"edge": {"provider": "null"}}))
    with closing(made.stream):
        yield made


@pytest.mark.parametrize("path", PATHS)
def test_a_removal_is_purged_hard_and_answered(porch: Porch, path: str) -> None:
    answer = porch.call(path)
    assert (answer.status_code, answer.json()) == (200, {"received": 1, "ignored": 0})
    assert answer.headers["cache-control"] == "no-store"
    tag = document_tag("clinic", "documents", "a.txt")
    assert porch.purges() == [(path[1:], tag, False)]
    assert porch.counted() == {(path[7:], "taken"): 1}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {SECRET}x"},
        {"Authorization": f"Bearer {SECRET[:-1]}"},
        {"Authorization": f"Basic {SECRET}"},
        {"Authorization": SECRET},
        {"X-Ostiary-Secret": ""},
        {"X-Ostiary-Secret": "wrong", "Authorization": f"Bearer {SECRET}"},
        {"X-Ostiary-Secret": b"\xff"},
    ],
)
def test_without_the_secret_nobody_is_heard(porch: Porch, path: str, fields: Any) -> None:
    answer = porch.call(path, headers=fields)
    assert (answer.status_code, answer.json()["code"]) == (401, "hook.refused")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert SECRET not in answer.text
    assert porch.purges() == []
    assert porch.counted() == {(path[7:], "refused"): 1}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "fields",
    [
        {"X-Ostiary-Secret": SECRET},
        {"Authorization": f"bearer  {SECRET} "},
        {"X-Ostiary-Secret": SECRET, "Authorization": "Bearer other"},
    ],
)
def test_the_secret_may_come_in_either_field(porch: Porch, path: str, fields: Any) -> None:
    assert porch.call(path, headers=fields).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_without_a_configured_secret_there_are_no_hooks(door: Any, path: str) -> None:
    bare = Porch(door, "")
    with closing(bare.stream):
        for headers in ({}, {"X-Ostiary-Secret": ""}, {"Authorization": "Bearer "}):
            answer = bare.call(path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "route.not-found")


@pytest.mark.parametrize("path", PATHS)
def test_what_can_not_be_understood_is_refused_without_its_content(porch: Porch, path: str) -> None:
    for content in ("{", "[]", '{"type": ["Jane Doe"]}', b"\xff"):
        answer = porch.call(path, content=content)
        assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid")
        assert "Jane" not in answer.text
    assert porch.counted() == {(path[7:], "malformed"): 4}
    assert porch.purges() == []


def test_a_body_beyond_the_limit_is_refused(porch: Porch) -> None:
    event = json.dumps(EVENTS["/hooks/purge"])
    assert porch.call("/hooks/purge", content=event.ljust(LARGEST_BODY)).status_code == 200
    answer = porch.call("/hooks/purge", content=event.ljust(LARGEST_BODY + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body.too-large")
    assert "1 MiB" in answer.json()["detail"]


def test_nobody_is_read_before_the_secret_is_proved(porch: Porch) -> None:
    answer = porch.call("/hooks/purge", content=b"x" * (2 * LARGEST_BODY), headers={})
    assert answer.status_code == 401


def test_a_hook_answers_post_alone(porch: Porch) -> None:
    answer = porch.door.call(porch.app, "GET", "/hooks/purge")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("path", "event", "told"),
    [
        ("/hooks/database", {"type": "TRUNCATE", "schema": "s", "table": "t"}, (0, 1)),
        ("/hooks/purge", {"type": "bucket", "bucketId": "elsewhere"}, (0, 1)),
        ("/hooks/purge", {"type": "object", "bucketId": "documents", "objectName": "a//b"}, (0, 1)),
        ("/hooks/purge", {"type": "tenant", "tenant": {"ref": "stub"}}, (1, 0)),
    ],
)
def test_what_means_nothing_here_is_told_and_counted(
    porch: Porch, path: str, event: object, told: tuple[int, int]
) -> None:
    answer = porch.call(path, event)
    assert answer.status_code == 200
    assert (answer.json()["received"], answer.json()["ignored"]) == told
    assert porch.counted() == {(path[7:], "taken" if told[0] else "ignored"): 1}


def test_a_move_purges_both_names_and_counts_those_of_others(porch: Porch) -> None:
    old = {**ROW, "name": "old.txt"}
    moved = {"type": "UPDATE", "schema": "storage", "table": "objects", "record": ROW}
    answer = porch.call("/hooks/database", {**moved, "old_record": old})
    assert answer.json() == {"received": 2, "ignored": 0}
    tags = {name: document_tag("clinic", "documents", name) for name in ("a.txt", "old.txt")}
    assert sorted(porch.purges()) == sorted(
        [
            ("hooks/database", tags["a.txt"], True),
            ("hooks/database", tags["old.txt"], False),
        ]
    )
    away = {**ROW, "bucket_id": "elsewhere"}
    answer = porch.call("/hooks/database", {**moved, "record": away, "old_record": ROW})
    assert answer.json() == {"received": 1, "ignored": 1}


def test_a_bucket_that_is_no_longer_public_goes_whole(porch: Porch) -> None:
    row = {"id": "documents", "public": False}
    event = {"type": "UPDATE", "schema": "storage", "table": "buckets", "record": row}
    porch.call("/hooks/database", {**event, "old_record": {**row, "public": True}})
    tag = bucket_tag("clinic", "documents")
    assert porch.purges() == [("hooks/database", tag, False)]


def test_the_same_call_twice_ends_in_one_job(porch: Porch) -> None:
    for _ in range(2):
        assert porch.call("/hooks/purge").json() == {"received": 1, "ignored": 0}
    assert len(set(porch.purges())) == 1


def test_a_link_shows_the_new_bytes_after_the_call(porch: Porch) -> None:
    porch.door.put("a.txt", b"one")
    url = porch.door.link("a.txt")
    assert porch.door.get(url).content == b"one"
    porch.door.put("a.txt", b"two")
    porch.call("/hooks/storage")
    assert porch.door.get(url).content == b"two"


def test_while_nothing_can_be_written_the_caller_is_told_to_come_again(porch: Porch) -> None:
    porch.door.parts.database.close()
    answer = porch.call("/hooks/purge")
    assert (answer.status_code, answer.json()["code"]) == (503, "state.unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert porch.counted() == {("purge", "unavailable"): 1}


def test_no_line_of_the_log_names_the_document(porch: Porch) -> None:
    porch.call("/hooks/storage")
    porch.call("/hooks/storage", headers={})
    porch.telemetry.close()
    text = porch.door.lines(2)
    assert text.count('"route":"hooks.storage"') == 2
    assert "a.txt" not in text
    assert SECRET not in text


PROJECT = {
    "supabase": {
        "url": "https://project.example.org",
        "service_key": "service-key",
        "webhook_secret": SECRET,
    },
    "stores": {"project": {"url": "supabase:"}},
    "zones": {"people": {"store": "project", "buckets": ["avatars"], "cache": "windowed"}},
}


def test_the_gateway_hears_of_its_projects_buckets_on_the_main_port(
    open_door: Callable[..., Any],
) -> None:
    door = open_door(**PROJECT, admin={"port": 9_000})
    door.put("a.txt", b"one", bucket="avatars")
    [link] = door.call(
        door.apps.main,
        "POST",
        "/v1/links",
        json={"documents": [{"zone": "people", "bucket": "avatars", "key": "a.txt"}]},
        headers={"Authorization": "Bearer operator-token"},
    ).json()["links"]
    assert door.get(link["url"]).content == b"one"
    door.put("a.txt", b"two", bucket="avatars")
    event = {"type": "object", "bucketId": "avatars", "objectName": "a.txt"}
    assert door.post("/hooks/purge", event, SECRET).json() == {"received": 1, "ignored": 0}
    assert door.get(link["url"]).content == b"two"
    foreign = {**event, "bucketId": "documents"}
    assert door.post("/hooks/purge", foreign, SECRET).json() == {"received": 0, "ignored": 1}
    assert door.post("/hooks/purge", event).status_code == 401, "an operator's token is no secret"
    assert door.call(door.apps.admin, "POST", "/hooks/purge").status_code == 404


def test_a_gateway_without_a_project_has_no_hooks(door: Any) -> None:
    for path in PATHS:
        assert door.post(path, EVENTS[path], SECRET).status_code == 404


TAKER = """
import asyncio, json, os, sys
from pathlib import Path
import httpx
from starlette.routing import Router
from gateway.app import compose
from gateway.configuration import load
from gateway.edge import Edge
from gateway.hints import Hints
from gateway.api.hooks import Hooks
from gateway.telemetry import LineWriter, Telemetry

async def main(path, config):
    parts = compose(load(Path(config), {}).settings)
    telemetry = Telemetry("", LineWriter(os.open("/dev/null", os.O_WRONLY)))
    fresh = parts.rules.revocations.fresh
    hints = Hints(parts.purges, parts.catalogue, {"documents": "clinic"}, fresh)
    hooks = Hooks("secret", hints, telemetry.metrics)
    app = Edge(Router(hooks.routes()), telemetry, corp="")
    headers = {"Authorization": "Bearer secret"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
        for number in range(10_000):
            body = {"type": "object", "bucketId": "documents", "objectName": str(number)}
            answer = await client.post("/hooks/purge", json=body, headers=headers)
            assert answer.status_code == 200
            print(number, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


def test_what_was_answered_is_purged_though_the_process_was_killed(
    path: Path, tmp_path: Path, child: Callable[..., subprocess.Popen[str]]
) -> None:
    config = tmp_path / "ostiary.toml"
    config.write_text(
        f"[server]\ndata = {json.dumps(str(path.parent))}\n"
        f'[signing]\nkeys = {{ k1 = "{"5a" * 32}" }}\n'
        '[stores.main]\nurl = "memory:"\n[cdn.edge]\nprovider = "null"\n'
        '[zones.clinic]\nstore = "main"\nbuckets = ["documents"]\n'
    )
    process = child(TAKER, str(config))
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(20)]
    process.kill()
    lines += process.communicate()[0].splitlines(keepends=True)
    answered = {line.strip() for line in lines if line.endswith("\n")}
    assert len(answered) >= 20
    with closing(Database.open(path)) as database:
        tags = database.read_now(lambda c: c.execute("SELECT tag FROM purge_job").fetchall())
    wanted = {document_tag("clinic", "documents", number) for number in answered}
    assert wanted <= {tag for (tag,) in tags}
