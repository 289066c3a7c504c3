"""Kinds of picture are told by what is seen, not by where it came from."""

import os
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from imaging.limits import Limits
from imaging.names.renditions import Rendition
from imaging.pixels.kinds import Kind, kind_of
from imaging.pixels.pictures import scale_picture
from imaging.sources import admit, guarded, open_picture

CORPUS = os.environ.get("OSTIARY_CORPUS", "")
SIZES = [(160, 220), (640, 880), (1280, 1700)]


def text(size: tuple[int, int], ink: str = "black", paper: str = "white") -> Image.Image:
    """A page of lines of text, drawn twice as large and averaged, as renderers do."""
    large = Image.new("RGB", (2 * size[0], 2 * size[1]), paper)
    draw = ImageDraw.Draw(large)
    for top in range(40, large.height - 40, 48):
        draw.text((60, top), "The quick brown fox jumps over the lazy dog. " * 4, fill=ink)
    return large.resize(size, Image.Resampling.BOX)


def photo(size: tuple[int, int]) -> Image.Image:
    """Soft forms in all brightnesses, with the grain of a sensor."""
    channels = [Image.effect_noise((9, 9), spread).resize(size) for spread in (120, 90, 60)]
    return noisy(Image.merge("RGB", channels))


def noisy(image: Image.Image, spread: int = 8) -> Image.Image:
    grain = Image.merge("RGB", [Image.effect_noise(image.size, spread)] * 3)
    return ImageChops.add(image, grain, offset=-128)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("document", [True, False])
def test_text_drawn_by_a_machine_is_a_page_and_with_colours_a_screenshot(
    size: tuple[int, int], document: bool
) -> None:
    assert kind_of(text(size), document=document) is Kind.PAGE
    assert kind_of(text(size).convert("L"), document=document) is Kind.PAGE
    assert kind_of(text(size, "navy"), document=document) is Kind.SCREENSHOT
    assert kind_of(text(size, "white", "black"), document=document) is Kind.PAGE


@pytest.mark.parametrize("size", SIZES)
def test_text_with_the_noise_of_a_sensor_is_a_scan_never_a_page(size: tuple[int, int]) -> None:
    page = noisy(text(size, paper="#f0f0ec"), 4)
    assert kind_of(page, document=False) is Kind.SCAN
    assert kind_of(page.convert("L"), document=False) is Kind.SCAN


@pytest.mark.parametrize("size", SIZES)
def test_a_photo_is_one_unless_its_source_is_a_document(size: tuple[int, int]) -> None:
    assert kind_of(photo(size), document=False) is Kind.PHOTO
    assert kind_of(photo(size), document=True) is Kind.SCAN


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_shading_on_plain_ground_is_no_page(mode: str) -> None:
    """Few greys would show as bands: a ball, an X-ray, a face cut out."""
    ball = Image.radial_gradient("L").resize((640, 640)).filter(ImageFilter.GaussianBlur(2))
    ground = Image.new("L", (1000, 900), 255)
    ground.paste(ball, (180, 130))
    assert kind_of(ground.convert(mode), document=False) is Kind.SCAN
    dark = ImageChops.invert(ground).convert(mode)
    assert kind_of(dark, document=False) is Kind.PHOTO


def test_what_shines_through_lies_on_white() -> None:
    clear = text((640, 880)).convert("RGBA")
    clear.putalpha(0)
    assert kind_of(clear, document=False) is Kind.PAGE
    assert kind_of(clear.convert("LA"), document=False) is Kind.PAGE


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (1, 5000), (5000, 1)])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_every_size_and_mode_has_a_kind(size: tuple[int, int], mode: str) -> None:
    assert kind_of(Image.new(mode, size), document=False) in Kind


def test_only_a_photo_is_no_document() -> None:
    assert [kind for kind in Kind if not kind.document] == [Kind.PHOTO]


REAL = {
    "photo_pug_12mp.jpg": Kind.PHOTO,
    "photo_arrow_12mp.jpg": Kind.PHOTO,
    "photo_retina_2mp.jpg": Kind.PHOTO,
    "photo_cmyk.jpg": Kind.PHOTO,
    "scan_colour_trace.jpg": Kind.SCAN,
    "render_trace_200.png": Kind.PAGE,
    "shot_form_144.png": Kind.PAGE,
}


@pytest.mark.skipif(not CORPUS, reason="OSTIARY_CORPUS names no folder: NO REAL PICTURE WAS SEEN")
@pytest.mark.parametrize("name", REAL)
def test_real_pictures_are_what_they_are(name: str) -> None:
    path = Path(CORPUS, name)
    if not path.exists():
        pytest.skip(f"no {name} in the corpus")
    source = path.read_bytes()
    with guarded():
        image = open_picture(source, admit(source, Limits()), 0, Limits())
        picture = scale_picture(image, Rendition(width=640), document=False)
    assert kind_of(picture, document=False) is REAL[name]
