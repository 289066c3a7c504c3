"""Smart gravity finds where a picture has most to show, and the middle where it has nothing."""

import pytest
from PIL import Image

from imaging.names.gravity import focal_point
from imaging.pixels.saliency import liveliest, sketch


def lively_at(centre: tuple[int, int], size: tuple[int, int] = (800, 400)) -> Image.Image:
    """Flat grey, but for a chequered patch round that point."""
    image = Image.new("RGB", size, "#808080")
    patch = Image.frombytes("L", (12, 12), bytes(255 * ((n + n // 12) % 2) for n in range(144)))
    image.paste(patch.resize((120, 120), 0), (centre[0] - 60, centre[1] - 60))
    return image


@pytest.mark.parametrize("across", [80, 300, 400, 650, 720])
def test_the_part_with_the_most_edges_is_found(across: int) -> None:
    found = liveliest(sketch(lively_at((across, 200))), (0.2, 1.0))
    assert abs(found.x.amount - 1000 * across / 800) < 30
    assert found.y.amount == 500


def test_a_tall_picture_is_searched_down() -> None:
    tall = lively_at((200, 650), (400, 800))
    found = liveliest(sketch(tall), (1.0, 0.25))
    assert found.x.amount == 500
    assert abs(found.y.amount - 812) < 50


@pytest.mark.parametrize("size", [(800, 400), (1, 9), (9000, 3), (3, 9000), (1, 1)])
def test_a_picture_of_nothing_keeps_its_middle(size: tuple[int, int]) -> None:
    plain = sketch(Image.new("RGB", size, "#345678"))
    for shown in ((1.0, 1.0), (0.5, 0.5), (0.01, 1.0)):
        assert liveliest(plain, shown) == focal_point(0.5, 0.5)


def test_of_equal_parts_the_one_nearest_to_the_middle_is_kept() -> None:
    image = lively_at((120, 200))
    image.paste(image.crop((60, 140, 180, 260)), (500, 140))
    assert abs(liveliest(sketch(image), (0.2, 1.0)).x.amount - 700) < 30


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "CMYK", "LAB", "YCbCr"])
def test_every_mode_can_be_sketched(mode: str) -> None:
    grey = sketch(Image.new(mode, (300, 200)))
    assert (grey.mode, grey.size) == ("L", (96, 64))


def test_what_is_transparent_is_not_lively() -> None:
    image = lively_at((120, 200)).convert("RGBA")
    shown = lively_at((600, 200)).convert("RGBA")
    hidden = Image.new("L", image.size, 0)
    image.putalpha(hidden)
    image.paste(shown.crop((400, 0, 800, 400)), (400, 0))
    assert abs(liveliest(sketch(image), (0.2, 1.0)).x.amount - 750) < 30
