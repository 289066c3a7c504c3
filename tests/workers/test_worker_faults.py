"""A Worker in which something breaks, before a cache with the copy: it never serves it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.edges import Backend
from gateway.edges.worker import rendered
from tests.workers.runtime import Worker, ask, running
from tests.workers.shelf import Shelf
from tests.workers.verdicts import facts_of, link

pytestmark = pytest.mark.engines

FAULTS = {
    "none": "",
    "sign_throws": 'crypto.subtle.sign = () => { throw new Error("broken"); };',
    "sign_rejects": 'crypto.subtle.sign = () => Promise.reject(new Error("broken"));',
    "sign_gives_nothing": "crypto.subtle.sign = async () => new ArrayBuffer(0);",
    "no_key_is_taken": 'crypto.subtle.importKey = () => Promise.reject(new Error("broken"));',
    "nothing_compares": "crypto.subtle.timingSafeEqual = undefined;",
    "no_encoder": "globalThis.TextEncoder = undefined;",
    "no_time": "Date.now = () => NaN;",
    "no_expressions": 'RegExp.prototype.exec = () => { throw new Error("broken"); };',
    "nothing_matches": "RegExp.prototype.exec = () => null;",
}


@pytest.fixture(scope="module")
def broken(cache: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    backend, facts = Backend("127.0.0.1", cache.port), facts_of("clinic")
    text = rendered(facts, backend)
    others = replace(facts, keys={"k1": facts.keys["k1"]})
    workers = {name: Worker(text, fault) for name, fault in FAULTS.items()} | {
        "key_removed": Worker(rendered(others, backend)),
        "key_emptied": Worker(text.replace(facts.keys["k2"], "")),
        "key_of_octets": Worker(text.replace(f'"{facts.keys["k2"]}"', "null")),
        "no_keys": Worker(text.replace('"keys"', '"lost"')),
        "no_names": Worker(text.replace('"automatic"', '"lost"').replace('"declared"', '"gone"')),
        "no_grammar": Worker(text.replace('"target"', '"lost"')),
        "no_life": Worker(text.replace('"farthest"', '"lost"')),
    }
    with running(Path(tmp_path_factory.mktemp("faults")), workers) as ports:
        for rendition in ("original", "w640", "thumb"):
            assert ask(ports["none"], cache.authority, link(rendition)).status == 200
        yield ports


@pytest.mark.parametrize(
    "fault",
    [
        *(name for name in FAULTS if name != "none"),
        "key_removed", "key_emptied", "key_of_octets", "no_keys", "no_life", "no_grammar",
    ],
)  # fmt: skip
def test_a_broken_worker_refuses(fault: str, broken: dict[str, int], cache: Shelf) -> None:
    cache.asked.clear()
    for rendition in ("original", "w640", "thumb"):
        good = link(rendition)
        for target in (good, good[:-1] + "_", good.split("?")[0]):
            assert ask(broken[fault], cache.authority, target).status == 403
    assert cache.asked == []


def test_without_names_only_the_original_is_left(broken: dict[str, int], cache: Shelf) -> None:
    shown = [
        ask(broken["no_names"], cache.authority, link(rendition)).status
        for rendition in ("original", "w640", "thumb", "secret")
    ]
    assert shown == [200, 403, 403, 403]


def test_an_origin_that_does_not_answer_is_no_leak(tmp_path: Path, spare_port: object) -> None:
    assert callable(spare_port)
    port = spare_port()
    text = rendered(facts_of("clinic"), Backend("127.0.0.1", port))
    with running(tmp_path, {"alone": Worker(text)}) as ports:
        assert ask(ports["alone"], f"127.0.0.1:{port}", link()).status == 403
