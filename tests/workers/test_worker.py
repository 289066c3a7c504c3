"""The Cloudflare Worker in workerd, before a cache with every copy and an origin that says yes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.edges import Backend
from gateway.edges.worker import rendered
from gateway.problems import problem_for, render
from signing.errors import LinkRefused
from tests.workers.runtime import Answer, Worker, ask, running
from tests.workers.shelf import FOR_CACHES, Shelf
from tests.workers.verdicts import CASES, ZONES, Case, asked_for, facts_of, link, zone_of

pytestmark = pytest.mark.engines

Through = Callable[..., Answer]

# What an HTTP server resolves before a Worker is run: it then has the URL of a good link.
RESOLVED = {"a fragment", "absolute form"}
CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"


@pytest.fixture(scope="module")
def warm(ports: dict[str, int], cache: Shelf) -> Shelf:
    """The cache with a copy for every link that is good."""
    for case in CASES:
        ask(ports[zone_of(case)], cache.authority, case["target"])
    assert len(cache.kept) > 50
    return cache


def verdict(answer: tuple[int, str]) -> str:
    status, body = answer
    if status in (400, 403):
        return "refuse"
    return "accept" if "?c=" in body else "pass"


def test_every_vector_has_its_verdict_over_the_wire(warm: Shelf, through: Through) -> None:
    wrong = []
    for case in CASES:
        answer = through(zone_of(case), case["target"])
        if verdict((answer.status, answer.body)) != case["edge"] and case["name"] not in RESOLVED:
            wrong.append((case["category"], case["name"], answer))
    assert wrong == []


@pytest.mark.parametrize("zone", ZONES)
def test_every_vector_has_its_verdict_as_a_text(
    zone: str, warm: Shelf, ports: dict[str, int]
) -> None:
    cases = [case for case in CASES if zone_of(case) == zone]
    targets = [case["target"] for case in cases]
    asked = json.dumps({"origin": f"http://{warm.authority}", "targets": targets})
    answers: list[Any] = json.loads(ask(ports[zone], warm.authority, "/", "PUT", body=asked).body)
    wrong = [
        (case["name"], answer)
        for case, answer in zip(cases, answers, strict=True)
        if verdict(answer) != case["edge"]
    ]
    assert wrong == []


def test_a_refused_vector_never_reaches_the_cache(warm: Shelf, through: Through) -> None:
    warm.asked.clear()
    for case in CASES:
        if case["edge"] == "refuse" and case["name"] not in RESOLVED:
            through(zone_of(case), case["target"])
    assert warm.asked == []


ACCEPTED = [case for case in CASES if case["edge"] == "accept" and "class" in case]


def test_an_accepted_vector_is_asked_for_without_its_token(cache: Shelf, through: Through) -> None:
    def seen(case: Case) -> tuple[str, str]:
        cache.asked.clear()
        through(zone_of(case), case["target"])
        (asked,) = cache.asked
        return asked.target, asked.fields["ostiary-token"]

    assert [seen(case) for case in ACCEPTED] == [asked_for(case) for case in ACCEPTED]


def test_a_link_of_one_zone_is_refused_at_anothers_edge(through: Through) -> None:
    assert through("clinic", link()).status == 200
    assert through("lab", link()).status == 403


def test_both_keys_open_until_one_is_taken_out(
    cache: Shelf, through: Through, tmp_path: Path
) -> None:
    links = [link(kid=kid) for kid in ("k1", "k2")]
    assert [through("clinic", target).status for target in links] == [200, 200]
    left = {kid: key for kid, key in facts_of("clinic").keys.items() if kid != "k1"}
    text = rendered(facts_of("clinic", keys=left), Backend("127.0.0.1", cache.port))
    with running(tmp_path, {"clinic": Worker(text)}) as ports:
        after = [ask(ports["clinic"], cache.authority, target).status for target in links]
    assert after == [403, 200]


def test_links_that_get_the_same_share_a_copy(cache: Shelf, through: Through) -> None:
    cache.kept.clear()
    same = [link(), link(life=60), link(kid="k1"), link(grant="io")]
    assert len({through("clinic", target).body for target in same}) == 1
    assert len(cache.kept) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (link("w640"), link("w640", "ip")),
        (link("w640-avif"), link("w640-avif", "ix-w640-avif")),
        (link(), link(gen=1)),
        (link(), link(grant="da")),
        (link(), link("w640")),
    ],
    ids=["grant", "exact grant", "generation", "disposition", "rendition"],
)
def test_links_that_get_different_things_do_not(
    one: str, other: str, cache: Shelf, through: Through
) -> None:
    cache.kept.clear()
    assert through("clinic", one).body != through("clinic", other).body
    assert len(cache.kept) == 2


@pytest.mark.parametrize(
    ("rendition", "grant", "accept", "asked"),
    [
        ("w640", "ia", CHROME, "w640-avif"),
        ("w640", "ip", "IMAGE/WEBP , */*", "w640-webp"),
        ("w640", "ia", "*/*", "w640-jpeg"),
        ("w640", "ia", "", "w640-jpeg"),
        ("w640", "ia", "image/avif;q=0, image/webp;q=0.5", "w640-webp"),
        ("w640", "ia", "image/avif;q=0.000,image/webp; Q=0.0", "w640-jpeg"),
        ("w640", "ia", "text/x, application/image/avif", "w640-jpeg"),
        ("p3-w640", "ia", CHROME, "p3-w640-webp"),
        ("p3-w640", "ia", "image/avif", "p3-w640-avif"),
        ("w640-jpeg", "ia", CHROME, "w640-jpeg"),
        ("thumb", "ia", CHROME, "thumb"),
        ("auto", "ia", CHROME, "auto"),
        ("w640", "ix-w640", CHROME, "w640"),
        ("original", "ia", CHROME, "original"),
    ],
)
def test_what_accept_decides_is_asked_for_by_its_name(
    rendition: str, grant: str, accept: str, asked: str, cache: Shelf, through: Through
) -> None:
    cache.asked.clear()
    assert through("clinic", link(rendition, grant), accept=accept).status == 200
    assert cache.asked[0].target.split("/")[2] == asked


def test_accept_goes_on_as_one_of_three(cache: Shelf, through: Through) -> None:
    cache.asked.clear()
    for accept in (CHROME, "image/avif,image/webp", "image/webp,x/y", "a/b", "*/*;q=0.1"):
        through("clinic", link("auto"), accept=accept)
    assert [asked.fields["accept"] for asked in cache.asked] == [
        "image/avif,image/webp,*/*",
        "image/avif,image/webp,*/*",
        "image/webp,*/*",
        "*/*",
        "*/*",
    ]


FORGED = {
    "Ostiary_Token": "1.forged",
    "Ostiary_Shield": "forged",
    "Forwarded": "for=9.9.9.9",
    "X_Forwarded_For": "9.9.9.9",
    "X_Forwarded_Host": "evil.example",
    "X_Forwarded_Prefix": "/evil",
    "X_Original_URL": "/evil",
    "X_Rewrite_URL": "/evil",
    "X_Real_IP": "9.9.9.9",
    "CF_Connecting_IP": "192.0.2.7",
}


@pytest.mark.parametrize("target", [link(), link(aud="A" * 16)], ids=["shared", "passed"])
def test_what_clients_could_forge_does_not_go_on(
    target: str, cache: Shelf, through: Through
) -> None:
    cache.asked.clear()
    through("clinic", target, **FORGED)
    (asked,) = cache.asked
    assert "forged" not in str(asked)
    assert "evil" not in str(asked)
    assert "9.9.9.9" not in str(asked)
    assert asked.fields["x-forwarded-for"] == "192.0.2.7"
    assert asked.fields["ostiary-shield"] == "shield-of-the-tests"


def test_nothing_of_a_viewer_goes_to_a_shared_copy(cache: Shelf, through: Through) -> None:
    brought = {"Cookie": "a=b", "Authorization": "Bearer x", "Range": "bytes=0-1"}
    cache.asked.clear()
    through("clinic", link(), **brought)
    through("clinic", link(jti="A" * 16), **brought)
    shared, passed = cache.asked
    assert {"cookie", "authorization"}.isdisjoint(shared.fields)
    assert shared.fields["range"] == "bytes=0-1"
    assert (passed.fields["cookie"], passed.fields["authorization"]) == ("a=b", "Bearer x")


def test_a_passed_link_goes_on_whole_and_is_not_kept(cache: Shelf, through: Through) -> None:
    cache.kept.clear()
    cache.asked.clear()
    target = link(aud="A" * 16)
    assert through("clinic", target).body == f"{target} by -"
    assert cache.asked[0].fields["cache-control"] == "no-cache"
    assert not cache.kept


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("HEAD", link(), 200),
        ("OPTIONS", link(), 200),
        ("POST", "/v1/viewers/claim", 200),
        ("GET", "/storage/v1/object/public/a/b", 200),
        ("GET", "/", 200),
        ("GET", "/metrics", 403),
        ("POST", "/admin/purge", 403),
        ("GET", "/v1/../metrics", 403),
        ("POST", "/d/../metrics", 403),
        ("GET", link().split("?")[0] + "?c=iw0", 403),
        ("HEAD", link()[:-1] + "!", 403),
    ],
)
def test_what_is_no_link(method: str, target: str, status: int, through: Through) -> None:
    assert through("clinic", target, method, body="x" * (method == "POST")).status == status


def test_another_host_gets_nothing(ports: dict[str, int], cache: Shelf) -> None:
    assert ask(ports["clinic"], "docs.workers.example", link()).status == 403


def test_a_refusal_is_the_gateways_own_and_tells_nothing(through: Through) -> None:
    refused = through("clinic", link()[:-1] + "!")
    _, _, body = render(problem_for(LinkRefused("x")), request_id="", html=False)
    assert refused.body == body.decode()
    assert refused.fields["cache-control"] == "no-store"
    assert refused.fields["content-type"] == "application/problem+json"
    assert "access-control-allow-origin" not in refused.fields
    assert through("lab", "/d/x").fields["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("target", [link(), link(aud="A" * 16), "/v1/links"])
def test_fields_for_caches_stay_there(target: str, through: Through) -> None:
    told = through("clinic", target).fields
    assert {"age", *(name.lower() for name in FOR_CACHES)}.isdisjoint(told)
    assert told["cache-control"] == "private, no-cache, no-transform"


def test_a_length_of_zero_is_no_body(cache: Shelf, through: Through) -> None:
    cache.asked.clear()
    assert "?c=" in through("clinic", link(), **{"Content-Length": "0"}).body
    assert "content-length" not in cache.asked[0].fields


@pytest.mark.parametrize(
    ("life", "origin", "browser"),
    [
        (900, "private, max-age=86400, no-transform", "private, max-age=300, no-transform"),
        (20, "private, max-age=300, immutable", "private, max-age=20, immutable"),
        (900, "private, max-age=60", "private, max-age=60"),
        (900, "public, max-age=0, s-maxage=900", "public, max-age=0, s-maxage=900"),
    ],
)
def test_a_browsers_time_ends_with_its_own_link(
    life: int, origin: str, browser: str, cache: Shelf, through: Through
) -> None:
    before, cache.control = cache.control, origin
    try:
        assert through("clinic", link(life=life)).fields["cache-control"] == browser
    finally:
        cache.control = before
