"""What is rendered is whole, holds the zone's facts, and is the same each time."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gateway.edges import KINDS, Backend, EdgeFacts, rendering
from gateway.edges.texts import DOWN, refusal

K1, K2 = "01" * 32, "ab" * 32
ALL = ("jpeg", "webp", "avif", "png")
FACTS = EdgeFacts("clinic", {"k1": K1, "k2": K2}, {"w640": ALL, "card": ()}, 900)
BACKEND = Backend("10.0.0.7", 8081)
OURS = ("varnish", "nginx", "njs")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_facts_are_the_same_text(kind: str) -> None:
    assert rendering(kind)(FACTS, BACKEND) == rendering(kind)(FACTS, BACKEND)


@pytest.mark.parametrize("kind", OURS)
def test_no_mark_of_the_template_is_left(kind: str) -> None:
    assert not re.search(r"<<|>>|<%|%>", rendering(kind)(FACTS, BACKEND))


@pytest.mark.parametrize("kind", ["varnish", "njs"])
def test_every_key_stands_there_once_beside_its_kid(kind: str) -> None:
    text = rendering(kind)(FACTS, BACKEND)
    for kid, key in FACTS.keys.items():
        assert text.count(key) == 1
        assert text.rindex(kid, 0, text.index(key)) > text.index(key) - 80


@pytest.mark.parametrize("kind", ["varnish", "njs"])
def test_a_link_may_live_the_longest_life_and_a_minute(kind: str) -> None:
    assert re.search(r"\b960\b", rendering(kind)(FACTS, BACKEND))


def test_the_backend_is_where_it_was_said() -> None:
    assert '.host = "10.0.0.7"' in rendering("varnish")(FACTS, BACKEND)
    assert '.port = "8081"' in rendering("varnish")(FACTS, BACKEND)
    assert "server [::1]:8081;" in rendering("nginx")(FACTS, Backend("::1", 8081))


def test_what_edges_say_are_problems() -> None:
    refused = json.loads(refusal().body)
    assert (refused["status"], refused["code"]) == (403, "link.refused")
    assert json.loads(DOWN)["status"] == 503
    assert ("content-type", "application/problem+json") in refusal().fields
    assert "'" not in refusal().body + DOWN


def test_nginx_purges_by_the_shipped_script_whatever_its_copies_are_called() -> None:
    shipped = (Path(__file__).parents[3] / "deploy" / "nginx" / "purge.js").read_text()
    purging = shipped[shipped.index("// Unlinks") : shipped.index("export")]
    assert purging in rendering("njs")(FACTS, BACKEND)
    assert purging.count("function") == 2


def test_nginx_takes_no_purges_until_somebody_says_by_which_secret() -> None:
    text = rendering("nginx")(FACTS, BACKEND)
    assert 'map $server_port $ostiary_purge_key {\n    default "";\n}' in text
    assert text.count("/var/cache/nginx/ostiary") == 2
