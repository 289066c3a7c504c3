"""Pictures come out upright, whole, and where they were."""

from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from imaging.engine import render
from imaging.names.renditions import Rendition, parse_spec
from imaging.pixels.pictures import scale_picture, upright_size
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


@pytest.mark.parametrize(
    ("size", "document", "decoded"),
    [
        ((480, 640), False, (120, 160)),
        ((480, 640), True, (240, 320)),
        ((378, 504), False, (189, 252)),
    ],
    ids=["a photograph", "a page", "too near the rung"],
)
def test_a_jpeg_is_decoded_hardly_larger_than_wanted(darkroom, size, document, decoded) -> None:
    image = Image.open(BytesIO(darkroom.file(darkroom.texture(size))))
    scale_picture(image, Rendition(width=80), document=document)
    assert image.size == decoded


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


def cover(gravity: str, width: int, height: int) -> Rendition:
    return parse_spec(f"w{width}-h{height}-cover-g{gravity}-png")


def shown(upright: Image.Image, gravity: str, width: int, height: int) -> Image.Image:
    """The part of an upright picture that Pillow's own arithmetic finds for that gravity."""
    where = {"no": (0.5, 0), "so": (0.5, 1), "we": (0, 0.5), "ea": (1, 0.5), "soea": (1, 1)}
    where["fp_250_500"] = (0.25 * 1600 - 250) / (1600 - 500), 0.5
    return ImageOps.fit(upright, (width, height), centering=where[gravity])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("width", [50, 400], ids=["draft", "whole"])
@pytest.mark.parametrize("gravity", ["we", "ea", "soea", "fp_250_500"])
def test_gravity_is_right_across_however_the_camera_was_held(
    darkroom, gravity: str, orientation: int, width: int
) -> None:
    upright = darkroom.quarters((1600, 1000))
    source = lying(upright, orientation, darkroom)
    made = darkroom.opened(render(source, cover(gravity, width, 2 * width)).body)
    assert difference(made, shown(upright, gravity, width, 2 * width)) < 6
    assert difference(made, shown(upright, "no", width, 2 * width)) > 20


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("gravity", ["no", "so", "soea"])
def test_gravity_is_right_down_however_the_camera_was_held(
    darkroom, gravity: str, orientation: int
) -> None:
    upright = darkroom.quarters((1600, 1000))
    source = lying(upright, orientation, darkroom)
    made = darkroom.opened(render(source, cover(gravity, 400, 100)).body)
    assert difference(made, shown(upright, gravity, 400, 100)) < 6
    assert difference(made, shown(upright, "we", 400, 100)) > 20


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [60, 500], ids=["draft", "whole"])
def test_smart_gravity_keeps_what_there_is_to_see(darkroom, orientation: int, size: int) -> None:
    upright = Image.new("RGB", (1600, 500), "#c0c0c0")
    upright.paste(darkroom.texture((300, 300), "RGB"), (1000, 100))
    source = lying(upright, orientation, darkroom)
    made = darkroom.opened(render(source, cover("sm", size, size)).body)
    wanted = upright.crop((900, 0, 1400, 500))
    # The sketch is coarse: a pixel of it is seventeen here.
    assert difference(made.resize((20, 20)), wanted.resize((20, 20))) < 12
    assert render(source, cover("sm", size, size)) == render(source, cover("sm", size, size))


def test_an_offset_moves_the_part_by_its_pixels(darkroom) -> None:
    image = darkroom.texture((300, 100), "RGB")
    source = darkroom.file(image, "PNG")
    made = darkroom.opened(render(source, cover("ea_7px_0", 100, 100)).body)
    assert made.convert("RGB").tobytes() == image.crop((193, 0, 293, 100)).tobytes()


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_picture_of_no_asked_size_keeps_its_own(darkroom, orientation: int) -> None:
    upright = darkroom.quarters((800, 600))
    source = lying(upright, orientation, darkroom)
    made = darkroom.opened(render(source, parse_spec("full-png")).body)
    assert made.size == (800, 600)
    assert difference(made, upright) < 6
