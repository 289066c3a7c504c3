"""What an edge is told of a zone is what the gateway itself goes by."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edges.facts import ALWAYS, EdgeFacts, facts_of
from gateway.settings import Settings
from imaging.names.renditions import Renditions

K1, K2 = "01" * 32, "ab" * 40
PRESETS = {"thumb": "w160-h160-cover", "card": "w320-webp", "fine": "w640-q90"}
FACTS = EdgeFacts("clinic", {"k1": "0" * 64}, {"w640": ("jpeg", "webp")}, 900)


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings.model_validate(
        {
            "signing": {"keys": {"k1": K1, "k2": K2}, "active": "k2"},
            "stores": {"files": {"url": "file:///srv/files"}},
            "zones": {
                "clinic": {
                    "store": "files",
                    "buckets": ["documents"],
                    "longest_life": 7200,
                    "cors": True,
                }
            },
            "renditions": {"presets": PRESETS},
        }
    )


def test_every_kid_comes_with_the_key_for_reading_derived_for_the_zone(settings: Settings) -> None:
    derived = {
        kid: hmac.digest(bytes.fromhex(secret), b"ostiary:read:clinic", "sha256").hex()
        for kid, secret in (("k1", K1), ("k2", K2))
    }
    assert facts_of(settings, "clinic").keys == derived


def test_times_and_cors_are_the_zones(settings: Settings) -> None:
    facts = facts_of(settings, "clinic")
    assert (facts.longest_life, facts.farthest, facts.cors) == (7200, 7260, True)


@pytest.mark.parametrize("form", ["", "-jpeg", "-webp", "-avif", "-png"])
@pytest.mark.parametrize("base", ["w160", "w2560", "w161", "thumb", "card", "fine", "nothing"])
def test_names_and_formats_are_those_that_are_declared(
    settings: Settings, base: str, form: str
) -> None:
    names = facts_of(settings, "clinic").names
    told = base in names and (not form or form[1:] in names[base])
    assert told is Renditions(PRESETS).declared(base + form)


def test_a_name_has_a_format_of_its_own_or_takes_one(settings: Settings) -> None:
    facts = facts_of(settings, "clinic")
    assert facts.fixed == ("card",)
    assert {"w640", "thumb", "fine"} <= set(facts.automatic)


def test_what_is_declared_everywhere_is(settings: Settings) -> None:
    assert all(map(Renditions().declared, ALWAYS))
    assert not set(ALWAYS) & set(facts_of(settings, "clinic").names)


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": 'clinic"'},
        {"zone": ""},
        {"keys": {}},
        {"keys": {"k1": "0" * 63}},
        {"keys": {"k1": "A" * 64}},
        {"keys": {"K1": "0" * 64}},
        {"longest_life": 0},
        {"names": {'w640"': ()}},
        {"names": {"auto": ()}},
        {"names": {"w640": ("tiff",)}},
    ],
)
def test_what_can_not_be_written_into_code_is_no_fact(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no "):
        replace(FACTS, **wrong)


@given(zone=st.text(max_size=40), name=st.text(max_size=40))
def test_no_quote_and_no_line_gets_into_a_fact(zone: str, name: str) -> None:
    try:
        facts = EdgeFacts(zone, FACTS.keys, {name: ()}, 900)
    except ValueError:
        return
    assert (facts.zone + name).isascii()
    assert not set(facts.zone + name) & set("\"'\\\n\r {}$")


def test_keys_do_not_show() -> None:
    assert "0" * 64 not in repr(FACTS)
