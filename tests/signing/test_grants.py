"""Grants: their texts, and which renditions each shows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.errors import Unsignable
from signing.grants import Grant

TEXTS = {
    "ia": Grant("inline", "all"),
    "do": Grant("download", "original"),
    "ip": Grant("inline", "previews"),
    "ix-w640": Grant("inline", "exact", "w640"),
    "dx-x-y": Grant("download", "exact", "x-y"),
}


@pytest.mark.parametrize(("text", "grant"), TEXTS.items(), ids=list(TEXTS))
def test_a_grant_and_its_text_are_one(text: str, grant: Grant) -> None:
    assert Grant.parse(text) == grant
    assert grant.text == text


BROKEN = ["", "i", "a", "ai", "iz", "IA", "ia ", "iao", "ix", "ix-", "ix--a", "ix-original", "ia\n"]


@pytest.mark.parametrize("text", [*BROKEN, "ix-" + "x" * 65, "ix-W640", "ix-ä"])
def test_any_other_text_is_no_grant(text: str) -> None:
    with pytest.raises(Unsignable) as caught:
        Grant.parse(text)
    assert caught.value.reason == "grant"


ILLEGAL: list[tuple[Any, Any, str]] = [
    ("inline", "all", "w640"),
    ("inline", "exact", ""),
    ("inline", "exact", "original"),
    ("inline", "exact", "W640"),
    ("inline", "previews", "!"),
    ("attachment", "all", ""),
    ("inline", "some", ""),
]


@pytest.mark.parametrize("parts", ILLEGAL, ids=str)
def test_an_illegal_grant_can_not_be_built(parts: tuple[Any, Any, str]) -> None:
    with pytest.raises(Unsignable):
        Grant(*parts)


# rendition, declared, carries the original → shown by ia, io, ip, ix-w640
TABLE = [
    ("original", True, True, "ia io"),
    ("w640", True, False, "ia ip ix-w640"),
    ("w160", True, False, "ia ip"),
    ("linear", True, True, "ia"),
    ("w641", False, False, ""),
    ("w640", False, False, "ix-w640"),
    ("w640", True, True, "ia ix-w640"),
]


@pytest.mark.parametrize("row", TABLE, ids=str)
@pytest.mark.parametrize("text", ["ia", "io", "ip", "ix-w640"])
def test_a_grant_shows_its_family_and_nothing_else(
    row: tuple[str, bool, bool, str], text: str
) -> None:
    rendition, declared, carries, shown_by = row
    shown = Grant.parse(text).allows(rendition, declared=declared, carries_original=carries)
    assert shown is (text in shown_by.split())


@given(st.sampled_from(list(TEXTS)), st.booleans())
def test_the_class_that_may_hold_the_original_is_that_of_grants_that_show_it(
    text: str, declared: bool
) -> None:
    grant = Grant.parse(text)
    shows = grant.allows("original", declared=declared, carries_original=True)
    assert grant.shared_class == ("w" if shows else "r")


@pytest.mark.parametrize("name", ["linear", "auto", "p1-text", "p10-text", "p9999-text"])
@pytest.mark.parametrize("disposition", ["i", "d"])
def test_a_rendition_that_carries_the_original_is_kept_with_originals(
    disposition: str, name: str
) -> None:
    assert Grant.parse(f"{disposition}x-{name}").shared_class == "w"


@pytest.mark.parametrize(
    "name",
    ["w640", "p1-w640", "linear2", "alinear", "autos", "p-text", "p0-text", "p01-text", "p1-texts"],
)
def test_no_other_rendition_is(name: str) -> None:
    assert Grant.parse(f"ix-{name}").shared_class == "r"


def test_a_new_link_shows_the_natural_rendition_of_its_grant() -> None:
    firsts = {text: Grant.parse(text).first for text in TEXTS}
    assert firsts == {
        "ia": "original",
        "do": "original",
        "ip": "w640-webp",
        "ix-w640": "w640",
        "dx-x-y": "x-y",
    }
