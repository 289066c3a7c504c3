"""A rendition is never larger than its source, and never stretched unless asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.limits import LONGEST_SIDE
from imaging.names.gravity import KINDS, Gravity, Offset, parse_gravity
from imaging.names.renditions import LARGEST, Rendition
from imaging.pixels.geometry import Box, Placement, place, scale_for

sides = st.integers(1, 4096)
sources = st.tuples(st.integers(1, 60_000), st.integers(1, 60_000))


@pytest.mark.parametrize(
    ("source", "rendition", "size"),
    [
        ((4000, 3000), Rendition(width=640), (640, 480)),
        ((3000, 4000), Rendition(width=640), (640, 853)),
        ((500, 400), Rendition(width=640), (500, 400)),
        ((4000, 3000), Rendition(height=300), (400, 300)),
        ((4000, 3000), Rendition(width=200, height=200, fit="contain"), (200, 150)),
        ((4000, 3000), Rendition(width=200, height=200, fit="cover"), (200, 200)),
        ((4000, 3000), Rendition(width=200, height=200, fit="fill"), (200, 200)),
        ((100, 50), Rendition(width=200, height=200, fit="cover"), (50, 50)),
        ((100, 50), Rendition(width=200, height=200, fit="fill"), (100, 50)),
        ((10, 4000), Rendition(width=640), (10, 4000)),
        ((10, 40_000), Rendition(width=640), (4, LONGEST_SIDE)),
        ((40_000, 10), Rendition(width=640), (640, 1)),
    ],
)
def test_sizes(source: tuple[int, int], rendition: Rendition, size: tuple[int, int]) -> None:
    placement = place(source, rendition)
    assert (placement.width, placement.height) == size


def test_cover_shows_the_middle() -> None:
    placement = place((4000, 3000), Rendition(width=100, height=100, fit="cover"))
    assert placement.box == (500, 0, 3500, 3000)


@given(sources, sides, sides, st.sampled_from(["cover", "contain", "fill"]))
def test_nothing_grows_and_the_box_stays_inside(
    source: tuple[int, int], width: int, height: int, fit: str
) -> None:
    placement = place(source, Rendition(width=width, height=height, fit=fit))
    assert 1 <= placement.width <= min(width, source[0])
    assert 1 <= placement.height <= min(height, source[1])
    left, top, right, bottom = placement.box
    assert 0 <= left < right <= source[0] + 1e-6
    assert 0 <= top < bottom <= source[1] + 1e-6


@given(sources, sides)
def test_a_width_alone_keeps_the_shape(source: tuple[int, int], width: int) -> None:
    placement = place(source, Rendition(width=width))
    wanted = placement.width * source[1] / source[0]
    slack = 1 + source[1] / source[0]  # half a pixel of width, seen in the height
    assert abs(placement.height - wanted) <= slack


def test_a_page_of_any_size_is_scaled_by_the_pixels_asked_for() -> None:
    assert scale_for((1e6, 1e6), Rendition(width=640)) == 640 / 1e6
    assert scale_for((100, 50), Rendition(width=640)) == 6.4
    assert scale_for((100, 50), Rendition(width=100, height=100, fit="cover")) == 2
    assert scale_for((1, 1e6), Rendition(width=640)) * 1e6 == pytest.approx(LONGEST_SIDE)


@pytest.mark.parametrize(
    ("source", "size"),
    [
        ((5000, 3000), (5000, 3000)),
        ((1000, 10_000), (1000, 10_000)),
        ((8192, 8192), (LARGEST, LARGEST)),
        ((60_000, 10), (LONGEST_SIDE, 3)),
    ],
)
def test_a_full_size_has_no_more_pixels_than_a_name_can_ask_for(
    source: tuple[int, int], size: tuple[int, int]
) -> None:
    assert place(source, Rendition()) == Placement(*size, (0, 0, *source))


def cover(gravity: str, width: int = 100, height: int = 100) -> Rendition:
    return Rendition(width=width, height=height, fit="cover", gravity=parse_gravity(gravity))


# 4000 by 3000 to a square of 100: 3000 pixels are shown, 1000 are free across, one pixel is 30.
@pytest.mark.parametrize(
    ("gravity", "left"),
    [
        ("we", 0),
        ("ea", 1000),
        ("nowe", 0),
        ("soea", 1000),
        ("no", 500),
        ("so", 500),
        ("sm", 500),
        ("we_10px_0", 300),
        ("ea_10px_0", 700),
        ("ea_m10px_0", 1000),
        ("ce_10px_0", 800),
        ("ce_m10px_0", 200),
        ("no_10px_10px", 800),
        ("we_100_0", 400),
        ("ea_100_0", 600),
        ("ce_m100_0", 100),
        ("we_9999px_0", 1000),
        ("ce_m1000_0", 0),
        ("fp_0_500", 0),
        ("fp_400_0", 100),
        ("fp_500_500", 500),
        ("fp_1000_1000", 1000),
    ],
)
def test_gravity_says_which_part_is_shown(gravity: str, left: float) -> None:
    wide = place((4000, 3000), cover(gravity))
    assert wide == Placement(100, 100, (left, 0, left + 3000, 3000))


@pytest.mark.parametrize(
    ("gravity", "top"),
    [("no", 0), ("so", 1000), ("noea_0_10px", 300), ("sowe_0_100", 600), ("ea_0_m10px", 200)],
)
def test_gravity_works_down_as_it_does_across(gravity: str, top: float) -> None:
    tall = place((3000, 4000), cover(gravity))
    assert tall == Placement(100, 100, (0, top, 3000, top + 3000))


def test_pixels_of_an_offset_are_the_source_s_where_nothing_is_made_smaller() -> None:
    assert place((100, 50), cover("we_10px_0", 200, 200)) == Placement(50, 50, (10, 0, 60, 50))


@given(sources, sides, sides, st.sampled_from(KINDS), st.integers(-1000, 1000), st.booleans())
def test_no_gravity_shows_what_is_not_there_or_changes_the_size(
    source: tuple[int, int], width: int, height: int, kind: str, way: int, pixels: bool
) -> None:
    offset = Offset(abs(way)) if kind == "fp" else Offset(way, pixels and way != 0)
    gravity = Gravity(kind) if kind == "sm" else Gravity(kind, offset, offset)
    placement = place(source, Rendition(width=width, height=height, fit="cover", gravity=gravity))
    middle = place(source, Rendition(width=width, height=height, fit="cover"))
    assert (placement.width, placement.height) == (middle.width, middle.height)
    for orientation in range(1, 9):
        stored = source if orientation < 5 else (source[1], source[0])
        left, top, right, bottom = placement.turned(orientation, source).box
        assert 0 <= left < right <= stored[0]
        assert 0 <= top < bottom <= stored[1]


@pytest.mark.parametrize(
    ("orientation", "box"),
    [
        (1, (1, 2, 4, 8)),
        (2, (6, 2, 9, 8)),
        (3, (6, 12, 9, 18)),
        (4, (1, 12, 4, 18)),
        (5, (2, 1, 8, 4)),
        (6, (2, 6, 8, 9)),
        (7, (12, 6, 18, 9)),
        (8, (12, 1, 18, 4)),
    ],
)
def test_a_box_is_found_where_the_source_is_stored(orientation: int, box: Box) -> None:
    turned = Placement(3, 6, (1, 2, 4, 8)).turned(orientation, (10, 20))
    assert turned.box == box
    assert (turned.width, turned.height) == ((3, 6) if orientation < 5 else (6, 3))
