"""Varnish and nginx as they are started in a folder of their own, and what they need."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

NJS = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")


def varnishd(folder: Path, files: dict[str, str], port: int) -> list[object]:
    (folder / "edge.vcl").write_text(files["varnish"])
    place = ["-j", "none", "-n", folder / "run", "-f", folder / "edge.vcl", "-T", "none"]
    options = ["-s", "malloc,64m", "-p", "backend_idle_timeout=3"]
    return ["varnishd", "-F", *place, "-a", f"127.0.0.1:{port}", *options]


def nginx(folder: Path, files: dict[str, str], port: int) -> list[object]:
    text = files["nginx"]
    for shipped, own in (
        ("/etc/nginx/njs/", f"{folder}/"),
        ("/var/cache/nginx/ostiary", f"{folder}/cache"),
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
    ):
        assert shipped in text, f"the configuration no longer says {shipped}"
        text = text.replace(shipped, own)
    (folder / "ostiary.js").write_text(files["njs"])
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    root = "user root;\n" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"load_module {NJS};\n{root}daemon off;\nworker_processes 1;\npid {folder}/pid;\n"
        f"error_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{text}}}\n"
    )
    return ["nginx", "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"]


COMMANDS: dict[str, Callable[[Path, dict[str, str], int], list[object]]] = {
    "varnish": varnishd,
    "nginx": nginx,
}


def absent(kind: str) -> str:
    """What to install before this kind of edge can be tried."""
    if kind == "varnish":
        vmods = list(Path("/usr/lib").glob("*/varnish/vmods/libvmod_digest.so"))
        found = shutil.which("varnishd") and vmods
        return "" if found else "varnish varnish-modules varnish-vmod-digest"
    return "" if shutil.which("nginx") and NJS.exists() else "nginx libnginx-mod-http-js"
