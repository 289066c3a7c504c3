"""What a verifying Varnish forgets when told, and what it shows while the origin is away."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.engines.edges.running import SECRET

pytestmark = pytest.mark.engines

TAGS = itertools.count()


@pytest.fixture(scope="module")
def varnish(start_edge: Callable[..., Any], origin: Any) -> Any:
    return start_edge("varnish", origin)


@pytest.fixture
def tag(origin: Any) -> Iterator[str]:
    """A tag that the origin's answers have in this test alone, and may be shown stale for long."""
    name = f"d-{next(TAGS)}-forgotten"
    control = "max-age=600, stale-while-revalidate=0, stale-if-error=600"
    origin.say(xkey=f"{name} z-1", Surrogate_Control=control)
    yield name
    origin.say()


def purge(edge: Any, tag: str, method: str = "PURGE", key: str = SECRET) -> int:
    return int(edge.get("/", method, purge_key=key, xkey_purge=tag).status)


def reached(edge: Any) -> None:
    """Varnish leaves a backend alone for a moment after it refused a connection."""
    deadline = time.monotonic() + 20
    while edge.get("/v1/links").status != 200:
        assert time.monotonic() < deadline, "the origin is found again"
        time.sleep(0.02)


def test_a_purge_by_tag_takes_all_copies_of_a_document(
    varnish: Any, links: Any, name: str, tag: str
) -> None:
    targets = [links.link(*link, key=name) for link in (("w640", "ip"), ("original", "ia"))]
    for target in targets:
        assert len(varnish.fetched(target)[1]) == 1
        assert varnish.fetched(target)[1] == []
    assert purge(varnish, tag) == 200
    assert [len(varnish.fetched(target)[1]) for target in targets] == [1, 1]


@pytest.mark.parametrize("key", ["", "wrong"])
def test_nobody_purges_without_the_secret(
    varnish: Any, links: Any, name: str, tag: str, key: str
) -> None:
    target = links.link("w640", "ip", key=name)
    varnish.get(target)
    assert purge(varnish, tag, key=key) == 403
    assert varnish.fetched(target)[1] == []


def test_a_stale_copy_is_asked_about_and_renewed(
    varnish: Any, links: Any, name: str, tag: str
) -> None:
    target = links.link("w640", "ip", key=name)
    varnish.get(target)
    assert purge(varnish, tag, "SOFTPURGE") == 200
    reply, seen = varnish.fetched(target)
    assert (reply.status, len(seen)) == (200, 1)
    assert varnish.fetched(target)[1] == []


def test_a_stale_copy_stands_in_for_an_origin_that_is_down_but_for_good_links_alone(
    varnish: Any, origin: Any, links: Any, name: str, tag: str
) -> None:
    target = links.link("w640", "ip", key=name)
    whole = varnish.get(target).body
    assert purge(varnish, tag, "SOFTPURGE") == 200
    origin.stop()
    try:
        stale = varnish.get(links.link("w640", "ip", key=name, left=80))
        refused = [
            varnish.get(target[:-1] + "!"),
            varnish.get(links.link("w640", "ip", key=name, left=0)),
            varnish.get(links.link("w640", "ix-w160", key=name)),
        ]
    finally:
        origin.start_again()
        reached(varnish)
    assert (stale.status, stale.body, stale.fields["x-cache"]) == (200, whole, "stale")
    assert stale.fields["cache-control"] == "private, no-cache, no-transform"
    assert [reply.status for reply in refused] == [403, 403, 403]


def test_what_must_be_asked_about_is_asked_each_time(
    varnish: Any, origin: Any, links: Any, name: str
) -> None:
    origin.say(Surrogate_Control="no-cache", Cache_Control="private, no-cache, no-transform")
    try:
        for left in (900, 901):
            reply, seen = varnish.fetched(links.link("w640", "ip", key=name, left=left))
            assert (reply.status, len(seen)) == (200, 1)
            assert reply.fields["cache-control"] == "private, no-cache, no-transform"
    finally:
        origin.say()
