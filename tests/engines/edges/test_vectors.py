"""Every vector on every real edge: its verdict, its class, and nothing kept for who may not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from gateway.edges.texts import refusal
from signing.grants import Grant

pytestmark = pytest.mark.engines

ZONE = re.compile(r"/d/[^/]+/([^/]+)/")
LINK = re.compile(r"/d/([^/]+)/([^?]+)\?t=(1\.[^.]+\.[^.]+\.([^.]+)\.[^.]+\.[^.]+\.([^.]+)\.[^.]+)")
AUTOMATIC = re.compile(r"(?:p[1-9][0-9]{0,3}-)?(?:w[0-9]+|thumb)")

# nginx does not take a target with an escaped NUL; the origin refuses each of them as well.
NEVER_TAKEN = {
    "nginx": {"%00 never stands in a key", "the key a%00b", "%00 in a name"},
    "varnish": set[str](),
}
# Servers take this form apart before anybody sees it (RFC 9112 section 3.2.2).
ABSOLUTE = "absolute form"
# White space ends a target: what arrives is the good link before it.
TRIMMED = {"a newline after", "a space after", "a newline after the signature"}


@pytest.fixture(scope="module")
def edges(
    kind: str, start_edge: Callable[..., Any], origin: Any, book: dict[str, Any]
) -> dict[str, Any]:
    return {zone: start_edge(kind, origin, zone) for zone in book["zones"]}


def edge_of(edges: dict[str, Any], target: str) -> Any:
    """The edge of the zone that a target names; any other has nothing to do with it."""
    zone = ZONE.match(target)
    return edges[zone[1] if zone and zone[1] in edges else "clinic"]


def key_of(case: dict[str, Any]) -> tuple[str, str]:
    """What two links must have in common to share a copy, and the target of their fetch."""
    link = LINK.fullmatch(case["target"])
    assert link is not None, case["name"]
    rendition, scope, token, gen, text = link.groups()
    grant = Grant.parse(text)
    assert case.get("class", grant.shared_class) == grant.shared_class
    if grant.covers in ("all", "previews") and AUTOMATIC.fullmatch(rendition):
        rendition += "-jpeg"
    path = f"/d/{rendition}/{scope}"
    return f"{path} {text[0]} {grant.shared_class} {gen}", f"{path}?t={token}"


def test_the_edge_judges_all_vectors_as_the_book_does(
    edges: dict[str, Any], book: dict[str, Any], kind: str
) -> None:
    cases: dict[str, list[dict[str, Any]]] = {"accept": [], "pass": [], "refuse": []}
    for case in book["cases"]:
        cases[case["edge"]].append(case)
    accepts(edges, cases["accept"], NEVER_TAKEN[kind])
    passes(edges, cases["pass"], NEVER_TAKEN[kind])
    # By now the cache holds what the refused ask for, so letting one in would show as a hit.
    refuses(edges, cases["refuse"], {ABSOLUTE, *TRIMMED})


def accepts(edges: dict[str, Any], cases: list[dict[str, Any]], never: set[str]) -> None:
    kept: set[str] = set()
    for case in cases:
        reply, seen = edge_of(edges, case["target"]).fetched(case["target"])
        if case["name"] in never:
            assert (reply.status, seen) == (403, []), case["name"]
            continue
        key, fetched = key_of(case)
        assert reply.status == 200, case["name"]
        assert [request.target for request in seen] == [fetched] * (key not in kept), case["name"]
        assert (reply.fields["x-cache"] == "hit") is (key in kept), case["name"]
        kept.add(key)


def passes(edges: dict[str, Any], cases: list[dict[str, Any]], never: set[str]) -> None:
    for case in cases:
        for _ in range(2):
            reply, seen = edge_of(edges, case["target"]).fetched(case["target"])
            if case["name"] in never:
                assert (reply.status, seen) == (403, []), case["name"]
                continue
            assert reply.status == 200, case["name"]
            assert [request.target for request in seen] == [case["target"]], case["name"]


def refuses(edges: dict[str, Any], cases: list[dict[str, Any]], never: set[str]) -> None:
    wrong: list[str] = []
    for case in cases:
        edge = edge_of(edges, case["target"])
        reply, seen = edge.fetched(case["target"])
        told = reply.status in (0, 403) and reply.body == refusal().body.encode()
        unreadable = reply.status == 400 and b"private" not in reply.body
        if (seen or not (told or unreadable)) and case["name"] not in never:
            wrong.append(f"{case['category']}: {case['name']}: {reply.status} {len(seen)}")
    assert wrong == []


def test_a_zones_edge_refuses_the_links_of_others(
    edges: dict[str, Any], book: dict[str, Any]
) -> None:
    for case in book["cases"]:
        zone = ZONE.match(case["target"])
        if case["edge"] != "accept" or zone is None:
            continue
        for name, edge in edges.items():
            if name != zone[1]:
                reply, seen = edge.fetched(case["target"])
                assert (reply.status, seen) == (403, []), (name, case["name"])
