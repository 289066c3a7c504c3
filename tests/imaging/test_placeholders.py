"""Placeholders: ThumbHashes as the format's first encoder makes them, of whole pictures alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from io import BytesIO
from typing import TypeAlias

import pytest
from PIL import Image, ImageDraw

from imaging.engine import render
from imaging.names.gravity import parse_gravity
from imaging.names.likeness import shows_all
from imaging.names.renditions import Rendition, parse_spec
from imaging.names.windows import parse_window
from imaging.pixels.placeholders import placeholder, thumbhash

Pixel: TypeAlias = Callable[[int, int], tuple[int, int, int, int]]


def waves(x: int, y: int) -> tuple[int, int, int, int]:
    return (x * x * 7 + y * 5) % 256, (x * 11 + y * y * 3) % 256, (x * y) % 256, 255


def slope(x: int, y: int) -> tuple[int, int, int, int]:
    return 240 - x * x // 3 + x * y // 9, 20 + y * y // 4 + x, 60 + x * x * (y + 1) // 90, 255


def window(x: int, y: int) -> tuple[int, int, int, int]:
    return (x * 13 + 40) % 256, (y * 17) % 256, 90, 255 if (x + y) % 5 else 30 + 8 * y


# What evanw's thumbhash 0.1.1 (npm) makes of these pixels: rgbaToThumbHash(width, height, rgba).
VECTORS: list[tuple[Pixel, int, int, str]] = [
    (waves, 24, 24, "dbe8052f021083635197a565786667998677f7fac65fb60e"),
    (waves, 24, 17, "5ad90535842065656288b666968786778d4ffba3b6"),
    (waves, 5, 24, "93ea09190a91805877758688b4400259c7"),
    (waves, 24, 1, "d4fb29f1947577788888088a7588f08498"),
    (slope, 24, 18, "5b090735926c787890878789877778885f67f8a678"),
    (slope, 14, 24, "9e3a071c0c7808789888878778886c70baf658"),
    (window, 24, 16, "1ce98933980d2898808888288088f27787877078787887"),
    (window, 9, 24, "58d88522100d72850868c7728520a8f887677078787887"),
    (window, 11, 7, "9467861b8c0d7087817887708107e778690a8597a44484"),
]


def picture(pixel: Pixel, width: int, height: int) -> Image.Image:
    octets = bytes(value for y in range(height) for x in range(width) for value in pixel(x, y))
    return Image.frombytes("RGBA", (width, height), octets)


@pytest.mark.parametrize(
    ("pixel", "width", "height", "expected"),
    VECTORS,
    ids=[f"{pixel.__name__}-{width}x{height}" for pixel, width, height, _ in VECTORS],
)
def test_a_hash_is_the_reference_encoders(
    pixel: Pixel, width: int, height: int, expected: str
) -> None:
    assert thumbhash(picture(pixel, width, height)).hex() == expected


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("size", [(1, 1), (3, 900), (640, 480), (2560, 11)], ids=str)
def test_every_picture_has_a_short_one(mode: str, size: tuple[int, int]) -> None:
    assert 10 <= len(thumbhash(Image.new(mode, size, 120))) <= 28


def test_one_colour_is_told_without_waves() -> None:
    octets = thumbhash(Image.new("RGB", (50, 40), (255, 128, 0)))
    fields = int.from_bytes(octets, "little")
    light, warm, rosy = fields & 63, fields >> 6 & 63, fields >> 12 & 63
    assert light == round(63 * (255 + 128) / 765)
    assert warm == round(31.5 + 31.5 * (255 + 128) / 510)
    assert rosy == round(31.5 + 31.5 * 127 / 255)
    assert fields >> 18 & 31 == 0, "no wave of light"
    assert [fields >> at & 63 for at in (27, 33)] == [0, 0], "no wave of colour"


def test_a_size_makes_no_difference_that_one_sees() -> None:
    large = Image.new("RGB", (960, 640), "white")
    ImageDraw.Draw(large).ellipse((100, 100, 600, 500), fill="navy")
    small = large.resize((320, 213), Image.Resampling.LANCZOS)
    one, other = thumbhash(large), thumbhash(small)
    assert len(one) == len(other)
    waves = zip(one[5:].hex(), other[5:].hex(), strict=True)
    assert max(abs(int(a, 16) - int(b, 16)) for a, b in waves) <= 1


WHOLE = ["w160", "w640-webp", "h480", "full", "p1-w640", "w100-h90-contain", "w320-q50-jpeg"]


@pytest.mark.parametrize("spec", WHOLE)
def test_what_shows_page_one_whole_stands_for_the_document(spec: str) -> None:
    assert shows_all(parse_spec(spec))


@pytest.mark.parametrize(
    "spec",
    ["p2-w640", "w160-h160-cover", "w160-h160-fill", "w160-h160-cover-gsm", "w160-winm600_1500"],
)
def test_a_part_or_another_look_stands_for_nothing(spec: str) -> None:
    rendition = parse_spec(spec)
    assert not shows_all(rendition)
    assert placeholder(Image.new("L", (9, 9)), rendition) == b""


def test_every_other_wish_is_one_to_keep_away_from() -> None:
    """Whatever a rendition may learn to do to a picture: its placeholder is not the document's."""
    scaling = {"page", "width", "height", "fit", "quality", "format", "label"}
    known = {"gravity": parse_gravity("sm"), "window": parse_window("40_400")}
    for wish in fields(Rendition):
        if wish.name not in scaling:
            odd = Rendition(width=160)
            object.__setattr__(odd, wish.name, known.get(wish.name, object()))
            assert not shows_all(odd), wish.name


def drawn(form: str, size: tuple[int, int] = (300, 200), mode: str = "RGB") -> bytes:
    image = Image.new(mode, size, "teal" if mode == "RGB" else 255)
    ImageDraw.Draw(image).ellipse((20, 20, 150, 150), fill="gold" if mode == "RGB" else 0)
    out = BytesIO()
    image.save(out, form)
    return out.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "GIF"])
@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_a_rendition_brings_the_placeholder_and_the_true_size(form: str, format: str) -> None:
    made = render(drawn(form), Rendition(width=160, format=format))
    assert (made.width, made.source) == (160, (300, 200))
    assert 18 <= len(made.placeholder) <= 28


def test_formats_have_one_placeholder() -> None:
    source = drawn("JPEG")
    hashes = {
        render(source, Rendition(width=160, format=format)).placeholder
        for format in ("jpeg", "webp", "avif", "png")
    }
    assert len(hashes) == 1


def test_a_part_brings_none() -> None:
    made = render(drawn("PNG"), parse_spec("w100-h100-cover"))
    assert made.placeholder == b""


def test_all_pixels_of_a_page_of_two_colours_bring_one() -> None:
    made = render(drawn("TIFF", (1700, 2200), "1"), Rendition(width=1280, format="webp"))
    assert (made.width, made.source) == (1700, (1700, 2200))
    assert made.placeholder == thumbhash(Image.open(BytesIO(made.body)).convert("RGB"))


def test_frames_in_motion_bring_that_of_the_first() -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "blue")]
    out = BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=100)
    made = render(out.getvalue(), Rendition(width=160, format="webp"))
    assert made.placeholder[:3] == thumbhash(frames[0])[:3]
    assert made.source == (64, 48)


def test_a_turned_picture_is_told_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    out = BytesIO()
    Image.open(BytesIO(drawn("PNG"))).save(out, "JPEG", exif=exif)
    made = render(out.getvalue(), Rendition(width=160, format="webp"))
    assert made.source == (200, 300)
    assert not made.placeholder[4] & 0x80, "it is no landscape"


def test_a_wish_for_another_format_changes_nothing() -> None:
    rendition = replace(parse_spec("w160"), label="thumb")
    assert shows_all(rendition)
