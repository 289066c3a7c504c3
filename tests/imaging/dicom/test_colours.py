"""Colours are RGB whatever a file calls them and however it lays them out."""

from io import BytesIO

import pytest
from PIL import Image
from pydicom.uid import ExplicitVRBigEndian, JPEG2000Lossless, JPEGBaseline8Bit

from imaging.dicom.drawing import draw_frame
from imaging.engine import render
from imaging.errors import BrokenSource
from imaging.limits import Limits
from imaging.names.renditions import parse_spec

SIZE = (64, 48)
RGB = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}
CORNERS = {(5, 5): (208, 32, 32), (60, 5): (32, 176, 64), (5, 40): (32, 64, 208)}


def drawn(source: bytes) -> Image.Image:
    return draw_frame(source, parse_spec("full"), Limits())


def is_quarters(image: Image.Image, within: int = 2) -> bool:
    return image.mode == "RGB" and all(
        abs(one - other) <= within
        for place, colour in CORNERS.items()
        for one, other in zip(image.getpixel(place), colour, strict=True)
    )


@pytest.fixture
def quarters(darkroom) -> Image.Image:
    return darkroom.quarters(SIZE)


def encoded(image: Image.Image, format: str, **options) -> bytes:
    out = BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize(("mode", "name"), [("RGB", "RGB"), ("YCbCr", "YBR_FULL")])
def test_pixels_or_planes(scanner, quarters, planar: int, mode: str, name: str) -> None:
    image = quarters.convert(mode)
    octets = b"".join(band.tobytes() for band in image.split()) if planar else image.tobytes()
    elements = {**RGB, "PhotometricInterpretation": name, "PlanarConfiguration": planar}
    assert is_quarters(drawn(scanner.file(octets, SIZE, **elements)))


def test_two_pixels_may_share_their_colour(scanner, quarters) -> None:
    image = quarters.convert("YCbCr")
    pixels = list(zip(*(band.tobytes() for band in image.split()), strict=True))
    shared = bytes(
        value
        for one, other in zip(pixels[::2], pixels[1::2], strict=True)
        for value in (one[0], other[0], one[1], one[2])
    )
    elements = {**RGB, "PhotometricInterpretation": "YBR_FULL_422"}
    assert is_quarters(drawn(scanner.file(shared, SIZE, **elements)))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("stored", [12, 16])
@pytest.mark.parametrize("planar", [0, 1])
def test_deep_colours(scanner, quarters, order: str, stored: int, planar: int) -> None:
    octets = b"".join(band.tobytes() for band in quarters.split()) if planar else quarters.tobytes()
    words = scanner.words(*(value << (stored - 8) for value in octets), order=order)
    syntax = {"syntax": ExplicitVRBigEndian} if order == ">" else {}
    elements = {**RGB, "BitsStored": stored, "PlanarConfiguration": planar, **syntax}
    assert is_quarters(drawn(scanner.file(words, SIZE, 16, **elements)))


@pytest.mark.parametrize("name", ["RGB", "YBR_FULL_422", "YBR_FULL"])
def test_a_jpeg_s_own_marker_says_what_its_colours_are(scanner, quarters, name: str) -> None:
    """Files often say RGB of what is YCbCr in truth."""
    jfif = encoded(quarters, "JPEG", quality=95)
    elements = {**RGB, "PhotometricInterpretation": name}
    assert is_quarters(drawn(scanner.file([jfif], SIZE, syntax=JPEGBaseline8Bit, **elements)), 9)


@pytest.mark.parametrize("name", ["RGB", "YBR_FULL_422"])
def test_a_jpeg_without_marker_is_what_the_file_says(scanner, quarters, name: str) -> None:
    mode = "RGB" if name == "RGB" else "YCbCr"
    planes = Image.frombytes("YCbCr", SIZE, quarters.convert(mode).tobytes())
    jfif = encoded(planes, "JPEG", quality=95, subsampling=0)
    bare = jfif[:2] + jfif[2 + 2 + int.from_bytes(jfif[4:6], "big") :]
    assert b"JFIF" in jfif
    assert b"JFIF" not in bare
    elements = {**RGB, "PhotometricInterpretation": name}
    assert is_quarters(drawn(scanner.file([bare], SIZE, syntax=JPEGBaseline8Bit, **elements)), 9)


@pytest.mark.parametrize(
    ("name", "mode"), [("YBR_RCT", "RGB"), ("RGB", "RGB"), ("YBR_FULL", "YCbCr")]
)
def test_jpeg_2000_is_rgb_already_unless_the_file_kept_ycc(
    scanner, quarters, name: str, mode: str
) -> None:
    planes = Image.frombytes("RGB", SIZE, quarters.convert(mode).tobytes())
    packed = encoded(planes, "JPEG2000", no_jp2=True)
    elements = {**RGB, "PhotometricInterpretation": name}
    assert is_quarters(drawn(scanner.file([packed], SIZE, syntax=JPEG2000Lossless, **elements)))


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_is_looked_up(scanner, depth: int, bits: int) -> None:
    """Entries of eight or sixteen bits; the first stands for the value 10."""
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 128)]
    values = [0, 10, 11, 12, 200]
    pixels = bytes(values) if bits == 8 else scanner.words(*values)
    data: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for band, name in enumerate(("Red", "Green", "Blue")):
        entries = [colour[band] * (257 if depth == 16 else 1) for colour in colours]
        data[f"{name}PaletteColorLookupTableDescriptor"] = [3, 10, depth]
        data[f"{name}PaletteColorLookupTableData"] = scanner.words(*entries)
    image = drawn(scanner.file(pixels, (5, 1), bits, **data))
    found = [image.getpixel((x, 0)) for x in range(5)]
    assert found == [colours[0], *colours, colours[2]]


def test_a_palette_that_is_missing_is_unsupported(scanner) -> None:
    source = scanner.file(bytes(4), (2, 2), PhotometricInterpretation="PALETTE COLOR")
    with pytest.raises(BrokenSource, match="unsupported"):
        drawn(source)


def test_a_profile_in_the_file_is_applied(scanner, darkroom) -> None:
    profile = darkroom.profile()
    profile = profile.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")
    source = scanner.file(bytes([220, 20, 20] * 64), (8, 8), ICCProfile=profile, **RGB)
    made = darkroom.opened(render(source, parse_spec("full-png")).body)
    red, _, blue = made.getpixel((4, 4))
    assert blue > 180 > 60 > red


def test_colours_that_are_fewer_than_the_file_says_are_damaged(scanner) -> None:
    grey = encoded(Image.new("L", SIZE), "JPEG")
    with pytest.raises(BrokenSource, match="damaged"):
        render(scanner.file([grey], SIZE, syntax=JPEGBaseline8Bit, **RGB), parse_spec("full-png"))
