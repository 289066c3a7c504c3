"""Fastly, held to what its own SDK sends."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import fastly
import httpx
import pytest
from fastly.api.purge_api import PurgeApi

TAGS = ["d-1", "v-2"]
SAID = {tag: f"id-{tag}" for tag in TAGS}


class Sent:
    """One request as it came in over the wire."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.method, self.path = handler.command, handler.path
        self.fields = {name.lower(): value for name, value in handler.headers.items()}
        self.body = handler.rfile.read(int(self.fields.get("content-length", 0)))


@contextmanager
def listening() -> Iterator[tuple[str, list[Sent]]]:
    sent: list[Sent] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append(Sent(self))
            body = json.dumps(SAID).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *told: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", sent
        finally:
            server.shutdown()
            thread.join()


def sent_by_sdk(soft: bool) -> Sent:
    with listening() as (url, sent):
        configuration = fastly.Configuration(host=url)
        configuration.api_token = "stub-secret"
        with fastly.ApiClient(configuration) as client:
            mild = {"fastly_soft_purge": 1} if soft else {}
            body = fastly.model.purge_response.PurgeResponse(surrogate_keys=TAGS)
            PurgeApi(client).bulk_purge_tag("thing-1", purge_response=body, **mild)
    return sent[0]


@pytest.mark.parametrize("soft", [True, False])
def test_a_purge_is_what_the_sdk_sends(soft: bool, answered: Callable[..., Any]) -> None:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=SAID)

    receipt = answered(respond).purge("fastly", *TAGS, soft=soft, url="")
    [ours], theirs = asked, sent_by_sdk(soft)
    assert (ours.method, ours.url.path) == (theirs.method, theirs.path)
    assert ours.url.host == "api.fastly.com"
    assert json.loads(ours.content) == json.loads(theirs.body)
    for name in ("fastly-key", "content-type", "accept", "fastly-soft-purge"):
        assert ours.headers.get(name) == theirs.fields.get(name), name
    assert receipt.reference == "id-d-1"


def test_a_tag_that_the_answer_passes_over_was_not_purged(answered: Callable[..., Any]) -> None:
    bench = answered(lambda request: httpx.Response(200, json={"d-1": "id"}))
    with pytest.raises(Exception, match="confirmed nothing"):
        bench.purge("fastly", *TAGS)
