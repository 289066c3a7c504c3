"""nginx with one worker and no access log: signed static files, and a stand-in for S3."""

from __future__ import annotations

import os
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path

from bench.documents import BUCKET, Documents
from bench.processes import Server, free_port, serving

_SECRET = "the-secret-of-nginx"
_CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; etag on; keepalive_requests 1000000000;
  types {{ image/jpeg jpg; application/octet-stream bin; }}
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    root {root};
    location / {{ }}
    location /signed/ {{
      secure_link $arg_md5,$arg_expires;
      secure_link_md5 "$secure_link_expires$uri {secret}";
      if ($secure_link = "") {{ return 403; }}
      if ($secure_link = "0") {{ return 410; }}
      alias {root}/{bucket}/;
    }}
  }}
}}
"""


@contextmanager
def nginx(folder: Path, documents: Documents) -> Iterator[Server]:
    """nginx over the documents: below /signed/ by secure_link, and as S3 answers a path-style GET.

    As S3 it looks at no signature, which makes the client's side of a GET the only cost.
    """
    own = folder / "nginx"
    own.mkdir()
    port = free_port()
    configuration = own / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            folder=own,
            user="user root;" if os.geteuid() == 0 else "",
            port=port,
            root=documents.root,
            bucket=BUCKET,
            secret=_SECRET,
        )
    )
    arguments = ["nginx", "-p", own, "-c", configuration, "-e", own / "error.log"]
    with serving([str(part) for part in arguments], port, folder / "nginx.log") as server:
        yield server


def secure_link(name: str) -> str:
    """A path and query that nginx's secure_link module takes for an hour."""
    expires, uri = int(time.time()) + 3600, f"/signed/{name}"
    mac = urlsafe_b64encode(md5(f"{expires}{uri} {_SECRET}".encode()).digest()).decode()
    return f"{uri}?md5={mac.rstrip('=')}&expires={expires}"
