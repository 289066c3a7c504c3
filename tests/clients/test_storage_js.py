"""storage-js, unchanged: every call of it at the stand-in, and the same through the gateway."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.server import USER_A, USER_B

MISSING = object()
VOLATILE = (
    (r"(?<=token=)[\w.-]+", "<token>"),
    (r'(?<="token": ")[\w.-]+', "<token>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", "<time>"),
    (rf"(?!{USER_A}|{USER_B})\b[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}", "<uuid>"),
)
RENDERED = re.compile(r"transformed|as it is")
# What differs through the gateway, and why.
DIFFERENCES: dict[str, str] = {}


def settled(told: Any, base: str) -> Any:
    """What was told, without what no two servers say alike."""
    text = json.dumps(told).replace(base, "")
    for volatile, name in VOLATILE:
        text = re.sub(volatile, name, text)
    return json.loads(text)


@pytest.fixture(scope="module")
def plain(node: Any, direct: Any) -> Any:
    return settled(node.told("storage_calls.mjs", direct.parties), direct.storage)


@pytest.fixture(scope="module")
def gated(node: Any, through: Any) -> Any:
    return settled(node.told("storage_calls.mjs", through.parties), through.storage)


def differences(one: Any, other: Any, at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two values part, field by field."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one | other:
            yield from differences(
                one.get(name, MISSING), other.get(name, MISSING), f"{at}.{name}" if at else name
            )
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{at}[{index}]")
    elif one != other:
        yield at, one, other


def test_no_call_breaks_the_client(plain: Any) -> None:
    assert {name: one["thrown"] for name, one in plain.items() if "thrown" in one} == {}


def test_what_a_signed_url_opens_is_what_a_download_gives(plain: Any) -> None:
    assert plain["createSignedUrl of an awkward name, opened"]["status"] == 200
    opened = plain["createSignedUrl of an awkward name, opened"]["digest"]
    assert opened == plain["download"]["data"]["digest"]
    assert opened == plain["createSignedUrls 1, opened"]["digest"]


def test_the_client_gives_an_app_the_same_through_the_gateway(plain: Any, gated: Any) -> None:
    found = {
        at: (one, other)
        for at, one, other in differences(plain, gated)
        if not (RENDERED.search(at) and re.search(r"\.(size|digest)$", at))
    }
    assert {at: pair for at, pair in found.items() if at not in DIFFERENCES} == {}
    assert DIFFERENCES.keys() <= found.keys()


def test_signed_urls_of_the_gateway_open_what_is_there(gated: Any) -> None:
    opened = {name: one for name, one in gated.items() if name.endswith(", opened")}
    assert {one["status"] for one in opened.values()} == {200}
    assert opened["createSignedUrl of an awkward name, opened"]["digest"] == (
        gated["download"]["data"]["digest"]
    )
