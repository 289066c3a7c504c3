"""Cloudflare, held to what its own SDK sends."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import cloudflare
import httpx
import pytest

SAID = {"success": True, "errors": [], "messages": [], "result": {"id": "an-id"}}
TAGS = ["d-1", "v-2"]


def sent_by_sdk(soft: bool) -> httpx.Request:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=SAID)

    with httpx.Client(transport=httpx.MockTransport(respond)) as http:
        sdk = cloudflare.Cloudflare(api_token="stub-secret", http_client=http)
        purge = sdk.cache.invalidate if soft else sdk.cache.purge
        purge(zone_id="thing-1", tags=TAGS)
    return asked[0]


@pytest.mark.parametrize("soft", [True, False])
def test_a_purge_is_what_the_sdk_sends(soft: bool, answered: Callable[..., Any]) -> None:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=SAID)

    receipt = answered(respond).purge("cloudflare", *TAGS, soft=soft, url="", plan="")
    [ours], theirs = asked, sent_by_sdk(soft)
    assert (ours.method, ours.url) == (theirs.method, theirs.url)
    assert json.loads(ours.content) == json.loads(theirs.content)
    for name in ("authorization", "content-type", "host"):
        assert ours.headers[name] == theirs.headers[name]
    assert receipt.reference == "an-id"
