"""A gravity has one spelling, and none that makes no sense can be built."""

import pytest

from imaging.names.gravity import CENTRE, KINDS, Gravity, Offset, focal_point, parse_gravity


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"fp"}))
def test_a_gravity_without_offsets_is_spelled_by_its_kind(kind: str) -> None:
    assert parse_gravity(kind) == Gravity(kind)
    assert Gravity(kind).text == kind


@pytest.mark.parametrize(
    ("text", "gravity"),
    [
        ("no_0_12px", Gravity("no", y=Offset(12, pixels=True))),
        ("soea_m250_m3px", Gravity("soea", Offset(-250), Offset(-3, pixels=True))),
        ("fp_0_0", Gravity("fp")),
        ("fp_333_1000", focal_point(1 / 3, 1)),
    ],
)
def test_offsets_are_spelled_across_then_down(text: str, gravity: Gravity) -> None:
    assert parse_gravity(text) == gravity
    assert gravity.text == text


@pytest.mark.parametrize("text", ["", "x", "middle", "no_", "no_1", "no_1_2_3", "no_-1_0", "NO"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no gravity|is one of"):
        parse_gravity(text)


@pytest.mark.parametrize(
    ("kind", "x", "says"),
    [
        ("middle", Offset(), "is one of"),
        ("sm", Offset(1), "no offsets"),
        ("fp", Offset(-1), "focal point"),
        ("fp", Offset(1, pixels=True), "focal point"),
    ],
)
def test_an_impossible_gravity_cannot_be_built(kind: str, x: Offset, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Gravity(kind, x)


@pytest.mark.parametrize(
    ("amount", "pixels"), [(1001, False), (-1001, False), (16_384, True), (0, True)]
)
def test_an_impossible_offset_cannot_be_built(amount: int, pixels: bool) -> None:
    with pytest.raises(ValueError, match="an offset"):
        Offset(amount, pixels)


def test_the_middle_is_what_nothing_said_means() -> None:
    assert Gravity() == CENTRE == parse_gravity("ce")
