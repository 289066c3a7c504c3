"""The canary: `ostiary serve` finds out by itself what stands before it, and shares or does not."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from gateway import copies
from gateway.cli import main
from tests.engines.edges.running import Edge, Starter
from tests.engines.edges.wire import Reply, exchange

pytestmark = [pytest.mark.engines, pytest.mark.slow]

SHIELD = "a-shield-of-the-canary"
NUMBERS = itertools.count()
# What a page of any tutorial says: the query is of no importance.
CARELESS = """vcl 4.1;
backend origin {{ .host = "127.0.0.1"; .port = "{port}"; }}
sub vcl_hash {{ hash_data(regsub(req.url, "\\?.*$", "")); return (lookup); }}
sub vcl_backend_response {{
    set beresp.grace = 0s;
    if (beresp.http.Surrogate-Control ~ "max-age") {{ set beresp.ttl = 60s; }}
    else {{ set beresp.uncacheable = true; }}
}}
"""


@dataclass
class Front:
    """A gateway and what stands before it."""

    gateway: Any
    edge: Edge
    kind: str

    def get(self, target: str, **fields: str) -> Reply:
        return self.edge.get(target, **fields)

    def standing(self) -> str:
        return str(self.gateway.client.get("/readyz").text)

    def picture(self) -> str:
        """A picture that only one test knows."""
        name, picture = f"pictures/{next(NUMBERS)}.png", BytesIO()
        Image.effect_noise((800, 600), 90).convert("RGB").save(picture, "PNG")
        self.gateway.put(name, picture.getvalue())
        return name

    def proven(self) -> bool:
        return "canary" not in self.standing()


def printed(gateway: Any, kind: str) -> str:
    words = ["edge", "render", kind, "--config", str(gateway.config), "--zone", "clinic"]
    result = CliRunner().invoke(main, [*words, "--backend", f"127.0.0.1:{gateway.port}"])
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def edged(kind: str, mode: str, gateway_in: Callable[..., Any], start_edge: Starter) -> Front:
    """A gateway in this mode behind an edge that verifies, not started yet."""
    gateway = gateway_in()
    place: Any = SimpleNamespace(port=gateway.port, seen=[])

    def own(files: dict[str, str]) -> dict[str, str]:
        if mode == "careless":
            return {"varnish": CARELESS.format(port=gateway.port)}
        return {part: printed(gateway, part) for part in files}

    edge = start_edge(kind, place, spoil=own, shield=SHIELD)
    text = gateway.config.read_text().replace(
        'cache = "windowed"',
        f'cache = "{"edge" if mode == "edge" else "windowed"}"\n'
        f'public_url = "http://127.0.0.1:{edge.port}"',
    )
    gateway.config.write_text(
        f'{text}\n[cdn.{kind}]\nprovider = "{kind}"\nurl = "http://127.0.0.1:{edge.purges}"\n'
        f'secret = "purge-secret-of-the-edges"\nshield = ["{SHIELD}"]\n'
    )
    return Front(gateway, edge, kind)


@pytest.fixture(scope="module")
def fronts(gateway_in: Callable[..., Any], start_edge: Starter) -> dict[str, Front]:
    """All of them: the canaries' first rounds take a minute, and go on side by side."""
    made = {
        "varnish": edged("varnish", "edge", gateway_in, start_edge),
        "nginx": edged("nginx", "edge", gateway_in, start_edge),
        "windowed": edged("varnish", "windowed", gateway_in, start_edge),
        "careless": edged("varnish", "careless", gateway_in, start_edge),
    }
    for front in made.values():
        # Looked at at once: while the others start on a busy machine it may be proven already.
        front.gateway.start("--workers", "2")
        assert "canary clinic: unproven: the zone answers as private" in front.standing()
        check_private(front)
    return made


def check_private(front: Front) -> None:
    """Two fetches of one link are two fetches, and what the CDN is told is no-store."""
    link = front.gateway.link(front.picture())
    told = front.gateway.client.get(link).headers
    assert told["cache-control"].startswith("private, max-age=")
    assert told.get("surrogate-control", told.get("x-accel-expires")) in ("no-store", "0")
    assert [front.get(link).fields.get("x-cache", "") for _ in range(2)].count("hit") == 0


def within(seconds: float, holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


@pytest.fixture(params=["varnish", "nginx"])
def front(request: pytest.FixtureRequest, fronts: dict[str, Front]) -> Front:
    """Mode edge, once it is proven."""
    front = fronts[str(request.param)]
    within(120, front.proven, front.standing())
    return front


def asked_by_key(front: Front, link: str, key: str, **fields: str) -> Reply:
    """The gateway, asked as a proven edge asks."""
    path, _, token = link.partition("?t=")
    told = {"Ostiary_Token": token, "Ostiary_Shield": SHIELD, **fields}
    return exchange(front.gateway.port, f"{path}?c={key}", **told)


def shared_time(reply: Reply) -> int:
    said = reply.fields.get("x-accel-expires") or reply.fields["surrogate-control"]
    return int(said.removeprefix("max-age=").split(",")[0])


def test_a_proven_edge_is_told_the_whole_time_and_others_the_link_s(front: Front) -> None:
    link = front.gateway.link(front.picture(), expires_in=600)
    reply = asked_by_key(front, link, "iw0")
    assert (reply.status, shared_time(reply)) == (200, 86_400)
    assert reply.fields["cache-control"] == "private, no-cache, no-transform"
    unproven = exchange(front.gateway.port, link)
    assert 0 < shared_time(unproven) <= 570
    pinned = front.gateway.link(front.picture(), pinned=True)
    # A cache without tags is purged by an index of its copies, and that has to end.
    longest = {"varnish": 31_536_000, "nginx": copies.LONGEST}[front.kind]
    assert shared_time(asked_by_key(front, pinned, "iw0")) == longest


def test_all_links_share_a_copy_that_outlives_them_and_opens_to_none_that_is_dead(
    front: Front,
) -> None:
    name = front.picture()
    short, long = (front.gateway.link(name, expires_in=life) for life in (4, 600))
    first, again = front.get(short), front.get(long)
    assert (first.status, first.fields["x-cache"]) == (200, "miss")
    assert (again.status, again.fields["x-cache"]) == (200, "hit")
    within(20, lambda: front.get(short).status == 403, "the short one ends")
    assert front.get(long).fields["x-cache"] == "hit"


def test_each_browser_gets_a_format_that_it_shows_from_a_shared_copy(front: Front) -> None:
    link = front.gateway.link(front.picture(), "w320", grant="previews")
    kinds = {
        "image/avif,image/webp,*/*;q=0.8": "image/avif",
        "image/webp,*/*": "image/webp",
        "*/*": "image/jpeg",
        "image/avif;q=0,image/webp;q=0": "image/jpeg",
    }
    for _ in range(2):
        shown = {accept: front.get(link, Accept=accept) for accept in kinds}
        assert {a: reply.fields["content-type"] for a, reply in shown.items()} == kinds
    assert {reply.fields["x-cache"] for reply in shown.values()} == {"hit"}
    assert not [reply for reply in shown.values() if "vary" in reply.fields]


def test_nobody_else_puts_a_format_into_a_shared_copy(front: Front) -> None:
    link = front.gateway.link(front.picture(), "w320", grant="previews")
    path, _, token = link.partition("?t=")
    forged = {"Ostiary_Token": token, "Ostiary_Shield": "guessed", "Accept": "image/avif"}
    for place in (front.edge.port, front.gateway.port):
        for rendition in ("w320", "w320-jpeg", "w320-webp"):
            target = f"{path.replace('/w320/', f'/{rendition}/')}?c=ir0"
            assert exchange(place, target, **forged).status == 403
    # Whatever Accept came with it, an explicit name is one thing, and an open one nobody's copy.
    explicit = link.replace("/w320/", "/w320-jpeg/")
    for accept in ("image/avif", "image/webp", "*/*"):
        reply = asked_by_key(front, explicit, "ir0", Accept=accept)
        assert reply.fields["content-type"] == "image/jpeg"
        negotiated = asked_by_key(front, link, "ir0", Accept=accept)
        assert negotiated.fields["vary"] == "Accept"
        told = negotiated.fields
        assert told.get("surrogate-control", told.get("x-accel-expires")) in ("no-store", "0")
    assert front.get(link, Accept="*/*").fields["content-type"] == "image/jpeg"


def test_an_exact_grant_of_an_open_name_is_nobody_s_copy(front: Front) -> None:
    link = front.gateway.link(front.picture(), "w320", grant="x-w320")
    for accept in ("image/avif", "image/webp", "image/avif"):
        reply = front.get(link, Accept=accept)
        assert reply.fields["content-type"] == accept
        assert reply.fields["x-cache"] != "hit"


def test_a_windowed_zone_shares_once_its_cdn_is_proven(fronts: dict[str, Front]) -> None:
    front = fronts["windowed"]
    within(120, front.proven, front.standing())
    link = front.gateway.link(front.picture())
    assert [front.get(link).fields["x-cache"] for _ in range(2)] == ["miss", "hit"]
    assert front.gateway.events(event="canary proven", zone="clinic")
    assert 'ostiary_canary_proven{zone="clinic"} 1.0' in metrics(front)


def test_a_zone_behind_a_careless_cdn_stays_private_and_says_so(
    fronts: dict[str, Front],
) -> None:
    front = fronts["careless"]
    within(120, lambda: "failed" in front.standing(), front.standing())
    check_private(front)
    link = front.gateway.link(front.picture())
    assert front.get(link).status == 200
    assert front.get(link[:-1] + "!").status == 403, "there is no copy to give away"
    [told] = front.gateway.events(level="error", zone="clinic")
    assert "GIVES DOCUMENTS AWAY" in told["event"]
    assert "broken signature" in told["found"]
    assert 'ostiary_canary_proven{zone="clinic"} 0.0' in metrics(front)
    done = front.gateway.run("doctor", "--json", check=False)
    found = {one["name"]: one for one in json.loads(done.stdout)}
    assert done.returncode == 1
    assert found["canary clinic"]["state"] == "FAIL"
    assert "the cache key does not hold the whole query" in found["canary clinic"]["hint"]


def metrics(front: Front) -> str:
    operator = {"Authorization": f"Bearer {front.gateway.token}"}
    return str(front.gateway.client.get("/metrics", headers=operator).text)


def doctor(front: Front) -> subprocess.Popen[str]:
    words = ["doctor", "--config", str(front.gateway.config), "--json"]
    url = f"http://127.0.0.1:{front.edge.port}"
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", *words, "--edge", url], stdout=subprocess.PIPE, text=True
    )


def told(asking: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    out, _ = asking.communicate(timeout=300)
    return asking.returncode, {one["name"]: one for one in json.loads(out)}


def test_the_command_asks_what_the_canary_asks(fronts: dict[str, Front]) -> None:
    asking = [doctor(fronts[name]) for name in ("nginx", "careless")]
    (good, said), (bad, shown) = map(told, asking)
    assert (good, said["edge"]["state"]) == (0, "ok")
    assert said["proof of the edge"]["what"] == "shown to the gateway"
    assert said["one copy for all links"]["state"] == "ok"
    assert (bad, shown["edge"]["what"]) == (1, "GIVES DOCUMENTS AWAY")
    assert shown["no token"]["state"] == "FAIL"
