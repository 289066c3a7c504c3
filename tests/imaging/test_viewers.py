"""Viewers: a record that a mark can always be drawn from, or no record at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.marking.lettering import REPERTOIRE
from imaging.marking.viewers import LONGEST_ID, LONGEST_NAME, NOBODY, SHOWN, Viewer


def test_a_viewer_is_shown_by_name_and_without_one_by_id() -> None:
    assert Viewer("u-17", "Dr. Anna Weiß").shown == "Dr. Anna Weiss"
    assert Viewer("u-17").shown == "u-17"


def test_a_name_that_can_not_be_written_gives_way_to_the_id() -> None:
    assert Viewer("u-17", "☃").shown == "u-17"
    assert Viewer("u-17", "——").shown == "u-17"


def test_nobody_is_not_known_and_everybody_else_is() -> None:
    assert not NOBODY.known
    assert Viewer("u").known


def test_a_name_that_grows_in_other_letters_is_cut() -> None:
    assert len(Viewer("u", "王" * LONGEST_NAME).shown) == SHOWN


@pytest.mark.parametrize("name", ["a\nb", "a\0b", "a\u202eb", "a\u2066b", "a\ud800", "\x7f"])
def test_control_characters_and_marks_of_direction_are_no_part_of_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="control"):
        Viewer("u", name)


def test_joiners_that_names_in_persian_are_spelled_with_are_no_controls() -> None:
    assert Viewer("u", "علی\u200cرضا").shown.isascii()


@pytest.mark.parametrize(
    "id", ["ü", "a\n", "a" * (LONGEST_ID + 1), "\u202e", "   ", " " * SHOWN + "u"]
)
def test_an_id_is_printable_ascii(id: str) -> None:
    with pytest.raises(ValueError, match="id"):
        Viewer(id)


def test_a_name_without_an_id_is_nobodys() -> None:
    with pytest.raises(ValueError, match="id"):
        Viewer("", "Anna")


def test_a_name_has_an_end() -> None:
    with pytest.raises(ValueError, match="at most"):
        Viewer("u", "a" * (LONGEST_NAME + 1))


@given(st.text(max_size=120))
def test_whatever_the_name_is_the_viewer_is_refused_or_can_be_drawn(name: str) -> None:
    try:
        viewer = Viewer("u-17", name)
    except ValueError:
        return
    assert 0 < len(viewer.shown) <= SHOWN
    assert set(viewer.shown) <= REPERTOIRE
