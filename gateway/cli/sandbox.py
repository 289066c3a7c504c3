"""The demo's folder: sample documents, and a configuration with keys that are made once."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_hex, token_urlsafe

from gateway.samples import Sample, write_samples

ZONE = "demo"

_TOML = """\
# Written by `ostiary demo`; a real configuration looks the same. Keep it to yourself.
[server]
port = {port}
data = {data}

[signing]
keys = {{ k1 = "{key}" }}

[admin]
tokens = ["sha256:{digest}"]  # of what is in the file "token"

[stores.main]
url = {documents}

[zones.demo]
store = "main"
buckets = {buckets}
cache = "windowed"

[renditions]
presets = {{ thumb = "w160-h160-cover" }}
"""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A folder that is ready to be served: its samples and its configuration file."""

    config: Path
    samples: tuple[Sample, ...]


def prepare(folder: Path, port: int) -> Sandbox:
    """Make what is missing in the folder; keys, token and state of an earlier demo are kept.

    Raises `OSError` where the folder can not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    samples = tuple(write_samples(folder / "documents"))
    config = folder / "ostiary.toml"
    if config.exists():
        kept = config.read_text(encoding="utf-8")
        text = re.sub(r"(?m)^port = \d+$", f"port = {port}", kept, count=1)
    else:
        text = _first(folder, samples, port)
    _write(config, text)
    return Sandbox(config, samples)


def free_port(port: int) -> int:
    """The port, or another one when somebody listens there."""
    for wanted in (port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return port


def _first(folder: Path, samples: Sequence[Sample], port: int) -> str:
    secret = token_urlsafe(24)
    _write(folder / "token", secret + "\n")
    return _TOML.format(
        port=port,
        # A JSON text without control characters is a TOML text as well.
        data=json.dumps(str(folder / "data"), ensure_ascii=False),
        key=token_hex(32),
        digest=sha256(secret.encode()).hexdigest(),
        documents=json.dumps((folder / "documents").as_uri()),
        buckets=json.dumps(sorted({sample.bucket for sample in samples})),
    )


def _write(path: Path, text: str) -> None:
    """Whole or not at all, for the owner's eyes alone."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.touch(mode=0o600)
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
