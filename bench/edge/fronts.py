"""Fronts: Varnish and nginx as `ostiary edge render` writes them, started before a gateway."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from bench.ostiary import ZONE, Ostiary
from bench.peers.varnish import SECRET
from bench.processes import NotStarted, Server, free_port, serving, wait_until
from gateway.edges import Backend, facts_of, rendering

SHIELD = "the-shield-secret-of-the-bench"
"""What proves the fronts to the gateway."""

NJS = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")
_CANARY = 120.0
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

Change: TypeAlias = Callable[[str], str]
"""Makes another configuration of a rendered one."""


def as_rendered(text: str) -> str:
    """No change at all."""
    return text


def public(port: int) -> str:
    """Where the links of a zone lead to, for the zone's configuration."""
    return f'public_url = "http://127.0.0.1:{port}"'


def cdn(kind: str, port: int, name: str = "") -> list[str]:
    """The table of a front on this machine, for the gateway's configuration."""
    return [
        f"[cdn.{name or kind}]",
        f'provider = "{kind}"',
        f'url = "http://127.0.0.1:{port}"',
        f'secret = "{SECRET}"',
        f'shield = ["{SHIELD}"]',
    ]


def proven(gateway: Ostiary) -> None:
    """Wait until the canary of a zone in mode `edge` has come through; that takes a link's life."""
    wait_until(gateway.proven, _CANARY)


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """The text with each part put in the place of another; raises `NotStarted` for one absent."""
    for old, new in changes.items():
        if old not in text:
            raise NotStarted(f"the rendered configuration no longer says {old.strip()!r}")
        text = text.replace(old, new)
    return text


@contextmanager
def varnish_edge(
    folder: Path,
    port: int,
    gateway: Ostiary,
    *,
    origin: int = 0,
    change: Change = as_rendered,
) -> Iterator[Server]:
    """Varnish with the rendered VCL on `port`, before the gateway or what listens at `origin`."""
    own = folder / f"varnish-{port}"
    own.mkdir()
    (own / "edge.vcl").write_text(change(_rendered("varnish", gateway, origin)))
    options: Sequence[object] = ["-j", "none", "-n", own / "run", "-f", own / "edge.vcl"]
    listen = ["-T", "none", "-a", f"127.0.0.1:{port}", "-s", "malloc,512m"]
    environ = {"OSTIARY_PURGE_SECRET": SECRET, "OSTIARY_SHIELD": SHIELD}
    command = ["varnishd", "-F", *map(str, options), *listen]
    with serving(command, port, own / "log", environ=environ) as server:
        yield server


@contextmanager
def nginx_edge(
    folder: Path, port: int, gateway: Ostiary, *, purges: int = 0, change: Change = as_rendered
) -> Iterator[Server]:
    """nginx with one worker, the rendered configuration and its script, before the gateway.

    `purges` is the port where it is told of purges; without one nobody tells it.
    """
    own = folder / f"nginx-{port}"
    own.mkdir()
    text = replaced(
        _rendered("nginx", gateway),
        {
            "/etc/nginx/njs/": f"{own}/",
            "/var/cache/nginx/ostiary": f"{own}/cache",
            "listen 8080;": f"listen 127.0.0.1:{port};",
            "listen 127.0.0.1:8081;": f"listen 127.0.0.1:{purges or free_port()};",
            _empty("shield"): _empty("shield").replace('""', f'"{SHIELD}"'),
            _empty("purge_key"): _empty("purge_key").replace('""', f'"{SECRET}"'),
        },
    )
    (own / "ostiary.js").write_text(_rendered("njs", gateway))
    (own / "nginx.conf").write_text(_around(own, change(text)))
    command = ["nginx", "-p", own, "-e", own / "error.log", "-c", own / "nginx.conf"]
    with serving([str(part) for part in command], port, own / "log") as server:
        yield server


def _empty(name: str) -> str:
    """What is left empty for whoever runs nginx."""
    return f'$ostiary_{name} {{\n    default "";'


def _rendered(kind: str, gateway: Ostiary, origin: int = 0) -> str:
    backend = Backend("127.0.0.1", origin or gateway.server.port)
    return rendering(kind)(facts_of(gateway.settings, ZONE), backend)


def _around(own: Path, text: str) -> str:
    """What a whole configuration has around the rendered part of its http block."""
    temporary = "".join(f"{kind}_temp_path {own}/{kind};\n" for kind in _TEMPORARY)
    user = "user root;\n" if os.geteuid() == 0 else ""
    return (
        f"load_module {NJS};\n{user}daemon off;\nworker_processes 1;\npid {own}/pid;\n"
        f"error_log {own}/error.log;\nevents {{ worker_connections 4096; }}\n"
        f"http {{\naccess_log off;\nkeepalive_requests 1000000000;\n{temporary}{text}}}\n"
    )
