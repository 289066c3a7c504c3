"""Whatever a picture's mode, what is shown is grey or sRGB, eight bits deep."""

import struct
from io import BytesIO
from zlib import compress, crc32

import pytest
from PIL import Image, ImageCms

from imaging.engine import render
from imaging.names.renditions import Rendition
from imaging.pixels.colours import greyed, on_white, resizable, web_ready

PNG = Rendition(width=100, format="png")
JPEG = Rendition(width=100, format="jpeg")


def made(darkroom, image: Image.Image, rendition: Rendition = PNG, format="PNG", **options):
    return darkroom.opened(render(darkroom.file(image, format, **options), rendition).body)


def near(one: tuple[int, ...], other: tuple[int, ...], slack: int = 6) -> bool:
    return all(abs(a - b) <= slack for a, b in zip(one, other, strict=True))


RED, GREEN, BLUE, YELLOW = (208, 32, 32), (32, 176, 64), (32, 64, 208), (224, 208, 32)
PLACES = ((0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8))


@pytest.mark.parametrize(
    ("mode", "format", "slack"),
    [("RGB", "PNG", 1), ("P", "PNG", 30), ("P", "GIF", 30), ("RGB", "BMP", 1), ("RGB", "TIFF", 1),
     ("CMYK", "TIFF", 6), ("CMYK", "JPEG", 12), ("YCbCr", "TIFF", 12), ("LAB", "TIFF", 12),
     ("RGB", "WEBP", 25), ("RGB", "AVIF", 25), ("RGB", "JPEG2000", 12)],
)  # fmt: skip
def test_colours_are_kept_in_every_mode(darkroom, mode: str, format: str, slack: int) -> None:
    image = darkroom.quarters((200, 200))
    if mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        image = ImageCms.profileToProfile(image, srgb, lab, outputMode="LAB")
    result = made(darkroom, image.convert(mode) if mode != "LAB" else image, format=format)
    assert result.mode == "RGB"
    for place, colour in zip(PLACES, (RED, GREEN, BLUE, YELLOW), strict=True):
        assert near(darkroom.colour(result, *place), colour, slack)


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "avif"])
def test_grey_stays_grey(darkroom, format: str) -> None:
    result = made(darkroom, Image.new("L", (200, 100), 77), Rendition(width=100, format=format))
    assert near(darkroom.colour(result, 0.5, 0.5), (77, 77, 77), 2)
    if format in ("png", "jpeg"):
        assert result.mode == "L"


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I"])
def test_sixteen_bits_keep_their_brightness(darkroom, mode: str) -> None:
    grey = Image.new("I", (200, 100), 0x8000).convert(mode)
    result = made(darkroom, grey, format="TIFF")
    assert result.mode == "L"
    assert near((result.getpixel((50, 25)),), (127,), 1)


def test_sixteen_bit_white_is_white(darkroom) -> None:
    result = made(darkroom, Image.new("I;16", (200, 100), 0xFFFF))
    assert result.getpixel((50, 25)) == 255


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_twelve_bits_of_a_tiff_reach_from_black_to_white(darkroom, mode: str) -> None:
    image = Image.new("I", (400, 200), 0)
    image.paste(0xFFF, (200, 0, 400, 200))
    image.paste(0x800, (0, 0, 100, 200))
    result = made(darkroom, image.convert(mode), format="TIFF")
    assert [result.getpixel((x, 25)) for x in (10, 40, 80)] == [127, 0, 255]
    dark = made(darkroom, image.convert("I;16"), format="PNG")
    assert dark.getpixel((80, 25)) == 15, "a PNG says what its white is"
    black = made(darkroom, Image.new("I;16", (400, 200)), format="TIFF")
    assert black.getextrema() == (0, 0)


@pytest.mark.parametrize(
    ("kind", "pixel", "seen"),
    [
        (2, (0x8000, 0x4000, 0xFFFF), (128, 64, 255, 255)),
        (4, (0x8000, 0x4000), (128, 128, 128, 64)),
        (6, (0x8000, 0x4000, 0xFFFF, 0x8000), (128, 64, 255, 128)),
    ],
)
def test_sixteen_bits_of_each_channel_keep_their_brightness(
    darkroom, kind: int, pixel: tuple[int, ...], seen: tuple[int, ...]
) -> None:
    source = sixteen_bit_png(kind, struct.pack(f">{len(pixel)}H", *pixel))
    result = darkroom.opened(render(source, PNG).body).convert("RGBA")
    assert near(result.getpixel((20, 20)), seen, 1)


def sixteen_bit_png(kind: int, pixel: bytes, side: int = 120) -> bytes:
    """A PNG of one colour (ISO/IEC 15948 §5): Pillow writes no such channels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc32(name + data))

    head = struct.pack(">IIBBBBB", side, side, 16, kind, 0, 0, 0)
    rows = compress((b"\0" + pixel * side) * side)
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head), chunk(b"IDAT", rows), chunk(b"IEND", b"")]
    )


def test_sharp_edges_in_sixteen_bits_do_not_change_the_brightness(darkroom) -> None:
    """Averaging overshoots at an edge; the range must not be taken from the result."""
    image = Image.new("I", (400, 200), 0)
    image.paste(0xFFFF, (200, 0, 400, 200))
    image.paste(0x8000, (0, 0, 100, 200))
    result = made(darkroom, image.convert("I;16"))
    levels = [result.getpixel((x, 25)) for x in (10, 40, 80)]
    assert levels == [127, 0, 255]


def test_ranges_without_a_meaning_are_stretched() -> None:
    depth = Image.linear_gradient("L").convert("F").point(lambda v: v * 1000 - 5000)
    result = resizable(depth)
    assert (result.mode, result.getextrema()) == ("L", (0, 255))
    flat = resizable(Image.new("F", (10, 10), 7.5))
    assert flat.getextrema() == (0, 0)
    small = resizable(Image.new("I", (10, 10), 200))
    assert small.getextrema() == (200, 200)


def test_one_bit_becomes_greys_when_scaled(darkroom) -> None:
    page = Image.new("1", (400, 400), 1)
    for x in range(0, 400, 2):
        page.paste(0, (x, 0, x + 1, 400))
    result = made(darkroom, page, Rendition(width=100, format="png"), "TIFF", compression="group4")
    assert result.mode == "L"
    assert near((result.getpixel((50, 50)),), (128,), 4)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_kept_where_the_format_can_and_laid_on_white_in_a_jpeg(
    darkroom, mode: str
) -> None:
    image = Image.new("RGBA", (200, 100), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (100, 0, 200, 100))
    source = image.convert(mode)
    for format in ("png", "webp", "avif"):
        result = made(darkroom, source, Rendition(width=100, format=format)).convert("RGBA")
        assert result.getpixel((20, 25))[3] < 10
        assert result.getpixel((80, 25))[3] > 245
    flat = made(darkroom, source, JPEG)
    assert near(darkroom.colour(flat, 0.2, 0.5), (255, 255, 255))
    assert near(darkroom.colour(flat, 0.8, 0.5), (0, 0, 0))


def test_a_transparent_colour_key_is_alpha(darkroom) -> None:
    for image, key in (
        (Image.new("RGB", (200, 100), (1, 2, 3)), (1, 2, 3)),
        (Image.new("L", (200, 100), 9), 9),
        (Image.new("P", (200, 100), 0), 0),
    ):
        result = made(darkroom, image, transparency=key)
        assert result.convert("RGBA").getpixel((50, 25))[3] == 0


def test_modes_that_cannot_be_averaged_are_widened() -> None:
    assert resizable(Image.new("1", (2, 2))).mode == "L"
    assert resizable(Image.new("P", (2, 2))).mode == "RGB"
    assert resizable(Image.new("PA", (2, 2))).mode == "RGBA"
    assert resizable(Image.new("I;16", (2, 2))).mode == "L"
    assert resizable(Image.new("CMYK", (2, 2))).mode == "CMYK"


def wide_profile() -> bytes:
    """sRGB with red and blue swapped in its tags: unmistakable when it is applied."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_profile_is_applied(darkroom, format: str) -> None:
    image = darkroom.quarters((200, 200))
    result = made(darkroom, image, format=format, icc_profile=wide_profile())
    red_turned_blue = darkroom.colour(result, 0.2, 0.2)
    assert red_turned_blue[2] > 180 > red_turned_blue[0]


def test_the_profile_of_srgb_itself_changes_no_pixel(darkroom) -> None:
    image = darkroom.texture((90, 60), "RGB")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert web_ready(image, srgb) is image


def test_every_picture_is_seen_through_its_own_profile(darkroom) -> None:
    image = darkroom.quarters((90, 60))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    first, plain, again = (web_ready(image, one) for one in (wide_profile(), srgb, wide_profile()))
    assert plain is image
    assert first.tobytes() == again.tobytes() != image.tobytes()


def test_alpha_survives_a_profile(darkroom) -> None:
    image = darkroom.quarters((200, 200)).convert("RGBA")
    image.putalpha(100)
    result = made(darkroom, image, icc_profile=wide_profile())
    assert result.mode == "RGBA"
    assert result.getpixel((20, 20))[3] == 100
    assert result.getpixel((20, 20))[2] > 180


@pytest.mark.parametrize("profile", [b"no profile", bytes(128), wide_profile()[:300]])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_damaged_or_foreign_profile_is_passed_over(darkroom, profile: bytes, mode: str) -> None:
    image = darkroom.quarters((200, 200), mode)
    result = web_ready(image, profile)
    assert result.mode == ("L" if mode == "L" else "RGB")
    wanted = RED if mode != "L" else darkroom.colour(image, 0.2, 0.2)
    assert near(darkroom.colour(result, 0.2, 0.2), wanted, 12)


def test_on_white_leaves_opaque_pictures_alone() -> None:
    image = Image.new("RGB", (2, 2))
    assert on_white(image) is image
    assert on_white(Image.new("LA", (2, 2), (0, 0))).getpixel((0, 0)) == 255


def test_no_profile_is_left_in_the_rendition(darkroom) -> None:
    body = render(darkroom.file(darkroom.quarters(), "PNG", icc_profile=wide_profile()), PNG).body
    assert "icc_profile" not in Image.open(BytesIO(body)).info


def test_a_single_pixel_of_colour_keeps_the_picture_in_colour() -> None:
    image = Image.new("RGB", (500, 400), (90, 90, 90))
    assert greyed(image).mode == "L"
    image.putpixel((333, 222), (90, 90, 94))
    assert greyed(image, 3) is image
    assert greyed(image, 4).mode == "L"
    clear = Image.new("RGBA", (2, 2))
    assert greyed(clear) is clear
