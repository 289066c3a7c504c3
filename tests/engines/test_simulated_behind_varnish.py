"""The simulation against the real thing: the same visits through Varnish and `ostiary serve`."""

from __future__ import annotations

import http.client
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from gateway.cli import main
from signing.grants import Grant
from signing.keys import Key, KeyRing
from signing.links import LinkRequest, SignedZone, Signer

pytestmark = pytest.mark.engines

DOCUMENTS, VISITS, SECONDS = 150, 2_500, 7_200
BEGAN = 1_790_000_000
LIFE = 86_400
POINTS = 0.05
KEY = "5a" * 32  # of every gateway that the tests start


# Makes the gateway speak to Varnish in the field that it reads; nothing is purged here.
CDN = '[cdn.varnish]\nprovider = "varnish"\nurl = "http://127.0.0.1:9"\nsecret = "unused"\n'


@dataclass(frozen=True)
class Visit:
    at: int
    key: str


def zipf() -> list[Visit]:
    """Two hours of reads; few documents get most of them."""
    chance = random.Random(11)
    weights = list(accumulate(1 / rank for rank in range(1, DOCUMENTS + 1)))
    keys = chance.choices([f"{n}.txt" for n in range(DOCUMENTS)], cum_weights=weights, k=VISITS)
    return [Visit(BEGAN + number * SECONDS // VISITS, key) for number, key in enumerate(keys)]


@pytest.fixture(scope="module")
def gateway(gateway_in: Callable[..., Any]) -> Any:
    made = gateway_in(clinic={"window": 3_600, "longest_life": LIFE})
    for number in range(DOCUMENTS):
        made.put(f"{number}.txt", b"what is read, " * 50)
    made.config.write_text(f"{made.config.read_text()}\n{CDN}")
    return made.start()


@pytest.fixture
def edge(gateway: Any, start_varnish: Callable[..., Any]) -> Iterator[http.client.HTTPConnection]:
    """A Varnish with nothing in it."""
    address = urlsplit(start_varnish(gateway.port).url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
    deadline = time.monotonic() + 30
    while get(connection, "/readyz") >= 500:
        assert time.monotonic() < deadline, "Varnish finds the gateway"
        time.sleep(0.05)
    yield connection
    connection.close()


def get(connection: http.client.HTTPConnection, target: str) -> int:
    connection.request("GET", target)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def fetches(gateway: Any) -> int:
    """How many requests for links the gateway has answered, by its own count."""
    text = gateway.client.get("/metrics", headers={"Authorization": f"Bearer {gateway.token}"}).text
    counted = re.findall(r'(?m)^ostiary_http_requests_total\{.*route="d".*\} ([0-9.]+)$', text)
    return int(sum(map(float, counted)))


class Links:
    """Links that are alive now and change when those of the visits' own time would have.

    The signer is asked when the link of a visit's time dies; a later window is then given a link
    that dies as much later. So two hours of windows pass in the seconds of a test.
    """

    def __init__(self, secret: str, window: int) -> None:
        key = KeyRing([Key("k1", bytes.fromhex(secret))], "k1")
        self._signer = Signer(key, [SignedZone("clinic", window, LIFE)])
        self._window = window
        self._now = int(time.time())

    def target(self, visit: Visit) -> str:
        asked = self._wish(visit.key, 2 * self._window)
        first = self._signer.issue(asked, BEGAN).expires_at
        passed = self._signer.issue(asked, visit.at).expires_at - first
        return self._signer.issue(
            self._wish(visit.key, 2 * self._window + passed), self._now
        ).target

    def _wish(self, key: str, life: int) -> LinkRequest:
        return LinkRequest("clinic", "documents", key, Grant.parse("ia"), expires_in=life)


def simulated(visits: list[Visit], folder: Path) -> dict[str, float]:
    """The hit ratios that the command tells of the log that Supabase's URLs would have left."""
    log = folder / "access.log"
    log.write_text("".join(map(line, range(len(visits)), visits)))
    result = CliRunner().invoke(main, ["simulate", str(log), "--json"])
    assert result.exit_code == 0, result.output
    return {one["mode"]: one["plain"]["hit_ratio"] for one in json.loads(result.stdout)["modes"]}


def line(number: int, visit: Visit) -> str:
    return (
        f"203.0.113.{number % 200} - - [{datetime.fromtimestamp(visit.at, UTC):%d/%b/%Y:%H:%M:%S} "
        f'+0000] "GET /storage/v1/object/sign/documents/{visit.key}?token={number:040} HTTP/1.1" '
        '200 700 "-" "x"\n'
    )


@pytest.mark.parametrize(("mode", "window"), [("windowed, 5 min", 300), ("windowed, 1 h", 3_600)])
def test_the_hit_ratio_of_a_replay_is_within_five_points(
    gateway: Any,
    edge: http.client.HTTPConnection,
    tmp_path: Path,
    mode: str,
    window: int,
) -> None:
    visits = zipf()
    links, before = Links(KEY, window), fetches(gateway)
    statuses = {get(edge, links.target(visit)) for visit in visits}
    assert statuses == {200}
    replayed = 1 - (fetches(gateway) - before) / len(visits)
    expected = simulated(visits, tmp_path)
    assert abs(replayed - expected[mode]) <= POINTS, (replayed, expected)
    assert expected["as logged"] == 0
    assert expected["windowed, 5 min"] < expected["windowed, 1 h"] < expected["edge"]
