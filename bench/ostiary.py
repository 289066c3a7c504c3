"""The gateway under measure: `ostiary serve` with its guard, its log in a file and its figures."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.request import Request, urlopen

from bench.documents import BUCKET
from bench.processes import Server, free_port, serving
from gateway.app import signer_of
from gateway.configuration import load
from gateway.settings import Settings
from signing.grants import Grant
from signing.links import LinkRequest, Signer

TOKEN = "the-operator-of-the-bench"
ZONE = "clinic"
_LIFE = 3600
_CONFIGURATION = """
[server]
port = {port}
data = "{folder}/var"
max_connections = 4000
cache_memory = {memory}
[signing]
keys = {{ k1 = "{key}" }}
[admin]
tokens = ["sha256:{token}"]
[stores.main]
url = "{store}"
{credentials}
[zones.{zone}]
store = "main"
buckets = ["{bucket}"]
cache = "{cache}"
{more}
"""


@dataclass(frozen=True, slots=True)
class Ostiary:
    """A running gateway, and the signer of its links."""

    server: Server
    signer: Signer
    settings: Settings

    def link(self, key: str, rendition: str = "original", grant: str = "ia") -> str:
        """The target of a link for one document, good for an hour; the document is not touched."""
        request = LinkRequest(ZONE, BUCKET, key, Grant.parse(grant), expires_in=_LIFE)
        return self.signer.issue(request, int(time.time())).for_rendition(rendition)

    def exact(self, key: str, rendition: str) -> str:
        """As `link`, by a grant of this rendition alone, whose name need not be declared."""
        return self.link(key, rendition, f"ix-{rendition}")

    def url(self, key: str, rendition: str = "original") -> str:
        """The whole URL of such a link."""
        return self.server.base + self.link(key, rendition)

    def figures(self) -> str:
        """What it tells Prometheus."""
        fields = {"authorization": f"Bearer {TOKEN}"}
        with urlopen(Request(f"{self.server.base}/metrics", headers=fields)) as answer:
            return str(answer.read().decode())

    def fetches(self) -> int:
        """How many requests for links it has answered."""
        return counted("ostiary_http_requests_total", self.figures(), 'route="d"')

    def proven(self) -> bool:
        """Whether its canary has found the CDN of its zone to guard links."""
        return counted("ostiary_canary_proven", self.figures()) > 0

    def sent(self) -> int:
        """How many octets of bodies it has sent."""
        return counted("ostiary_bytes_served_total", self.figures())


def counted(name: str, figures: str, label: str = "") -> int:
    """The sum of a figure over all its labels, or where one of them is `label`."""
    lines = (line.rpartition(" ") for line in figures.splitlines())
    found = (value for what, _, value in lines if what.split("{")[0] == name and label in what)
    return round(sum(map(float, found)))


def folder_store(root: Path) -> str:
    """The address of a store in a folder."""
    return root.as_uri()


def s3_store(port: int) -> str:
    """The address of a store in what plays S3 on this machine."""
    return f"s3:?endpoint=http://127.0.0.1:{port}&region=eu-central-1"


@contextmanager
def ostiary(
    folder: Path,
    store: str,
    *,
    workers: int = 1,
    memory: int = 256 << 20,
    cache: str = "windowed",
    more: Sequence[str] = (),
) -> Iterator[Ostiary]:
    """A gateway over one store, keeping `memory` octets in memory; its zone has the mode `cache`.

    `more` are further lines of its configuration, after the zone's.
    """
    port = free_port()
    configuration = folder / f"ostiary-{port}.toml"
    s3 = store.startswith("s3:")
    configuration.write_text(
        _CONFIGURATION.format(
            port=port,
            memory=memory,
            folder=folder / f"ostiary-{port}",
            key=sha256(b"bench").hexdigest(),
            token=sha256(TOKEN.encode()).hexdigest(),
            store=store,
            credentials='access_key = "bench"\nsecret_key = "bench-secret"' if s3 else "",
            zone=ZONE,
            bucket=BUCKET,
            cache=cache,
            more="\n".join(more),
        )
    )
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(configuration)]
    log = folder / f"ostiary-{port}.log"
    arguments = [*command, "--workers", str(workers)]
    settings = load(configuration, {}).settings
    with serving(arguments, port, log, probe="/livez") as server:
        yield Ostiary(server, signer_of(settings), settings)
