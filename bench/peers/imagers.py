"""What others serve pictures with, each over a folder, on all cores, without a cache of results.

None of the three keeps results unless it is told to; thumbor is told to keep no sources either.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.peers.installed import node_modules, thumbor
from bench.processes import NotStarted, Server, free_port, serving

QUALITY = {"jpeg": 80, "webp": 80, "avif": 60}
"""What all of them are told, and Ostiary beside its own choice."""

_MODULE = Path("/usr/lib/nginx/modules/ngx_http_image_filter_module.so")
_CORES = len(os.sched_getaffinity(0))
_THUMBOR = """
ALLOW_UNSAFE_URL = True
LOADER = "thumbor.loaders.file_loader"
FILE_LOADER_ROOT_PATH = {root!r}
STORAGE = "thumbor.storages.no_storage"
RESULT_STORAGE = None
ENGINE = "thumbor.engines.pil"
RESPECT_ORIENTATION = True
QUALITY = {jpeg}
WEBP_QUALITY = {webp}
AVIF_QUALITY = {avif}
"""
_NGINX = """
daemon off; worker_processes {cores}; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
load_module {module};
events {{ worker_connections 256; }}
http {{
  access_log off; keepalive_timeout 0; types {{ image/jpeg jpg; }}
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{port};
    root {root};
    location ~ ^/(?<width>[0-9]+)/(?<name>.+)$ {{
      try_files /$name =404;
      image_filter resize $width -; image_filter_buffer 64m; image_filter_jpeg_quality {jpeg};
    }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Imager:
    """A running server of pictures: `target` of a width, a format and a name is a path."""

    server: Server
    formats: tuple[str, ...]
    target: Callable[[int, str, str], str]


@contextmanager
def ipx(folder: Path, root: Path) -> Iterator[Imager]:
    """ipx as its manual has it in a program of one's own: one Node process, sharp as it comes."""
    script, port = node_modules() / "ipx.mjs", free_port()
    command = ["node", str(script), str(root), str(port)]
    environ = {"NODE_ENV": "production"}
    with serving(command, port, folder / "ipx.log", environ=environ) as server:
        yield Imager(server, ("jpeg", "webp", "avif"), _ipx)


@contextmanager
def thumbor_pillow(folder: Path, root: Path) -> Iterator[Imager]:
    """thumbor with its Pillow engine, one process for each core."""
    program, port = thumbor(), free_port()
    configuration = folder / "thumbor.conf"
    configuration.write_text(_THUMBOR.format(root=str(root), **QUALITY))
    command = [str(program), "-i", "127.0.0.1", "-p", str(port), "-c", str(configuration)]
    command += ["-l", "error", "--processes", str(_CORES)]
    with serving(command, port, folder / "thumbor.log") as server:
        yield Imager(server, ("jpeg", "webp", "avif"), _thumbor)


@contextmanager
def image_filter(folder: Path, root: Path) -> Iterator[Imager]:
    """nginx with its own filter, one worker for each core; it answers in the source's format."""
    if not _MODULE.exists():
        raise NotStarted("nginx has no image filter: libnginx-mod-http-image-filter")
    own = folder / "image-filter"
    own.mkdir()
    port, configuration = free_port(), own / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    values = {"folder": own, "user": user, "port": port, "root": root, "module": _MODULE}
    configuration.write_text(_NGINX.format(cores=_CORES, jpeg=QUALITY["jpeg"], **values))
    command = ["nginx", "-p", str(own), "-c", str(configuration), "-e", str(own / "error.log")]
    with serving(command, port, folder / "image-filter.log") as server:
        yield Imager(server, ("jpeg",), lambda width, _, name: f"/{width}/{name}")


def _ipx(width: int, format: str, name: str) -> str:
    return f"/w_{width},f_{format},q_{QUALITY[format]}/{name}"


def _thumbor(width: int, format: str, name: str) -> str:
    return f"/unsafe/{width}x0/filters:format({format})/{name}"
