"""The whole way on real parts: `ostiary serve` behind a real Varnish with the shipped VCL."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from gateway.companions.folders import cookie_of
from gateway.companions.proofs import COOKIE
from signing.badges import Badge, Badges
from signing.keys import Key, KeyRing

pytestmark = pytest.mark.engines

SECRET = "a-secret-between-gateway-and-varnish"
FIRST = b"first version, " * 2000
SECOND = b"second version, " * 2100
UNKEPT = "private, no-store, no-transform"
NUMBERS = itertools.count()


@dataclass
class Front:
    """A gateway, and a client of the Varnish in front of it."""

    gateway: Any
    edge: httpx.Client

    def fetches(self) -> int:
        """How many requests for links the gateway has answered, by its own count."""
        operator = {"Authorization": "Bearer operator-token"}
        text = self.gateway.client.get("/metrics", headers=operator).text
        counted = re.findall(r'(?m)^ostiary_http_requests_total\{.*route="d".*\} ([0-9.]+)$', text)
        return int(sum(map(float, counted)))


@pytest.fixture(scope="module")
def front(gateway_in: Callable[..., Any], start_varnish: Callable[..., Any]) -> Iterator[Front]:
    """One gateway and one Varnish for all tests; each has a document of its own."""
    gateway = gateway_in(clinic={"stale_if_error": 120, "ttl": 300})
    varnish = start_varnish(gateway.port, SECRET)
    text = gateway.config.read_text()
    gateway.config.write_text(
        f'{text}\n[cdn.varnish]\nprovider = "varnish"\nurl = "{varnish.url}"\nsecret = "{SECRET}"\n'
    )
    gateway.start()
    with httpx.Client(base_url=varnish.url, timeout=30) as edge:
        yield Front(gateway, edge)


@pytest.fixture
def key(front: Front) -> str:
    """A document that only this test knows."""
    name = f"letters/{next(NUMBERS)}.txt"
    front.gateway.put(name, FIRST)
    return name


def reference(key: str) -> dict[str, str]:
    return {"zone": "clinic", "bucket": "documents", "key": key}


def eventually(holds: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def fresh(front: Front, url: str) -> httpx.Response:
    """An answer once Varnish's probe has found the gateway."""
    answers: list[httpx.Response] = []

    def good() -> bool:
        answers.append(front.edge.get(url))
        return answers[-1].status_code < 500

    eventually(good, "Varnish finds the gateway")
    return answers[-1]


def test_two_viewers_of_one_document_are_one_fetch(front: Front, key: str) -> None:
    links = {front.gateway.link(key) for _ in range(2)}
    assert len(links) == 1, "equal grants in one window are one text"
    [url] = links
    before = front.fetches()
    first, second = fresh(front, url), front.edge.get(url)
    assert first.content == second.content == FIRST
    assert "hit" not in first.headers["cache-status"].split("varnish")[-1]
    assert "varnish; hit" in second.headers["cache-status"]
    assert front.fetches() == before + 1
    assert "surrogate-control" not in second.headers
    assert "xkey" not in second.headers


def test_many_at_once_are_one_fetch(front: Front, key: str) -> None:
    fresh(front, front.gateway.link(key))
    front.gateway.put("cold.txt", SECOND)
    url = front.gateway.link("cold.txt")
    before = front.fetches()
    with ThreadPoolExecutor(20) as pool:
        bodies = list(pool.map(lambda _: front.edge.get(url).content, range(40)))
    assert set(bodies) == {SECOND}
    assert front.fetches() == before + 1


def test_a_purge_brings_the_new_bytes(front: Front, key: str) -> None:
    url = front.gateway.link(key)
    assert fresh(front, url).content == FIRST
    front.gateway.put(key, SECOND)
    assert front.edge.get(url).content == FIRST, "kept until it is purged"
    asked = front.gateway.post("/admin/purge", {"documents": [reference(key)]}, Prefer="wait=5")
    assert asked.status_code == 200, asked.text
    assert asked.json()["state"] in ("sent", "confirmed")
    assert front.edge.get(url).content == SECOND
    status = front.gateway.client.get(
        asked.headers["location"], headers={"Authorization": "Bearer operator-token"}
    )
    assert status.json()["id"] == asked.json()["id"]


@pytest.mark.parametrize("what", ["bucket", "zone", "tag"])
def test_a_purge_of_more_reaches_the_document(front: Front, key: str, what: str) -> None:
    url = front.gateway.link(key)
    assert fresh(front, url).content == FIRST
    front.gateway.put(key, SECOND)
    options = {
        "bucket": ["--bucket", "clinic/documents"],
        "zone": ["--zone", "clinic"],
        "tag": ["--document", f"clinic/documents/{key}", "--hard"],
    }[what]
    done = front.gateway.run("purge", *options)
    assert "sent" in done.stdout or "confirmed" in done.stdout
    assert front.edge.get(url).content == SECOND


def test_revoked_means_gone_at_the_origin_and_at_the_edge(front: Front, key: str) -> None:
    url = front.gateway.link(key)
    assert fresh(front, url).status_code == 200
    assert "hit" in front.edge.get(url).headers["cache-status"]
    front.gateway.run("revoke", "--document", f"clinic/documents/{key}")
    assert front.gateway.client.get(url).status_code == 410
    assert front.edge.get(url).status_code == 410
    renewed = front.gateway.link(key)
    assert renewed != url
    assert front.edge.get(renewed).content == FIRST
    assert front.edge.get(url).status_code == 410, "a newer link does not revive an older one"


def test_ranges_and_unchanged_answers_come_from_the_cache(front: Front, key: str) -> None:
    url = front.gateway.link(key)
    etag = fresh(front, url).headers["etag"]
    before = front.fetches()
    part = front.edge.get(url, headers={"Range": "bytes=3-9"})
    assert (part.status_code, part.content) == (206, FIRST[3:10])
    same = front.edge.get(url, headers={"If-None-Match": etag})
    assert same.status_code == 304
    assert front.fetches() == before


def test_stale_is_served_while_the_origin_is_down(front: Front, key: str) -> None:
    url = front.gateway.link(key, expires_in=900)
    assert fresh(front, url).content == FIRST
    # Stale now, by a soft purge: the gateway is asked first, and has to be gone.
    asked = {"documents": [reference(key)], "soft": True}
    front.gateway.post("/admin/purge", asked, Prefer="wait=5")
    front.gateway.stop()
    try:
        answer = front.edge.get(url)
        assert (answer.status_code, answer.content) == (200, FIRST)
    finally:
        front.gateway.start()


def test_what_varnish_gives_out_is_no_fresher_than_the_link_lives(front: Front, key: str) -> None:
    url = front.gateway.link(key, expires_in=60)
    expires_at = int(url.split("?t=1.")[1].split(".")[1])
    for _ in range(2):
        answer = fresh(front, url)
        seen = parsedate_to_datetime(answer.headers["date"]).timestamp()
        told = answer.headers["cache-control"].split("max-age=")[1].split(",")[0]
        age = int(answer.headers.get("age", 0))
        assert seen + int(told) - age <= expires_at + 1


def test_an_automatic_format_is_not_kept_by_the_edge(front: Front, key: str) -> None:
    from PIL import Image

    path = front.gateway.documents / "picture.png"
    Image.effect_noise((800, 600), 40).save(path)
    fresh(front, front.gateway.link(key))
    url = front.gateway.link("picture.png", "w320")
    kinds = {
        accept: front.edge.get(url, headers={"Accept": accept}).headers["content-type"]
        for accept in ("image/avif", "image/webp", "image/jpeg")
    }
    assert kinds == {kind: kind for kind in kinds}
    explicit = front.gateway.link("picture.png", "w320-webp")
    front.edge.get(explicit)
    assert "hit" in front.edge.get(explicit).headers["cache-status"]


def test_refusals_are_never_kept(front: Front, key: str) -> None:
    url = front.gateway.link(key)
    broken = url[:-1] + ("A" if url[-1] != "A" else "B")
    assert fresh(front, broken).status_code == 403
    before = front.fetches()
    assert front.edge.get(broken).status_code == 403
    assert front.fetches() == before + 1


def test_a_link_good_once_is_answered_once_and_only_looked_at_by_head(
    front: Front, key: str
) -> None:
    url = front.gateway.link(key, grant="original", one_time=True)
    fresh(front, front.gateway.link(key))
    for _ in range(3):
        assert front.edge.head(url).status_code == 405
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: front.edge.get(url), range(16)))
    assert sorted(answer.status_code for answer in answers) == [200] + [410] * 15
    [won] = [answer for answer in answers if answer.status_code == 200]
    assert won.content == FIRST
    cookie = won.headers["set-cookie"].partition(";")[0]
    more = front.edge.get(url, headers={"Range": "bytes=0-4", "Cookie": cookie})
    assert (more.status_code, more.content) == (206, FIRST[:5])
    assert front.edge.get(url).status_code == 410


def test_a_folders_cookie_opens_for_its_browser_alone(front: Front, key: str) -> None:
    body = {"folders": [{"bucket": "documents", "folder": "letters"}]}
    [folder] = front.gateway.post("/v1/folders", body).json()["folders"]
    token = folder["claim"].partition("?t=")[2]
    shown = {"rendition": "original", "key": key.removeprefix("letters/")}
    path = "/d/" + folder["plain"].partition("/d/")[2].format(**shown)
    fresh(front, f"{path}?t={token}")
    for _ in range(2):
        assert front.edge.get(f"{path}?t={token}").content == FIRST
        assert front.edge.get(path).status_code == 403
    place = folder["claim"].removeprefix("/d/").partition("/?")[0]
    cookie = f"{cookie_of(place).name}={token}"
    for _ in range(2):
        mine = front.edge.get(path, headers={"Cookie": cookie})
        assert (mine.status_code, mine.content) == (200, FIRST)
        assert front.edge.get(path).status_code == 403
    front.gateway.revoke(key)
    assert front.edge.get(f"{path}?t={token}").status_code == 410
    assert front.edge.get(path, headers={"Cookie": cookie}).status_code == 410


def bound(viewer: str) -> dict[str, str]:
    """The cookie of a viewer's browser."""
    badge = Badge("A" * 16, viewer, int(time.time()) + 600)
    ring = KeyRing([Key("k1", bytes.fromhex("5a" * 32))], "k1")
    return {"Cookie": f"{COOKIE.name}={Badges(ring).issue('cookie', badge)}"}


def test_a_bound_link_is_asked_for_each_time_and_never_kept(front: Front, key: str) -> None:
    wanted = {"documents": [reference(key)], "audience": "anna"}
    [issued] = front.gateway.post("/v1/links", wanted).json()["links"]
    target = httpx.URL(issued["url"]).raw_path.decode()
    fresh(front, front.gateway.link(key))  # what everybody may have is in the cache
    anna, ben, before = bound("anna"), bound("ben"), front.fetches()
    etag = front.edge.get(target, headers=anna).headers["etag"]
    asked = [
        ("GET", {}, 200),
        ("GET", {}, 200),
        ("HEAD", {}, 200),
        ("GET", {"Range": "bytes=0-9"}, 206),
        ("GET", {"If-None-Match": etag}, 304),
    ]
    for method, fields, status in asked:
        mine = front.edge.request(method, target, headers={**anna, **fields})
        assert (mine.status_code, mine.headers["cache-control"]) == (status, UNKEPT)
        assert "age" not in mine.headers or mine.headers["age"] == "0"
        for proof in ({}, ben):
            refused = front.edge.request(method, target, headers={**proof, **fields})
            assert refused.status_code == 403
            assert refused.content[:5] != FIRST[:5]
    assert front.fetches() - before == 1 + 3 * len(asked), "each was the gateway's to judge"
