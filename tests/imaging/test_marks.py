"""Marks: what one may say, and that its content is told from any other's."""

from __future__ import annotations

from typing import cast

import pytest

from imaging.marking.marks import LONGEST_TEXT, UNMARKED, Mark, Place, check_text
from imaging.marking.viewers import NOBODY, Viewer

DAY = "2026-11-23"
ANNA = Viewer("u-17", "Anna {date} Weiß")


def test_a_text_without_fields_is_drawn_as_it_is() -> None:
    mark = Mark("draft", "Draft")
    assert not mark.open
    assert mark.filled(NOBODY, DAY) is mark


def test_the_date_is_filled_in_for_nobody_in_particular() -> None:
    mark = Mark("draft", "Draft of {date}").filled(NOBODY, DAY)
    assert (mark.text, mark.personal, mark.open) == (f"Draft of {DAY}", False, False)


def test_a_viewers_name_is_filled_in_once_and_never_read_as_a_field() -> None:
    mark = Mark("who", "{viewer}, {date}")
    assert mark.names_viewer
    filled = mark.filled(ANNA, DAY)
    assert (filled.text, filled.personal) == (f"Anna (date) Weiss, {DAY}", True)


def test_a_mark_that_names_a_viewer_is_not_filled_for_nobody() -> None:
    with pytest.raises(ValueError, match="nobody is known"):
        Mark("who", "{viewer}").filled(NOBODY, DAY)


def test_the_longest_text_has_room_for_the_longest_viewer() -> None:
    text = ("{viewer}" * 2).ljust(LONGEST_TEXT, ".")
    assert Mark("who", text).filled(Viewer("u" * 255), DAY).text.endswith(".")


@pytest.mark.parametrize(
    ("viewers", "dates"), [(3, 1), (2, 8), (1, 12), (0, 13)], ids=lambda count: str(count)
)
def test_what_may_be_declared_can_be_filled(viewers: int, dates: int) -> None:
    text = "{viewer}" * viewers + "{date}" * dates
    check_text(text)
    filled = Mark("who", text).filled(Viewer("u" * 255), DAY)
    assert filled.text == "u" * 64 * viewers + DAY * dates


def test_equal_marks_have_equal_digests_whatever_their_name() -> None:
    assert Mark("a", "Draft").digest == Mark("b", "Draft").digest


@pytest.mark.parametrize(
    "other",
    [
        Mark("draft", "Final"),
        Mark("draft", "Draft", opacity=0.5),
        Mark("draft", "Draft", size=0.5),
        Mark("draft", "Draft", place="centre"),
    ],
)
def test_another_content_has_another_digest(other: Mark) -> None:
    assert other.digest != Mark("draft", "Draft").digest


def test_another_image_has_another_digest() -> None:
    digests = {Mark("logo", image=octets).digest for octets in (b"", b"one", b"two")}
    assert len(digests) == 3


def test_two_viewers_have_two_digests() -> None:
    mark = Mark("who", "{viewer}")
    assert mark.filled(Viewer("a"), DAY).digest != mark.filled(Viewer("b"), DAY).digest


@pytest.mark.parametrize("name", ["Draft", "1", "a-b", "a_b", "a" * 17, "ä"])
def test_a_name_is_a_letter_and_up_to_fifteen_more(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Mark(name, "Draft")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Weiß", "U\\+00DF"),
        ("a\nb", "U\\+000A"),
        ("\u202eabc", "U\\+202E"),
        ("   ", "spaces"),
        ("{name}", "braces"),
        ("{{viewer}}", "braces"),
        ("a } b", "braces"),
        ("a" * (LONGEST_TEXT + 1), "at most"),
        ("{viewer}" * 4, "too often"),
        ("{viewer}" * 2 + "{date}" * 10, "too often"),
    ],
)
def test_a_text_that_could_not_be_drawn_as_it_stands_is_refused(text: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        check_text(text)


@pytest.mark.parametrize("share", [0.0, 0.04, 1.01, -1.0, float("nan")])
def test_opacity_and_size_are_such_that_somebody_sees_the_mark(share: float) -> None:
    with pytest.raises(ValueError, match="opacity and size"):
        Mark("draft", "Draft", opacity=share)
    with pytest.raises(ValueError, match="opacity and size"):
        Mark("draft", "Draft", size=share)


def test_a_mark_is_in_one_of_three_places() -> None:
    with pytest.raises(ValueError, match="place"):
        Mark("draft", "Draft", place=cast(Place, "edge"))


def test_a_mark_is_a_text_or_an_image() -> None:
    with pytest.raises(ValueError, match="not both"):
        Mark("draft", "Draft", b"image")
    assert Mark("draft").undrawn
    assert UNMARKED.undrawn


def test_an_image_is_not_told_in_a_mark_that_is_printed() -> None:
    assert "secret" not in repr(Mark("logo", image=b"secret"))
