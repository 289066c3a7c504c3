"""Neighbours are wished for where a zone asks for it, and a link opens them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.catalogue import describe
from gateway.documents import DocumentRef, Zone
from gateway.making.improvements import Neighbours, Wishes
from gateway.making.improvements.neighbours import neighbours
from gateway.stores.memory import MemoryStore
from imaging.names.renditions import Renditions, parse_spec
from signing.grants import Grant

RENDITIONS = Renditions({"letter": "w640"})


def beside(spec: str) -> list[str]:
    return [rendition.spec for rendition in neighbours(parse_spec(spec))]


def test_they_are_the_rungs_on_either_side_of_the_same_page_and_format() -> None:
    assert beside("w640-webp") == ["w480-webp", "w960-webp"]
    assert beside("p3-w1280-avif") == ["p3-w960-avif", "p3-w1920-avif"]


def test_the_ends_of_the_ladder_have_one() -> None:
    assert beside("w160-jpeg") == ["w320-jpeg"]
    assert beside("w2560-jpeg") == ["w1920-jpeg"]


@pytest.mark.parametrize(
    "spec",
    [
        "w640",
        "w641-webp",
        "h640-webp",
        "w640-h480-contain-webp",
        "w640-q80-webp",
        "w640-c100_100_200_200-webp",
        "w640-win40_400-webp",
        "w640-rletter_1-webp",
        "w640-mdraft-webp",
        "full-webp",
    ],
)
def test_what_is_no_rung_has_none(spec: str) -> None:
    assert beside(spec) == []


def test_a_preset_has_none() -> None:
    assert neighbours(cast(Any, RENDITIONS.find("letter-webp"))) == ()


class Told:
    """What is wished for when a rendition was made for a link."""

    def __init__(self, *, prefetch: bool = True) -> None:
        zone = Zone("clinic", "main", ("documents",), prefetch=prefetch)
        self.wishes = Wishes(lambda: 0.0)
        rules = cast(Any, SimpleNamespace(zones={"clinic": zone}))
        self.neighbours = Neighbours(rules, self.wishes)

    def tell(self, grant: str) -> int:
        store = MemoryStore()
        stored = store.put("documents", "a.jpg", b"x")
        document = describe(DocumentRef("clinic", "documents", "a.jpg"), stored, store.kind, b"x")
        link = SimpleNamespace(zone="clinic", grant=Grant.parse(grant), generation=3)
        self.neighbours.tell(cast(Any, link), document, parse_spec("w640-webp"))
        return self.wishes.waiting("make")


@pytest.mark.parametrize(("grant", "wished"), [("ia", 2), ("dp", 2), ("ix-w640-webp", 0)])
def test_what_a_link_does_not_open_is_not_wished_for(grant: str, wished: int) -> None:
    assert Told().tell(grant) == wished


def test_a_zone_that_does_not_ask_has_nothing_made() -> None:
    assert Told(prefetch=False).tell("ia") == 0
