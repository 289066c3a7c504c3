"""docs/api.md: every example is asked of a real gateway, in the order of the page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```http\n(.*?)^```$", PAGE, re.M | re.S)
TOKEN = "operator-token"
SECRET = "the-secret-of-the-hooks"
# What depends on the clock or on a library's encoder: a number, but not this one.
DIFFERING = frozenset(
    {"expires_at", "renew_at", "asked_at", "put_at", "modified_at", "original", "size"}
)
# What stands on the page for a time by any other name.
A_TIME = 1_800_000_000


@dataclass(frozen=True)
class Message:
    """One block: its first line, its fields and its body."""

    line: str
    fields: dict[str, str]
    body: str

    @classmethod
    def of(cls, block: str) -> Message:
        head, _, body = block.partition("\n\n")
        line, *fields = head.strip().splitlines()
        return cls(line, dict(field.split(": ", 1) for field in fields), body.strip())


EXAMPLES = [
    (Message.of(request), Message.of(answer))
    for request, answer in zip(BLOCKS[::2], BLOCKS[1::2], strict=True)
]


@pytest.fixture
def gateway(open_door: Callable[..., Any], draw: Callable[..., bytes]) -> Any:
    door = open_door(
        renders=True,
        clinic={"public_url": "https://docs.example.org", "revocable": ["documents/scans/"]},
        cdn={"null": {"provider": "null"}},
        renditions={"presets": {"thumb": "w160-h160-cover"}, "workers": 1},
        supabase={
            "url": "https://project.example.org",
            "service_key": "service-key",
            "webhook_secret": SECRET,
        },
        stores={"project": {"url": "supabase:"}},
        zones={"people": {"store": "project", "buckets": ["avatars"]}},
    )
    door.put("scans/a b.jpg", draw("JPEG", 1))
    return door


def filled(field: str) -> str:
    return field.replace("<token>", TOKEN).replace("<secret>", SECRET)


def fits(told: str, got: str) -> bool:
    """Whether a text is the one on the page, whatever stands at each "…"."""
    return re.fullmatch(".*".join(map(re.escape, told.split("…"))), got, re.S) is not None


def differences(told: Any, got: Any, where: str) -> list[str]:
    """Where an answer is not what the page says."""
    if isinstance(told, dict) and isinstance(got, dict):
        found = [f"{where}.{name}" for name in told.keys() ^ got.keys()]
        pairs = [(told[name], got[name], f"{where}.{name}") for name in told.keys() & got.keys()]
        return found + [one for pair in pairs for one in differences(*pair)]
    if isinstance(told, list) and isinstance(got, list) and len(told) == len(got):
        pairs = [(a, b, f"{where}[{n}]") for n, (a, b) in enumerate(zip(told, got, strict=True))]
        return [one for pair in pairs for one in differences(*pair)]
    if isinstance(told, str) and isinstance(got, str):
        return [] if fits(told, got) else [f"{where}: {got!r}"]
    if where.rpartition(".")[2] in DIFFERING or told == A_TIME:
        return [] if type(told) is type(got) else [f"{where}: {got!r}"]
    return [] if told == got and type(told) is type(got) else [f"{where}: {got!r}"]


def test_every_example_is_what_a_gateway_answers(gateway: Any) -> None:
    purge = ""
    for request, told in EXAMPLES:
        method, path = request.line.split(" ", 1)
        headers = {name: filled(value) for name, value in request.fields.items()}
        body = json.loads(request.body) if request.body else None
        got = gateway.ask(method, path.replace("p-…", purge), headers=headers, json=body)
        where = request.line
        assert str(got.status_code) == told.line.split()[1], (where, got.text)
        for name, value in told.fields.items():
            assert fits(value, got.headers.get(name, "")), (where, name, got.headers)
        if got.headers["content-type"].endswith("json"):
            assert differences(json.loads(told.body), got.json(), where) == []
            purge = got.json().get("id", purge)
        else:
            assert fits(told.body, got.text.strip()), where


def test_the_page_has_an_example_of_every_call() -> None:
    asked = {_route(request.line) for request, _ in EXAMPLES}
    routes = set(re.findall(r"`((?:GET|POST|PUT) /[^`…]*)`", PAGE))
    # A claim is good once, or for its folder; the tests of the routes hand them over.
    claims = {"POST /v1/viewers/claim", "POST /v1/folders/claim"}
    assert routes - asked - claims == {"GET /v1/openapi.json", "GET /"}


def _route(line: str) -> str:
    """The route that an example asks, as the table spells it."""
    line = line.replace("p-…", "{id}").partition("?")[0]
    line = re.sub(r"(/admin/redactions)/\S+", r"\1/{name}", line)
    return re.sub(r"(/v1/documents)/\S+", r"\1/{zone}/{bucket}/{key}", line)


def test_a_difference_would_be_seen() -> None:
    told = {"id": "p-…", "state": "sent", "asked_at": 1, "parts": [1, None]}
    assert differences(told, {**told, "asked_at": 2, "id": "p-1"}, "") == []
    assert differences(told, {**told, "asked_at": None}, "")
    assert differences({"ends": A_TIME}, {"ends": A_TIME + 1}, "") == []
    assert differences({"ends": A_TIME}, {"ends": None}, "")
    assert differences(told, {**told, "id": "q-1"}, "")
    assert differences(told, {**told, "parts": [1, 0]}, "")
    assert differences(told, {**told, "parts": [1]}, "")
    assert differences(told, {**told, "more": 1}, "")
