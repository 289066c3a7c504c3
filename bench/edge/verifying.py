"""What verifying costs: the rendered Varnish and nginx beside the same ones that verify nothing."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.calls import same
from bench.documents import SMALL, Documents
from bench.edge.fronts import cdn, nginx_edge, replaced, varnish_edge
from bench.load import Load, Target, cheaper, interleaved, middle, times
from bench.ostiary import folder_store, ostiary
from bench.processes import NotStarted, free_port
from bench.table import Goal, Row

VARNISH, BLIND_VARNISH = "Varnish that verifies", "the same, by the URL"
NGINX, BLIND_NGINX = "nginx + njs that verifies", "the same, by the URL, without njs"
GOALS = {VARNISH: Goal(10, most=True), NGINX: Goal(25, most=True)}
BESIDE = {VARNISH: BLIND_VARNISH, NGINX: BLIND_NGINX}
_ROUNDS = 5
_ACCEPT = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"


def run(folder: Path) -> list[Row]:
    """Drive all four in turn over one kept document of 30 KB."""
    documents = Documents(folder / "docs")
    documents.small()
    port = free_port()
    with ExitStack() as started:
        store = folder_store(documents.root)
        told = [*cdn("varnish", port), *cdn("nginx", port)]
        gateway = started.enter_context(ostiary(folder, store, more=told))
        fronts = {
            VARNISH: varnish_edge(folder, port, gateway),
            BLIND_VARNISH: varnish_edge(folder, free_port(), gateway, change=blind_varnish),
            NGINX: nginx_edge(folder, free_port(), gateway),
            BLIND_NGINX: nginx_edge(folder, free_port(), gateway, change=blind_nginx),
        }
        servers = {name: started.enter_context(front) for name, front in fronts.items()}
        link = gateway.link(SMALL)
        asking = same(folder / "browser.lua", "GET", {"accept": _ACCEPT})
        targets = {
            name: Target(server, server.base + link, asking) for name, server in servers.items()
        }
        for target in targets.values():
            _expect_hit(target.url)
        return rows(interleaved(targets, rounds=_ROUNDS))


def rows(found: Mapping[str, Sequence[Load]]) -> list[Row]:
    """All four, then what of its throughput and of its CPU time each spends on verifying."""
    told = {name: middle(loads) for name, loads in found.items()}
    rows = [Row(name, str(load), load.requests) for name, load in told.items()]
    for name, goal in GOALS.items():
        ours, theirs, n = found[name], found[BESIDE[name]], told[name].requests
        less = (1 - times(ours, theirs)) * 100
        more = (1 / cheaper(ours, theirs) - 1) * 100
        rows.append(Row.judged(f"{name}: throughput lost", less, " %", n, goal))
        rows.append(Row(f"{name}: CPU time added", f"{more:.3g} %", n))
    return rows


def blind_varnish(text: str) -> str:
    """The rendered VCL without its judgement of links: they are looked up by their URL."""
    judged, shared = "    call ostiary_verify;\n", "    call ostiary_share;\n"
    # Cut out by the compiler: a sub that nothing calls would be an error.
    return replaced(text, {judged: f"    if (false) {{\n{judged}", shared: f"{shared}    }}\n"})


def blind_nginx(text: str) -> str:
    """The rendered configuration without its script: links are looked up by their URL."""
    text = _cut(text, "js_path ", "proxy_cache_path ")
    text = _cut(text, "    location = /ostiary/link {", "    location @shared {")
    text = _cut(text, '        if ($ostiary_key = "") {', "        proxy_cache ostiary;")
    return replaced(
        text,
        {
            "js_content ostiary.purge": "return 404",
            "    rewrite ^ /ostiary/$ostiary_route last;\n": "",
            "location @shared {": "location /d/ {",
            "proxy_cache_key $ostiary_key": "proxy_cache_key $request_uri",
            "ostiary_origin$ostiary_target": "ostiary_origin$request_uri",
            "Ostiary-Token $ostiary_token": 'Ostiary-Token ""',
            "Accept $ostiary_shown": "Accept $http_accept",
            "$ostiary_browser": "$upstream_http_cache_control",
        },
    )


def _cut(text: str, begin: str, end: str) -> str:
    """The text without what stands from one mark to before the next of the other."""
    cut, times = re.subn(f"{re.escape(begin)}.*?(?={re.escape(end)})", "", text, flags=re.DOTALL)
    if times != 1:
        raise NotStarted(f"the rendered configuration no longer says {begin.strip()!r}")
    return cut


def _expect_hit(url: str) -> None:
    """Ask twice; raises `NotStarted` when the second answer was not kept."""
    for _ in range(2):
        with urllib.request.urlopen(url) as answer:
            answer.read()
            told = answer.headers["x-cache"]
    if told != "hit":
        raise NotStarted(f"the front keeps nothing: {told}")
