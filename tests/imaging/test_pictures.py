"""Pictures come out upright, whole, and where they were."""

from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from imaging.engine import render
from imaging.pictures import scale_picture, upright_size
from imaging.renditions import Rendition
from imaging.sources import orientation_of

CORNERS = ((0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9))


def difference(one: Image.Image, other: Image.Image) -> float:
    assert one.size == other.size
    return ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean[0]


def lying(image: Image.Image, orientation: int, darkroom) -> bytes:
    """The picture as a camera held that way stores it."""
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    turned = image.transpose(undo[orientation]) if orientation > 1 else image
    return darkroom.file(turned, exif=darkroom.exif(orientation), quality=95, subsampling=0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("width", [80, 720], ids=["draft", "whole"])
def test_every_orientation_comes_out_upright(darkroom, orientation: int, width: int) -> None:
    upright = darkroom.quarters((1600, 1000))
    source = lying(upright, orientation, darkroom)
    assert upright_size(Image.open(BytesIO(source))) == (1600, 1000)
    made = darkroom.opened(render(source, Rendition(width=width)).body)
    wanted = upright.resize((width, width * 1000 // 1600))
    assert made.size == wanted.size
    assert difference(made, wanted) < 6


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_cover_crops_the_right_axis_of_a_picture_on_its_side(darkroom, orientation: int) -> None:
    upright = darkroom.quarters((1600, 1000))
    source = lying(upright, orientation, darkroom)
    made = darkroom.opened(render(source, Rendition(width=64, height=200, fit="cover")).body)
    wanted = ImageOps.fit(upright, (64, 200))
    assert difference(made, wanted) < 6


@pytest.mark.parametrize("size", [(1001, 773), (1999, 1333), (1237, 911)])
def test_a_scaled_decode_shifts_nothing(darkroom, size: tuple[int, int]) -> None:
    """The decoder rounds its scaled size up; without its box all rings would move."""
    source = darkroom.file(Image.radial_gradient("L").resize(size), quality=95)
    small = scale_picture(Image.open(BytesIO(source)), Rendition(width=160), document=False)
    full = darkroom.opened(source)
    wanted = full.resize(small.size, Image.Resampling.LANCZOS)
    assert difference(small, wanted) < 0.3
    drafted = Image.open(BytesIO(source))
    drafted.draft(None, (240, 180))
    assert drafted.size != full.size, "the test must exercise the scaled decode"


def test_a_tiff_is_turned_once(darkroom) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = darkroom.file(darkroom.quarters((300, 200)), "TIFF", exif=exif)
    image = Image.open(BytesIO(source))
    assert orientation_of(image) == 1
    assert upright_size(image) == (200, 300)
    made = darkroom.opened(render(source, Rendition(width=100, format="png")).body)
    assert made.size == (100, 150)
    red, blue = darkroom.colour(made, 0.9, 0.1), darkroom.colour(made, 0.1, 0.1)
    assert red[0] > 150 > red[2]
    assert blue[2] > 150 > blue[0]


@pytest.mark.parametrize("value", [0, 9, 77])
def test_a_nonsense_orientation_is_passed_over(darkroom, value: int) -> None:
    source = darkroom.file(darkroom.quarters((100, 50)), exif=darkroom.exif(value))
    assert orientation_of(Image.open(BytesIO(source))) == 1


def test_a_source_of_the_asked_size_is_not_resampled(darkroom) -> None:
    image = darkroom.quarters((160, 120))
    source = darkroom.file(image, "PNG")
    made = darkroom.opened(render(source, Rendition(width=160, format="png")).body)
    assert made.tobytes() == image.tobytes()
