"""The probe before real caches, good ones and such as are set up wrongly, all of them at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from gateway.probing import CanaryLinks, HttpAsks, Probe, Report
from signing.keys import Key, KeyRing
from tests.engines.edges.running import Starter

pytestmark = [pytest.mark.engines, pytest.mark.slow]

SHIELD = "a-shield-of-the-probe"
KEY = bytes.fromhex("5a" * 32)
PLAIN = """vcl 4.1;
import std;
backend origin {{ .host = "127.0.0.1"; .port = "{port}"; }}
sub vcl_recv {{ {recv} return (hash); }}
sub vcl_hash {{ hash_data({key}); return (lookup); }}
sub vcl_backend_fetch {{ {fetch} }}
sub vcl_backend_response {{
    set beresp.grace = 0s;
    set beresp.ttl = 0s;
    if (beresp.http.Surrogate-Control ~ "max-age=[0-9]" && beresp.status == 200) {{
        set beresp.ttl = std.duration(
            regsub(beresp.http.Surrogate-Control, "^.*max-age=([0-9]+).*$", "\\1") + "s", 0s);
        {response}
    }} else {{
        {otherwise}
    }}
    return (deliver);
}}
"""
WHOLE = "req.url"
PATH = 'regsub(req.url, "\\?.*$", "")'
WRONG: dict[str, tuple[dict[str, str], str, str]] = {
    # What is wrong, as it is written; then the findings that show it, and what follows.
    "the query is left out of the key": ({"key": PATH}, "broken signature", "failed"),
    "the signature is left out of the key": (
        {"key": 'regsub(req.url, "[^.]+$", "")'},
        "broken signature",
        "failed",
    ),
    "pictures lose their query": (
        {"key": 'regsub(req.url, "\\.jpg\\?.*$", ".jpg")'},
        "names that end in .jpg",
        "failed",
    ),
    "parameters are ignored": (
        {"recv": 'set req.url = regsub(req.url, "&x=1", "");'},
        "other spellings of the query",
        "failed",
    ),
    "no-store is not obeyed": (
        {"otherwise": "set beresp.ttl = 1h;"},
        "no-store",
        "failed",
    ),
    "a minimum time is forced": ({"response": "set beresp.ttl = 1h;"}, "expired link", "failed"),
    "stale copies are served": ({"response": "set beresp.grace = 1h;"}, "expired link", "failed"),
    "every viewer is given the shield": (
        {"fetch": f'set bereq.http.Ostiary-Shield = "{SHIELD}";'},
        "forged proofs",
        "failed",
    ),
    "200 for everything": (
        {"recv": "return (synth(200));"},
        "good link",
        "failed",
    ),
    "nothing is kept": ({"recv": "return (pass);"}, "cached copy", "unproven"),
    "the query is taken away": (
        {"recv": f"set req.url = {PATH};"},
        "good link",
        "unproven",
    ),
}


def vcl(port: int, **changes: str) -> str:
    parts = {"recv": "", "key": WHOLE, "fetch": "", "response": ""}
    parts["otherwise"] = "set beresp.uncacheable = true;"
    return PLAIN.format(port=port, **{**parts, **changes})


async def asked(urls: dict[str, str]) -> dict[str, Report]:
    ring = KeyRing([Key("k1", KEY)], "k1")
    links = CanaryLinks(ring, "clinic", 0, longest_life=86_400, sealed=False)
    async with httpx.AsyncClient(timeout=30) as client:
        rounds = [Probe(HttpAsks(client, url)).run(links, "windowed") for url in urls.values()]
        return dict(zip(urls, await asyncio.gather(*rounds), strict=True))


@pytest.fixture(scope="module")
def reports(
    gateway_in: Callable[..., Any],
    start_edge: Starter,
    start_varnish: Callable[..., Any],
    spare_port: Callable[[], int],
) -> Any:
    """What was found of each cache; they are asked at one time, since each takes a minute."""
    gateway = gateway_in(
        cdn={
            "varnish": {
                "provider": "varnish",
                "url": "http://127.0.0.1:9",
                "secret": "s",
                "shield": [SHIELD],
            }
        }
    ).start()
    place = SimpleNamespace(port=gateway.port, seen=[])
    urls = {"ours": start_varnish(gateway.port).url, "down": f"http://127.0.0.1:{spare_port()}"}
    for name, (changes, _, _) in WRONG.items():
        text = vcl(gateway.port, **changes)
        edge = start_edge("varnish", place, spoil=lambda _, text=text: {"varnish": text})
        urls[name] = f"http://127.0.0.1:{edge.port}"
    edge = start_edge("varnish", place, spoil=lambda _: {"varnish": vcl(gateway.port)})
    urls["plain"] = f"http://127.0.0.1:{edge.port}"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        urls["silent"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
        return asyncio.run(asked(urls))


@pytest.mark.parametrize("name", ["ours", "plain"])
def test_a_cache_that_does_what_it_is_told_is_proven(reports: Any, name: str) -> None:
    report = reports[name]
    assert report.wrong == ()
    assert report.outcome == "proven"


@pytest.mark.parametrize("name", WRONG)
def test_a_cache_that_is_set_up_wrongly_is_found_out(reports: Any, name: str) -> None:
    _, shows, outcome = WRONG[name]
    report = reports[name]
    assert report.outcome == outcome, report
    assert shows in {finding.name for finding in report.wrong}
    assert all(finding.hint for finding in report.wrong if finding.name == shows)


@pytest.mark.parametrize(("name", "why"), [("down", "ConnectError"), ("silent", "too slow")])
def test_a_cache_that_does_not_answer_proves_nothing(reports: Any, name: str, why: str) -> None:
    [finding] = reports[name].findings
    assert reports[name].outcome == "unproven"
    assert why in finding.what
