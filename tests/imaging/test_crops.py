"""Crops lie where a picture has median and most detail."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw

from imaging.encoding.crops import SIDE, telling_crops


def scratched(size: tuple[int, int], *areas: tuple[int, int, int, int]) -> Image.Image:
    """White paper with lines in some areas, closer from one to the next."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for n, (left, top, right, bottom) in enumerate(areas):
        for y in range(top, bottom, 24 // (n + 1)):
            draw.line((left, y, right, y), fill="black")
    return image


@pytest.mark.parametrize("size", [(1, 1), (100, 60), (SIDE, SIDE), (511, 200)])
def test_a_small_picture_is_one_crop(size: tuple[int, int]) -> None:
    [crop] = telling_crops(Image.new("L", size))
    left, top, right, bottom = crop
    assert (right - left, bottom - top) == (min(size[0], SIDE), min(size[1], SIDE))
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]


def test_the_most_detailed_part_is_found_and_one_in_the_middle() -> None:
    image = scratched((3 * SIDE, SIDE), (0, 0, SIDE, SIDE), (SIDE, 0, 2 * SIDE, SIDE))
    median, most = telling_crops(image)
    assert most == (SIDE, 0, 2 * SIDE, SIDE)
    assert median == (0, 0, SIDE, SIDE)


def test_crops_keep_off_the_margins() -> None:
    boxes = telling_crops(scratched((2 * SIDE + 100, 700), (0, 0, 300, 300)))
    assert {(left - 25) % (SIDE + 50) for left, _, _, _ in boxes} == {0}
    assert all(bottom - top == SIDE for _, top, _, bottom in boxes)


def test_equal_pictures_have_equal_crops() -> None:
    image = Image.radial_gradient("L").resize((900, 700))
    assert telling_crops(image) == telling_crops(image.copy())
