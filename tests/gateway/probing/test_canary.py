"""The canary: a document of the gateway's own, for whoever has a link to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from gateway.probing import CanaryLinks
from gateway.probing.canary import nonce_of
from signing.keys import Key, KeyRing

SHIELD = {"Ostiary-Shield": "a-shield"}
CDN = {
    "varnish": {
        "provider": "varnish",
        "url": "http://127.0.0.1:9",
        "secret": "s",
        "shield": ["a-shield"],
    }
}
EDGE = {"cache": "edge", "public_url": "http://127.0.0.1:9"}


def links(**changes: Any) -> CanaryLinks:
    ring = KeyRing([Key("k1", bytes.fromhex("5a" * 32))], "k1", bytes(64))
    return CanaryLinks(ring, "clinic", 0, **{"longest_life": 3600, "sealed": False, **changes})


def kept(life: int = 600) -> Any:
    return links().kept(life, int(time.time()))


def nonce(answer: Any) -> str:
    found = nonce_of(answer.content)
    assert found is not None
    return found[0]


def test_every_answer_is_another(door: Any) -> None:
    link = kept()
    answers = [door.get(link.target) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({nonce(answer) for answer in answers}) == 3
    assert len({answer.headers["etag"] for answer in answers}) == 3


def test_its_answer_is_as_safe_as_any_and_tells_of_nobody(door: Any) -> None:
    answer = door.get(kept().target)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "x-request-id" not in answer.headers


def test_a_head_has_the_fields_and_no_body(door: Any) -> None:
    answer = door.ask("HEAD", kept().target)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize("mode", ["private", "windowed", "revalidate"])
def test_it_is_shared_within_the_law_whatever_the_zone_says(
    open_door: Callable[..., Any], mode: str
) -> None:
    door = open_door(clinic={"cache": mode}, cdn=CDN)
    told = door.get(kept(60).target).headers
    life = int(told["surrogate-control"].removeprefix("max-age=").split(",")[0])
    assert 25 <= life <= 30
    assert told["xkey"]


def test_one_that_nobody_may_keep_is_told_as_by_a_private_zone(
    open_door: Callable[..., Any],
) -> None:
    door = open_door(cdn=CDN)
    told = door.get(links().unkept(600, int(time.time())).target).headers
    assert told["surrogate-control"] == "no-store"
    assert told["cache-control"] == "private, max-age=60, no-transform"


def test_a_proven_edge_is_told_the_whole_time_and_that_it_is_known(
    open_door: Callable[..., Any],
) -> None:
    door = open_door(clinic=EDGE, cdn=CDN)
    link = kept(40)
    path, _, token = link.target.partition("?t=")
    answer = door.get(f"{path}?c=iw0", {**SHIELD, "Ostiary-Token": token})
    assert answer.headers["surrogate-control"].startswith("max-age=300")
    assert nonce_of(answer.content) == (nonce(answer), True)
    for fields in (SHIELD, {"Ostiary-Token": token}, {}):
        assert door.get(f"{path}?c=iw0", fields).status_code == 403
        plain = door.get(link.target, fields)
        assert plain.headers["surrogate-control"] in (
            "max-age=10, must-revalidate",
            "max-age=9, must-revalidate",
        )
        assert nonce_of(plain.content) == (nonce(plain), False)


def test_a_sealed_zone_has_one_as_well(open_door: Callable[..., Any]) -> None:
    seal = {"keys": {"k1": "5a" * 32}, "seal_key": "00" * 64}
    door = open_door(clinic={"sealed": True}, signing=seal)
    link = links(sealed=True).kept(600, int(time.time()))
    assert "~canary" not in link.target
    assert nonce(door.get(link.target))


@pytest.mark.parametrize("key", ["", "kept", "other/a", "Kept/a"])
def test_only_keys_of_canaries_open(door: Any, key: str) -> None:
    if key:
        link = links().again(key, 600, int(time.time()))
        assert door.get(link.target).status_code == 404


def test_there_are_no_renditions_of_it(door: Any) -> None:
    link = kept()
    for name in ("w640", "linear", "auto"):
        assert door.get(link.for_rendition(name)).status_code == 404


def test_without_its_own_link_it_stays_closed(door: Any) -> None:
    link = kept()
    now = int(time.time())
    for target in (
        link.target[:-1] + ("A" if link.target[-1] != "A" else "B"),
        link.target.partition("?")[0],
        link.target + "&x=1",
        links().ahead(link, 600, now).target,
        links().previews(link, 600, now).target.replace("/w640-webp/", "/original/"),
    ):
        assert door.get(target).status_code == 403


def test_nobody_is_given_a_link_to_it_by_the_api(door: Any) -> None:
    document = {"zone": "clinic", "bucket": "~canary", "key": "kept/a"}
    answer = door.post("/v1/links", {"documents": [document]})
    [issued] = answer.json()["links"]
    assert "url" not in issued


def test_a_revoked_zone_takes_its_links_back_too(door: Any) -> None:
    link = kept()
    assert door.get(link.target).status_code == 200
    assert door.post("/admin/revoke", {"zone": "clinic"}).status_code in (200, 202)
    assert door.get(link.target).status_code == 410
