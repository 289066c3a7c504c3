"""A redaction has one spelling, and none can be built that hides nothing by a mistake."""

import json

import pytest

from imaging.names.areas import Area
from imaging.names.redactions import (
    MOST_BOXES,
    UNREDACTED,
    Box,
    NoRedactions,
    Redaction,
    boxes_of,
    parse_redaction,
    rows_of,
)

BOX = Box(Area(1, 2, 3, 4))


@pytest.mark.parametrize("text", ["face_3", "a_1", "z9_999999", "abcdefghijklmnop_1"])
def test_a_name_and_a_version_are_the_spelling(text: str) -> None:
    assert parse_redaction(text).text == text
    assert not parse_redaction(text).usable, "its boxes are not known"


@pytest.mark.parametrize(
    "text",
    ["", "face", "face_0", "face_01", "Face_1", "1face_1", "abcdefghijklmnopq_1",
     "a_1000000", "a_1_2"],
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no redaction"):
        parse_redaction(text)


@pytest.mark.parametrize(
    "wrong",
    [("face", 0), ("", 1), ("face", -1), ("face", 1_000_000), ("F", 1), ("", 0, (BOX,)),
     ("face", 1, (BOX,) * (MOST_BOXES + 1))],
)  # fmt: skip
def test_an_impossible_redaction_cannot_be_built(wrong: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="a redaction"):
        Redaction(*wrong)


def test_a_box_is_on_its_page_or_on_every_page() -> None:
    first, every = Box(Area(0, 0, 1, 1), page=1), Box(Area(0, 0, 2, 2))
    second = Box(Area(0, 0, 3, 3), page=2, white=True)
    redaction = Redaction("face", 1, (first, every, second))
    assert redaction.on(0) == redaction.on(1) == (first, every)
    assert redaction.on(2) == (every, second)
    assert redaction.on(3) == (every,)
    with pytest.raises(ValueError, match="page"):
        Box(Area(), page=10_000)


def test_a_digest_tells_boxes_apart_and_names_alike() -> None:
    one, other = Redaction("face", 1, (BOX,)), Redaction("face", 1, (Box(BOX.area, white=True),))
    assert one.digest != other.digest
    assert one.digest == Redaction("head", 2, (BOX,)).digest
    assert UNREDACTED.digest == UNREDACTED.text == ""
    assert UNREDACTED.usable


def test_boxes_survive_json() -> None:
    boxes = (BOX, Box(Area(0, 0, 1000, 1000), page=7, white=True))
    assert boxes_of(json.loads(json.dumps(rows_of(boxes)))) == boxes


@pytest.mark.parametrize(
    "rows",
    [None, {}, [], "x", [1], [[0, 1, 2, 3, 4]], [[0, 1, 2, 3, 4, 2]], [[0, 1, 2, 3, 4, "0"]],
     [[0, 1.5, 2, 3, 4, 0]], [[0, 3, 2, 1, 4, 0]], [[-1, 1, 2, 3, 4, 0]],
     [[0, 1, 2, 3, 4, 0]] * (MOST_BOXES + 1)],
)  # fmt: skip
def test_rows_that_are_no_boxes_are_refused(rows: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        boxes_of(rows)


def test_where_none_are_kept_none_are_known() -> None:
    assert NoRedactions().boxes("face", 1) == ()
    assert NoRedactions().newest("face") == 0
