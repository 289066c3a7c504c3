"""Edges fail closed: whatever breaks in the verifier, no kept copy goes to who may not have it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.engines

# Code put before a line of the verifier, and run when a request says `Fault: yes`.
VARNISH = [
    ('    var.set("signed",', "var.clear();"),
    ('    var.set("sig",', 'var.set("mac", "");'),
    ('    var.set("sig",', 'var.set("mac", "0x");'),
    ('    var.set("sig",', 'var.set("mac", "0x0123");'),
    ('    var.set("shown",', 'var.set("sig", "");'),
    ('    var.set("sig",', 'var.set("mac", blob.transcode(HEX, BASE64, encoded="0"));'),
    ('    if (str.count(var.get("sig"))', 'var.set("shown", "");'),
    ('    if (str.count(var.get("sig"))', 'var.set("sig", "");'),
    ('    var.set_int("exp",', 'var.set_int("now", std.integer("none", 0));'),
    ('    if (var.get_int("exp") <=', 'var.set_int("exp", std.integer("none", 0));'),
    ('    if (var.get("grant") == "ia"', 'var.set("grant", "");'),
    ('    if (var.get("grant") == "ia"', 'var.set("rendition", "");'),
    ('    if (var.get("grant") == "ia"', "return (fail);"),
]
NGINX = [
    ("    const target = r.variables", "throw new Error('judged');"),
    ("    const found = target.length", "throw new Error('parts');"),
    ("    const key = KEYS", "throw new TypeError('signed');"),
    ("    const whole = mac(", "return undefined;"),
    ("    const whole = mac(", "return mac(undefined, null);"),
    ("    return 1800000000", "return undefined;"),
    ("    switch (link.covers)", "throw 'granted';"),
    ("    const path = '/d/'", "throw new RangeError('share');"),
    ("    r.variables.ostiary_key", "r.variables.nowhere = 'x';"),
]
FAULTS = [("varnish", *fault) for fault in VARNISH] + [("nginx", *fault) for fault in NGINX]


def spoilt(kind: str, line: str, code: str) -> Callable[[dict[str, str]], dict[str, str]]:
    def spoil(files: dict[str, str]) -> dict[str, str]:
        part = "varnish" if kind == "varnish" else "njs"
        text = files[part]
        assert text.count(line) == 1, f"{part} no longer has {line!r}"
        if kind == "varnish":
            fault = f"    if (req.http.Fault) {{\n        {code}\n    }}\n{line}"
        else:
            fault = f"    if (faulty) {{ {code} }}\n{line}"
            start = "function verify(r) {\n"
            assert start in text
            text = text.replace(start, f"{start}    faulty = r.headersIn['Fault'] === 'yes';\n")
            text = text.replace("const KEYS", "let faulty = false;\nconst KEYS")
        return {**files, part: text.replace(line, fault)}

    return spoil


@pytest.mark.parametrize(("kind", "line", "code"), FAULTS)
def test_a_fault_in_the_verifier_lets_nobody_in(
    kind: str,
    line: str,
    code: str,
    start_edge: Callable[..., Any],
    origin: Any,
    links: Any,
    name: str,
) -> None:
    edge = start_edge(kind, origin, spoil=spoilt(kind, line, code))
    good = links.link("w640", "ip", key=name)
    assert edge.get(good).status == 200
    assert edge.fetched(good)[1] == [], "the copy is kept"
    before = len(origin.seen)
    for target in [good, *bad(links, name)]:
        reply = edge.get(target, Fault="yes")
        assert reply.status in (403, 503)
        assert b"private octets" not in reply.body
        assert "html" not in reply.fields["content-type"]
    assert len(origin.seen) == before
    assert edge.get(good).status == 200, "and it works on afterwards"


def bad(links: Any, name: str) -> list[str]:
    """Links to a kept document that nobody may use."""
    good = links.link("w640", "ip", key=name)
    return [
        f"{good[:-1]}{'A' if good[-1] != 'A' else 'B'}",
        good[:-32] + "A" * 32,
        links.link("w640", "ip", key=name, left=0),
        links.link("w640", "ip", key=name, left=86_461),
        links.link("original", "ip", key=name),
        links.link("w640", "io", key=name),
        good.partition("?")[0],
    ]


def test_a_broken_clock_lets_nobody_in(
    start_edge: Callable[..., Any], kind: str, origin: Any, links: Any, name: str
) -> None:
    def stopped(files: dict[str, str]) -> dict[str, str]:
        broken = {"varnish": "0", "njs": "NaN"}
        return {
            part: text.replace("1800000000", broken.get(part, "0")) for part, text in files.items()
        }

    edge = start_edge(kind, origin, spoil=stopped)
    assert edge.fetched(links.link("original", "ia", key=name))[0].status == 403


def test_an_origin_that_is_down_opens_nothing(
    kind: str, start_edge: Callable[..., Any], origin: Any, links: Any, name: str
) -> None:
    edge = start_edge(kind, origin)
    good = links.link("w640", "ip", key=name)
    assert edge.get(good).status == 200
    origin.stop()
    try:
        assert edge.get(good).fields["x-cache"] == "hit"
        for target in bad(links, name):
            assert edge.get(target).status == 403
        cold = edge.get(links.link("w640", "ip", key=f"cold/{name}"))
        bound = edge.get(links.link("w640", "ip", key=name, aud="Zm9vYmFyYmF6cXV4"))
    finally:
        origin.start_again()
    for reply in (cold, bound):
        assert (reply.status, json.loads(reply.body)["status"]) == (503, 503)
        assert reply.fields["content-type"] == "application/problem+json"
        assert reply.fields["cache-control"] == "no-store"


def test_a_request_as_large_as_varnish_takes_is_still_judged(
    start_edge: Callable[..., Any], origin: Any, links: Any
) -> None:
    edge = start_edge("varnish", origin)
    key = "k" * 1024
    good = links.link("w640", "ip", key=key)
    fields = {f"F{number}": "x" * 4000 for number in range(6)}
    assert edge.get(good, **fields).status == 200
    for target in bad(links, key):
        assert edge.get(target, **fields).status == 403


def test_without_memory_for_the_verdict_varnish_refuses(
    start_edge: Callable[..., Any], origin: Any, links: Any
) -> None:
    small = ("-p", "http_req_size=16k", "-p", "workspace_client=32k")
    edge = start_edge("varnish", origin, options=small)
    key = "k" * 100
    good = links.link("w640", "ip", key=key)
    assert edge.get(good).status == 200
    before = len(origin.seen)
    failed = 0
    for size in range(0, 12000, 200):
        for target in bad(links, key)[:3]:
            reply = edge.get(target, **{f"Padding{n}": "x" * (size // 4) for n in range(4)})
            assert reply.status in (0, 403, 500, 503)
            failed += reply.status != 403
            assert b"private octets" not in reply.body
    assert failed, "nothing was ever short of memory"
    assert len(origin.seen) == before
    assert edge.get(good).status == 200


def test_a_script_that_does_not_load_keeps_nginx_from_starting(
    start_edge: Callable[..., Any], origin: Any
) -> None:
    def broken(files: dict[str, str]) -> dict[str, str]:
        return {**files, "njs": files["njs"].replace("const KEYS = {", "const KEYS = {{")}

    with pytest.raises(AssertionError, match="SyntaxError"):
        start_edge("nginx", origin, spoil=broken)
