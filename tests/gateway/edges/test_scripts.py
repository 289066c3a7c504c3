"""Edges in JavaScript and Fastly's VCL as they are written down."""

from __future__ import annotations

import json

import pytest

from gateway.edges import Backend, EdgeFacts, cloudfront, fastly, worker

KEYS = {"k1": "ab" * 32, "k2": "cd" * 32}
FACTS = EdgeFacts(
    "clinic", KEYS, {"w640": ("jpeg", "webp", "avif", "png"), "thumb": ()}, longest_life=3600
)
EVERYWHERE = Backend("docs.example.org", 443)


def block(text: str) -> dict[str, object]:
    """What a script is told."""
    found = text.split("// ostiary: config\nconst CONFIG = ")[1].split(";\n// ostiary: end")[0]
    told: dict[str, object] = json.loads(found)
    return told


@pytest.mark.parametrize(
    ("backend", "origin"),
    [
        ("docs.example.org:443", "https://docs.example.org"),
        ("Docs.Example.ORG:443", "https://docs.example.org"),
        ("docs.example.org:80", "http://docs.example.org"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("[2001:DB8::1]:443", "https://[2001:db8::1]"),
    ],
)
def test_the_worker_serves_its_backends_host(backend: str, origin: str) -> None:
    assert block(worker.rendered(FACTS, Backend.parse(backend)))["origin"] == origin


def test_the_worker_holds_the_keys_and_says_so() -> None:
    text = worker.rendered(FACTS, EVERYWHERE)
    assert block(text)["keys"] == KEYS
    assert "THIS FILE HOLDS KEYS" in text


def test_cloudfronts_keys_stand_apart_from_its_code() -> None:
    line, code = cloudfront.rendered(FACTS, EVERYWHERE).split("\n", 1)
    assert json.loads(line.removeprefix("//kvs ")) == [
        {"Key": "clinic.k1", "Value": KEYS["k1"]},
        {"Key": "clinic.k2", "Value": KEYS["k2"]},
    ]
    assert "keys" not in block(code)
    assert block(code)["farthest"] == 3660


@pytest.mark.parametrize("kind", [worker, cloudfront, fastly])
def test_nothing_is_left_to_fill_in(kind: object) -> None:
    text = kind.rendered(FACTS, EVERYWHERE)  # type: ignore[attr-defined]
    assert not {"<<", ">>", "<%", "%>"} & {text[at : at + 2] for at in range(len(text))}
    assert "None" not in text
