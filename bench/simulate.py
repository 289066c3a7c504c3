"""How long `ostiary simulate` takes over a million lines, and how much memory."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from bench.load import LoadFailed
from bench.sections import carry_out
from bench.table import Goal, Row

LINES = 1_000_000
DOCUMENTS, VIEWERS, DAY = 20_000, 2_000, 86_400
BEGAN = 1_790_000_000
GOAL = Goal(60, most=True)
EDGES = ("FRA", "LHR", "IAD", "SIN")


def run(folder: Path) -> list[Row]:
    """A day of Zipf traffic with a token for each view, once in each format."""
    return [row for name in LINE for row in rows(name, timed(folder, name, LINES), LINES)]


def rows(name: str, cost: Cost, lines: int) -> list[Row]:
    return [
        Row.judged(f"{name}: all modes", cost.seconds, " s", lines, GOAL),
        Row(f"{name}: CPU, all processes", f"{cost.processor:.1f} s", lines),
        Row(f"{name}: memory of the largest process", f"{cost.mebibytes:.0f} MB", lines),
    ]


class Cost(NamedTuple):
    """Seconds by the clock and of CPU in all processes; the most memory that one had, in MiB."""

    seconds: float
    processor: float
    mebibytes: float


def timed(folder: Path, name: str, lines: int) -> Cost:
    """What the command costs over a log of its own."""
    log = folder / f"{name}.log"
    with log.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in traffic(name, lines))
    began = time.monotonic()
    child = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "gateway", "simulate", str(log), "--json"],
        dict(os.environ),
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(child, 0)
    seconds = time.monotonic() - began
    log.unlink()
    if status:
        raise LoadFailed(f"ostiary simulate ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def traffic(name: str, lines: int, seed: int = 7) -> Iterator[str]:
    """Reads of documents by Zipf's law with exponent 1, evenly over a day."""
    chance = random.Random(seed)
    weights = list(accumulate(1 / rank for rank in range(1, DOCUMENTS + 1)))
    places = range(DOCUMENTS)
    write = LINE[name]
    for number in range(lines):
        at = BEGAN + number * DAY // lines
        [document] = chance.choices(places, cum_weights=weights)
        viewer = chance.randrange(VIEWERS)
        yield write(at, document, viewer, token(document, at, chance.getrandbits(64)))


def token(document: int, at: int, nonce: int) -> str:
    """Shaped like what Supabase signs; nobody's key made it."""
    said = {"url": f"documents/{document}.pdf", "iat": at, "exp": at + 3_600, "n": nonce}
    body = urlsafe_b64encode(json.dumps(said, separators=(",", ":")).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{body}.{nonce:043d}"


def _path(document: int) -> str:
    return f"/storage/v1/object/sign/documents/reports/2026/{document}.pdf"


def _octets(document: int) -> int:
    return 20_000 + document * 7_919 % 400_000


def _nginx(at: int, document: int, viewer: int, token: str) -> str:
    time = f"{datetime.fromtimestamp(at, UTC):%d/%b/%Y:%H:%M:%S} +0000"
    request = f"GET {_path(document)}?token={token} HTTP/2.0"
    client = f"10.0.{viewer >> 8}.{viewer & 255}"
    return f'{client} - - [{time}] "{request}" 200 {_octets(document)} "-" "Mozilla/5.0"'


def _cloudfront(at: int, document: int, viewer: int, token: str) -> str:
    time = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d\t%H:%M:%S}"
    edge, client = EDGES[viewer % len(EDGES)], f"10.0.{viewer >> 8}.{viewer & 255}"
    fields = [time, f"{edge}56-P1", str(_octets(document)), client, "GET", "d1.cloudfront.net"]
    fields += [_path(document), "200", "-", "Mozilla/5.0", f"token={token}", "-", "Miss"]
    return "\t".join([*fields, f"{at}{document}", "d1.cloudfront.net", "https", "500", "0.05"])


def _cloudflare(at: int, document: int, viewer: int, token: str) -> str:
    return json.dumps(
        {
            "ClientIP": f"10.0.{viewer >> 8}.{viewer & 255}",
            "ClientRequestHost": "docs.example.org",
            "ClientRequestMethod": "GET",
            "ClientRequestURI": f"{_path(document)}?token={token}",
            "CacheCacheStatus": "miss",
            "EdgeColoCode": EDGES[viewer % len(EDGES)],
            "EdgeResponseBytes": _octets(document),
            "EdgeResponseStatus": 200,
            "EdgeStartTimestamp": f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "RayID": f"{at:x}",
        }
    )


def _supabase(at: int, document: int, viewer: int, token: str) -> str:
    search = f"?token={token}"
    headers = {"cf_connecting_ip": f"10.0.{viewer >> 8}.{viewer & 255}", "host": "ref.supabase.co"}
    answer = {"content_length": str(_octets(document)), "cf_cache_status": "MISS"}
    request = {
        "method": "GET",
        "path": _path(document),
        "search": search,
        "headers": [headers],
        "cf": [{"colo": EDGES[viewer % len(EDGES)], "country": "DE"}],
    }
    response = {"status_code": 200, "headers": [answer], "origin_time": 40}
    told = f"GET | 200 | ref.supabase.co{_path(document)}{search}"
    metadata = [{"request": [request], "response": [response]}]
    return json.dumps(
        {"id": f"{at:x}", "timestamp": at * 10**6, "event_message": told, "metadata": metadata}
    )


LINE: dict[str, Callable[[int, int, int, str], str]] = {
    "nginx": _nginx,
    "cloudfront": _cloudfront,
    "cloudflare": _cloudflare,
    "supabase": _supabase,
}

if __name__ == "__main__":
    title = "`ostiary simulate` over a million lines, a process for each core"
    sys.exit(carry_out({"simulate": (title, run)}, sys.argv[1:]))
