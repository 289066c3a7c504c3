"""Varnish with the VCL that Ostiary ships, in front of a gateway."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import Server, serving

SECRET = "the-purge-secret-of-the-bench"
_SHIPPED = Path(__file__).parents[2] / "deploy" / "varnish"


@contextmanager
def varnish(folder: Path, port: int, origin: Server) -> Iterator[Server]:
    """Varnish on `port`; its origin is set in the copy of site.vcl, as an operator does it."""
    own = folder / "varnish"
    own.mkdir()
    shutil.copy(_SHIPPED / "ostiary.vcl", own)
    site = (_SHIPPED / "site.vcl").read_text()
    site = site.replace('"gateway"', '"127.0.0.1"').replace('"8080"', f'"{origin.port}"')
    (own / "site.vcl").write_text(site)
    options = ["-j", "none", "-n", own / "run", "-f", own / "ostiary.vcl", "-T", "none"]
    listen = ["-a", f"127.0.0.1:{port}", "-s", "malloc,64m"]
    environ = {"OSTIARY_PURGE_SECRET": SECRET}
    log = folder / "varnish.log"
    with serving(
        ["varnishd", "-F", *map(str, options), *listen], port, log, environ=environ
    ) as server:
        yield server
