"""A rendition is never larger than its source, and never stretched unless asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.geometry import Placement, place, scale_for
from imaging.limits import LONGEST_SIDE
from imaging.renditions import Rendition

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


def test_turning_swaps_the_axes() -> None:
    assert Placement(4, 3, (0, 1, 2, 3)).turned() == Placement(3, 4, (1, 0, 3, 2))
