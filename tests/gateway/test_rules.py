"""What signing and imaging each know of renditions, brought together by the gateway, agrees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.names.renditions import Renditions
from signing.grammar import RENDITION
from signing.grants import Grant

WORDS = st.sampled_from(["auto", "linear", "text", "p", "p1", "p0", "p12", "p99999", "-", "w640"])
NAMES = st.lists(WORDS, min_size=1, max_size=4).map("".join) | st.from_regex(
    RENDITION, fullmatch=True
)


def classes_agree(name: str) -> None:
    carries = Renditions().carries_original(name)
    assert Grant("inline", "exact", name).shared_class == ("w" if carries else "r"), name


@pytest.mark.parametrize("name", ["auto", "linear", "p1-text", "p9999-text", "p0-text", "w640"])
def test_what_carries_the_original_is_cached_with_originals(name: str) -> None:
    classes_agree(name)


@given(NAMES.filter(lambda name: RENDITION.fullmatch(name) and name != "original"))
def test_signing_and_imaging_know_the_same_names(name: str) -> None:
    classes_agree(name)
