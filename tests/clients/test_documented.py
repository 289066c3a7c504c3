"""The examples of docs/clients.md, run against a gateway."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.server import USER_A

pytestmark = pytest.mark.engines

ROOT = Path(__file__).parents[2]
PIECES = ROOT / "deploy" / "clients"
PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
EXAMPLES = dict(
    re.findall(r"^```(?:js|python)\n(?://|#) (\S+\.\w+)\n(.*?)^```$", PAGE, re.M | re.S)
)
SCAN = f"{USER_A}/scan.png"


def here(text: str, face: Any) -> str:
    """An example with the servers and credentials of this test in it."""
    for example, real in (
        ("https://cdn.example.org", face.url),
        ("https://ref.supabase.co", face.upstream.url),
        ("<anon key>", face.upstream.anon),
        ("<access token>", face.upstream.user_a),
        ("scans/a b.jpg", SCAN),
    ):
        text = text.replace(example, real)
    return text


@pytest.fixture(scope="module")
def told(node: Any, through: Any) -> Any:
    folder = node.folder / "docs"
    folder.mkdir()
    for name in ("storage.mjs", "client.mjs", "links.mjs"):
        (folder / name).write_text(here(EXAMPLES[name], through), encoding="utf-8")
    (folder / "with-gateway.mjs").write_bytes((PIECES / "with-gateway.mjs").read_bytes())
    return node.told("documented.mjs", through.parties, SCAN)


def test_storage_js_reads_at_the_gateway(told: Any, through: Any) -> None:
    assert told["storage"].startswith(f"{through.storage}/object/sign/documents/{SCAN}?token=1.")


def test_supabase_js_reads_at_the_gateway_as_its_user(told: Any, through: Any) -> None:
    assert told["client"].startswith(f"{through.storage}/object/sign/documents/{SCAN}?token=1.")


def test_the_examples_of_links_open(told: Any) -> None:
    assert told["opened"] == {
        "original": [200, "image/png", "inline"],
        "preview": [200, "image/webp", "inline"],
        "saved": [200, "image/png", "attachment"],
        "thumbnails": [200, "image/webp", "inline"],
    }
    assert "/d/{rendition}/" in told["family"]


def run(name: str, face: Any) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(here(EXAMPLES[name], face), name, "exec"), names)
    return names


@pytest.fixture(scope="module")
def storage_example(through: Any) -> Iterator[dict[str, Any]]:
    names = run("storage.py", through)
    with names["storage"]:
        yield names


def test_the_example_of_storage3_signs_at_the_gateway(storage_example: Any, through: Any) -> None:
    assert storage_example["signed"].startswith(f"{through.storage}/object/sign/documents/")


def test_the_example_of_httpx_gets_a_link(through: Any) -> None:
    names = run("links.py", through)
    assert "/d/w640-webp/" in names["preview"]
    assert names["link"]["renew_at"] < names["link"]["expires_at"]


def test_a_page_of_any_origin_may_read_what_it_asks_for(through: Any) -> None:
    fields = {"Origin": "https://app.example.org", "Authorization": "Bearer x"}
    asked = {"documents": [{"bucket": "documents", "key": SCAN}]}
    answer = httpx.post(f"{through.url}/v1/links", headers=fields, json=asked)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Expose-Headers"] == "*"
