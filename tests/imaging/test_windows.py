"""Windows have one spelling each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.errors import UnknownRendition
from imaging.names.gravity import Gravity
from imaging.names.renditions import Rendition, Renditions, parse_spec
from imaging.names.windows import AS_STORED, Window, parse_window

windows = st.builds(Window, st.integers(-65_536, 65_536), st.integers(1, 65_536))


@given(windows)
def test_every_window_is_found_by_its_text(window: Window) -> None:
    assert parse_window(window.text) == window
    rendition = Rendition(width=640, window=window)
    assert parse_spec(rendition.name) == rendition


@pytest.mark.parametrize(
    ("name", "window"),
    [("w640-win40_400", Window(40, 400)), ("p7-full-winm600_1500-q60-webp", Window(-600, 1500))],
)
def test_names_with_a_window(name: str, window: Window) -> None:
    found = Renditions().find(name)
    assert (found.window, found.spec) == (window, name)
    assert not Renditions().declared(name)


@pytest.mark.parametrize(
    "text",
    [
        "", "40", "40_", "_400", "040_400", "40_0400", "40_0", "m0_400", "-40_400", "40_m400",
        "65537_1", "m65537_1", "0_65537", "99999_1", "40.5_400", "40_400_", "٤_400", "mm4_4",
    ],
)  # fmt: skip
def test_other_texts_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="window"):
        parse_window(text)
    with pytest.raises(UnknownRendition):
        Renditions().find(f"w640-win{text}")


@pytest.mark.parametrize(("centre", "width"), [(1, 0), (0, -1), (0, 65_537), (70_000, 1)])
def test_an_impossible_window_cannot_be_built(centre: int, width: int) -> None:
    with pytest.raises(ValueError, match="window"):
        Window(centre, width)


def test_a_window_has_its_place_and_gravity_none() -> None:
    assert AS_STORED.text == ""
    for name in ("w9-webp-win1_2", "w9-q50-win1_2", "win1_2", "w9-h9-cover-gno-win1_2"):
        with pytest.raises(UnknownRendition):
            Renditions().find(name)
    with pytest.raises(ValueError, match="two renditions"):
        Rendition(width=9, height=9, fit="cover", gravity=Gravity("no"), window=Window(1, 2))


def test_the_longest_name_with_a_window_fits_a_link() -> None:
    longest = Rendition(9999, 4096, 4096, "contain", 100, "origin", window=Window(-65_536, 65_536))
    assert len(longest.name) <= 64
