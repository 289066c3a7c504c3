"""HEIC: the primary picture, turned once, in sRGB, refused by its header where it is too large."""

import struct
import sys
from collections.abc import Callable, Iterator
from io import BytesIO

import pillow_heif
import pytest
from PIL import Image

from imaging.engine import describe, render
from imaging.errors import BrokenSource, PageMissing, SourceTooLarge
from imaging.heif import binding
from imaging.limits import Limits
from imaging.media import HEIF
from imaging.names.negotiate import origin_format
from imaging.names.renditions import Rendition, Renditions

PNG = Rendition(width=320, format="png")


@pytest.fixture(autouse=True)
def encoder() -> None:
    pillow_heif.register_heif_opener()


def heic(darkroom, image: Image.Image, **options) -> bytes:
    return darkroom.file(image, "HEIF", quality=90, **options)


def deep(mode: str, sample: tuple[int, ...]) -> bytes:
    """One colour of sixteen bits a channel, stored with ten."""
    pixels = struct.pack(f"<{len(sample)}H", *sample) * (64 * 64)
    out = BytesIO()
    pillow_heif.from_bytes(mode=mode, size=(64, 64), data=pixels).save(out, quality=-1)
    return out.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_that_says_twice_how_it_was_held_is_turned_once(
    darkroom, orientation: int
) -> None:
    """The encoder writes `irot` and `imir` for the EXIF orientation and keeps the latter."""
    wanted = {1: "rg", 2: "gr", 3: "yb", 4: "by", 5: "rb", 6: "br", 7: "yg", 8: "gy"}[orientation]
    source = heic(
        darkroom, darkroom.quarters((320, 240)), exif=darkroom.exif(orientation).tobytes()
    )
    size = (240, 320) if orientation > 4 else (320, 240)
    found = describe(source)
    assert (found.width, found.height, found.pages) == (*size, 1)
    made = darkroom.opened(render(source, PNG).body)
    assert made.size == size
    assert made.getexif() == {}
    colours = [darkroom.colour(made, across, 0.2) for across in (0.2, 0.8)]
    assert [named(colour) for colour in colours] == list(wanted)


def named(colour: tuple[int, ...]) -> str:
    red, green, blue = (value > 140 for value in colour)
    return {(1, 0, 0): "r", (0, 1, 0): "g", (0, 0, 1): "b", (1, 1, 0): "y"}[red, green, blue]


def test_no_metadata_survives(darkroom) -> None:
    source = heic(
        darkroom, darkroom.quarters((320, 240)), exif=darkroom.exif().tobytes(), xmp=b"<x>Eve</x>"
    )
    assert b"Secret Camera" in source
    for format in ("jpeg", "webp", "avif", "png"):
        body = render(source, Rendition(width=160, format=format)).body
        assert all(secret not in body for secret in (b"Secret", b"Eve", b"Exif"))


def test_a_profile_is_applied_and_left_behind(darkroom) -> None:
    """Under a profile whose red and blue are swapped, red is shown as blue."""
    profile = bytearray(darkroom.profile())
    profile = profile.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")
    plain = Image.new("RGB", (64, 64), (220, 20, 20))
    made = darkroom.opened(render(heic(darkroom, plain, icc_profile=bytes(profile)), PNG).body)
    red, _, blue = darkroom.colour(made, 0.5, 0.5)
    assert blue > 180 > 60 > red
    assert "icc_profile" not in made.info


def test_alpha_is_kept_and_becomes_white_paper_in_jpeg(darkroom) -> None:
    image = darkroom.quarters((320, 240), "RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    source = heic(darkroom, image)
    made = darkroom.opened(render(source, PNG).body)
    assert made.mode == "RGBA"
    assert made.getpixel((80, 2))[3] < 20 < 230 < made.getpixel((80, 238))[3]
    paper = darkroom.opened(render(source, Rendition(width=320, format="jpeg")).body)
    assert min(darkroom.colour(paper, 0.2, 0.01)) > 230


@pytest.mark.parametrize(
    ("mode", "sample", "seen"),
    [("RGB;16", (65535, 0, 32768), (255, 0, 126)), ("L;16", (20000,), (78, 78, 78))],
)
def test_ten_bits_keep_their_brightness(darkroom, mode: str, sample, seen) -> None:
    source = deep(mode, sample)
    assert Image.open(BytesIO(source)).info["bit_depth"] == 10
    made = darkroom.colour(darkroom.opened(render(source, PNG).body), 0.5, 0.5)
    assert max(abs(one - other) for one, other in zip(made, seen, strict=True)) <= 3


def test_a_grid_of_tiles_is_one_picture(darkroom) -> None:
    source = heic(darkroom, darkroom.quarters((700, 500)), tile_size=256)
    assert Image.open(BytesIO(source)).info["tiling"]["num_columns"] == 3
    made = darkroom.opened(render(source, Rendition(width=700, format="png")).body)
    assert made.size == (700, 500)
    assert [named(darkroom.colour(made, x, y)) for y in (0.2, 0.8) for x in (0.2, 0.8)] == [*"rgby"]


def test_of_several_pictures_the_primary_one_is_shown(darkroom) -> None:
    others = [Image.new("RGB", (100, 80), "blue"), Image.new("RGB", (90, 90), "green")]
    first = Image.new("RGB", (200, 100), "red")
    source = heic(darkroom, first, save_all=True, append_images=others, primary_index=1)
    assert describe(source).width == 100
    made = darkroom.opened(render(source, PNG).body)
    assert (made.size, named(darkroom.colour(made, 0.5, 0.5))) == ((100, 80), "b")
    with pytest.raises(PageMissing):
        render(source, Rendition(page=2, width=160))


def test_too_many_pixels_are_refused_by_the_header(darkroom) -> None:
    source = heic(darkroom, Image.new("RGB", (320, 240)))
    head = source[: source.index(b"mdat") + 8]  # nothing of it could be decoded
    assert describe(head).width == 320
    for ask in (describe, lambda source, limits: render(source, PNG, limits)):
        with pytest.raises(SourceTooLarge, match="pixels"):
            ask(head, Limits(pixels=320 * 240 - 1))


def test_a_file_cut_short_is_damaged(darkroom) -> None:
    source = heic(darkroom, darkroom.quarters((320, 240)))
    for length in (12, 60, len(source) // 2, len(source) - 20):
        with pytest.raises(BrokenSource):
            render(source[:length], PNG)


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"heim", b"msf1"])
def test_the_container_s_brands_are_told_apart(darkroom, brand: bytes) -> None:
    source = bytearray(heic(darkroom, darkroom.quarters((64, 48))))
    source[8:12] = brand
    assert describe(bytes(source)).media_type in HEIF
    assert render(bytes(source), PNG).width == 64


def test_names_and_formats_are_those_of_photographs() -> None:
    assert Renditions().names("image/heic") == Renditions().names("image/jpeg")
    assert {origin_format(media_type) for media_type in HEIF} == {"jpeg"}


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Make bindings absent."""

    def absent(*names: str) -> None:
        for name in names:
            monkeypatch.setitem(sys.modules, name, None)
        binding.cache_clear()

    yield absent
    binding.cache_clear()


@pytest.mark.parametrize("absent", ["pi_heif", "pillow_heif"])
def test_either_binding_is_enough(darkroom, without, absent: str) -> None:
    source = heic(darkroom, darkroom.quarters((64, 48)))
    without(absent)
    assert render(source, PNG).width == 64


def test_without_the_extra_heic_says_what_is_missing(darkroom, without) -> None:
    source = heic(darkroom, darkroom.quarters((64, 48)))
    without("pi_heif", "pillow_heif")
    with pytest.raises(BrokenSource, match="heif-engine-missing"):
        describe(source)
