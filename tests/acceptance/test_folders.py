"""Folder links over two workers: what one is told all know, by token and by cookie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

APP = "https://app.example.org"
TIMES = 8


@pytest.fixture(scope="module")
def pair(gateway_in: Callable[..., Any]) -> Any:
    gateway = gateway_in(clinic={"revocable": ["documents/reports/"]}, viewers={"origins": [APP]})
    for name in ("a b.txt", "2026/c.txt", "later.txt"):
        gateway.put(f"reports/{name}", b"A report.")
    return gateway.start("--workers", "2")


def given(gateway: Any) -> dict[str, Any]:
    body = {"folders": [{"bucket": "documents", "folder": "reports"}]}
    [folder] = gateway.post("/v1/folders", body).json()["folders"]
    gateway.secrets.add(folder["claim"].rpartition(".")[2])
    return dict(folder)


def target(folder: dict[str, Any], form: str, rest: str) -> str:
    path = "/d/" + str(folder[form]).partition("/d/")[2]
    return path.replace("{rendition}", "original").replace("{key}", rest)


def cookie(gateway: Any, folder: dict[str, Any]) -> dict[str, str]:
    headers = {"Origin": APP, "Sec-Fetch-Site": "same-site"}
    answer = gateway.client.post(
        "/v1/folders/claim", json={"claim": folder["claim"]}, headers=headers
    )
    assert answer.status_code == 204
    [put] = [one for one in answer.headers.get_list("set-cookie") if "Max-Age=0" not in one]
    return {"Cookie": put.partition(";")[0]}


def statuses(gateway: Any, path: str, **fields: str) -> set[int]:
    """What it is answered on several connections, so by both workers."""
    found = set()
    for _ in range(TIMES):
        with httpx.Client(base_url=gateway.url, timeout=30) as client:
            found.add(client.get(path, headers=fields).status_code)
    return found


def test_one_token_and_its_cookie_open_the_folder_at_every_worker(pair: Any) -> None:
    folder = given(pair)
    mine = cookie(pair, folder)
    for rest in ("a%20b.txt", "2026/c.txt"):
        assert statuses(pair, target(folder, "template", rest)) == {200}
        assert statuses(pair, target(folder, "plain", rest), **mine) == {200}
        assert statuses(pair, target(folder, "plain", rest)) == {403}
    part = pair.client.get(
        target(folder, "plain", "a%20b.txt"), headers={**mine, "Range": "bytes=2-3"}
    )
    assert (part.status_code, part.content) == (206, b"re")


@pytest.mark.parametrize("way", ["..%2Fletters", "%2E%2E/letters", "../letters", "./a", "a%2Fb"])
def test_no_way_leads_out_of_the_folder(pair: Any, wire: Callable[..., Any], way: str) -> None:
    folder = given(pair)
    fields = [f"{name}: {value}" for name, value in cookie(pair, folder).items()]
    for form in ("template", "plain"):
        answer = wire(pair.port).ask(target(folder, form, f"{way}/x.txt"), *fields)
        assert (answer.status, answer.code) == (403, "link.refused")


def test_what_is_revoked_alone_is_closed_at_every_worker_at_once(pair: Any) -> None:
    folder = given(pair)
    mine = cookie(pair, folder)
    pair.revoke("reports/later.txt")
    for form, fields in (("template", {}), ("plain", mine)):
        assert statuses(pair, target(folder, form, "later.txt"), **fields) == {410}
        assert statuses(pair, target(folder, form, "a%20b.txt"), **fields) == {200}
    done = pair.post("/admin/revoke", {"prefix": "documents/reports/"})
    assert done.status_code in (200, 202)
    for form, fields in (("template", {}), ("plain", mine)):
        assert statuses(pair, target(folder, form, "a%20b.txt"), **fields) == {410}


def test_the_log_tells_no_token_and_no_name(pair: Any) -> None:
    pair.told(TIMES, route="d")
    assert pair.blabbed() == set()
