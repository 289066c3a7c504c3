"""Files of settings to read, and every fault of those that are wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gateway.configuration import load
from gateway.errors import ConfigurationError, Fault

# The block of the documents, with real digits for the keys and both names of the shield.
EXAMPLE = """
[server]
host = "127.0.0.1"
port = 8080
data = "var"                               # SQLite, caches, spool
region = "eu"                              # optional
[signing]
keys = { k1 = "%(k1)s", k2 = "%(k2)s" }
active = "k2"                              # needed with more than one key
seal_key = "%(seal)s"                      # only for sealed addresses
[admin]
tokens = ["sha256:%(token)s"]
port = 9090
[stores.main]
url = "file:///srv/documents"
[zones.clinic]
store = "main"
buckets = ["documents", "scans"]
cache = "windowed"
window = 900
longest_life = 86400
ttl = 86400
public_url = "https://docs.example.org"
home = "eu"
allowed = ["eu"]
revocable = ["documents/reports/"]
sealed = false
cors = false
[renditions]
presets = { thumb = "w160-h160-cover" }
[cdn.varnish]
provider = "varnish"
url = "http://127.0.0.1:6081"
secret = "%(secret)s"
shield = ["%(new)s", "%(old)s"]
"""
CANARIES = {
    "k1": "c0ffee01" * 8,
    "k2": "C0FFEE02" * 8,
    "seal": "c0ffee03" * 16,
    "token": "c0ffee04" * 8,
    "secret": "canary-secret",
    "new": "canary-new",
    "old": "canary-old",
}


@pytest.fixture
def canaries() -> list[str]:
    """Secrets of the example, none of which may ever be printed."""
    return list(CANARIES.values())


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example of the documents as a file."""
    file = tmp_path / "ostiary.toml"
    file.write_text(EXAMPLE % CANARIES)
    return file


Faults = Callable[[Path | None, Mapping[str, str]], dict[str, Fault]]


@pytest.fixture
def faults() -> Faults:
    """Reads what is wrong and returns each fault by its place."""

    def read(file: Path | None, environ: Mapping[str, str]) -> dict[str, Fault]:
        with pytest.raises(ConfigurationError) as caught:
            load(file, environ)
        return {fault.where.split(" [")[0]: fault for fault in caught.value.faults}

    return read
