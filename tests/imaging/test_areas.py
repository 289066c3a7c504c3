"""An area has one spelling, and its pixels lie where they should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.names.areas import ENTIRE, Area, parse_area

sides = st.integers(0, 1000)
areas = st.tuples(sides, sides, sides, sides).filter(lambda a: a[0] < a[2] and a[1] < a[3])
sizes = st.tuples(st.integers(1, 5000), st.integers(1, 5000))


@given(areas)
def test_an_area_is_spelled_in_one_way(area: tuple[int, int, int, int]) -> None:
    assert parse_area(Area(*area).text) == Area(*area)


@pytest.mark.parametrize(
    "text",
    ["", "0_0_1", "0_0_1_1_", "00_0_1_1", "0_0_1001_1", "5_0_5_9", "6_0_5_9", "0_9_5_9",
     "m1_0_1_1"],
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no area|an area must"):
        parse_area(text)


@given(areas, sizes)
def test_pixels_are_never_none_and_never_outside(
    area: tuple[int, int, int, int], size: tuple[int, int]
) -> None:
    for left, top, right, bottom in (Area(*area).nearest(size), Area(*area).covering(size)):
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]


@given(areas, sizes)
def test_covering_leaves_no_touched_pixel_out(
    area: tuple[int, int, int, int], size: tuple[int, int]
) -> None:
    left, _, _, bottom = Area(*area).covering(size)
    assert left * 1000 <= area[0] * size[0] < (left + 1) * 1000
    assert (bottom - 1) * 1000 < area[3] * size[1] <= bottom * 1000


def test_areas_that_touch_share_no_pixel_and_miss_none() -> None:
    parts = [Area(n, 0, n + 125, 1000).nearest((333, 10)) for n in range(0, 1000, 125)]
    assert [part[0] for part in parts[1:]] == [part[2] for part in parts[:-1]]
    assert (parts[0][0], parts[-1][2]) == (0, 333)


def test_the_whole_is_what_nothing_said_means() -> None:
    assert Area() == ENTIRE
    assert ENTIRE.nearest((7, 5)) == ENTIRE.covering((7, 5)) == (0, 0, 7, 5)
