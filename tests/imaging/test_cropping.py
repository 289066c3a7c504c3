"""A part of a page is fitted to its size just as the whole would be, and is as sharp."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from imaging.engine import render
from imaging.errors import SourceTooLarge
from imaging.limits import Limits
from imaging.names.areas import Area
from imaging.names.renditions import Rendition, parse_spec
from imaging.pixels.geometry import place, turned

sides = st.integers(0, 1000)
areas = st.tuples(sides, sides, sides, sides).filter(lambda a: a[0] < a[2] and a[1] < a[3])
sizes = st.tuples(st.integers(1, 3000), st.integers(1, 3000))


def difference(one: Image.Image, other: Image.Image) -> float:
    assert one.size == other.size
    return ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean[0]


@given(sizes, areas, st.sampled_from(["", "cover", "contain", "fill"]), st.integers(1, 4000))
def test_no_part_grows_and_none_reaches_beyond_itself(
    source: tuple[int, int], area: tuple[int, int, int, int], fit: str, width: int
) -> None:
    rendition = Rendition(
        width=width, height=width // 2 + 1 if fit else 0, fit=fit, crop=Area(*area)
    )
    left, top, right, bottom = rendition.crop.nearest(source)
    placed = place(source, rendition)
    assert placed.width <= right - left
    assert placed.height <= bottom - top
    box = placed.box
    assert left <= box[0] < box[2] <= right
    assert top <= box[1] < box[3] <= bottom


@pytest.mark.parametrize(
    ("spec", "size"),
    [("w640-c0_0_500_500", (640, 480)), ("w3000-c0_0_500_500", (800, 600)),
     ("full-c250_250_750_500", (800, 300)), ("h100-c0_0_250_1000", (33, 100)),
     ("w100-h100-cover-c0_0_500_500", (100, 100)), ("w100-h100-contain-c0_0_500_500", (100, 75)),
     ("w100-h100-fill-c0_0_500_500", (100, 100)), ("w640-c0_0_1_1", (2, 1))],
)  # fmt: skip
def test_a_part_has_the_size_that_was_asked_for(darkroom, spec: str, size: tuple[int, int]) -> None:
    source = darkroom.file(darkroom.quarters((1600, 1200)))
    rendered = render(source, parse_spec(f"{spec}-png"))
    assert (rendered.width, rendered.height) == size


def stored(image: Image.Image, orientation: int, darkroom) -> bytes:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    lying = image.transpose(undo[orientation]) if orientation > 1 else image
    return darkroom.file(lying, exif=darkroom.exif(orientation), quality=95, subsampling=0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("width", [60, 500], ids=["draft", "whole"])
def test_the_part_is_that_of_the_upright_picture(darkroom, orientation: int, width: int) -> None:
    upright = darkroom.quarters((1600, 1000))
    made = render(
        stored(upright, orientation, darkroom), parse_spec(f"w{width}-c100_200_600_700-png")
    )
    wanted = upright.crop((160, 200, 960, 700)).resize((made.width, made.height))
    assert difference(darkroom.opened(made.body), wanted) < 6


def test_a_part_is_decoded_as_sharp_as_it_is_shown(darkroom) -> None:
    """A decoder that halved the picture, as for the whole of it, would blur the part."""
    image = darkroom.texture((2000, 2000), "RGB")
    source = darkroom.file(image, quality=95, subsampling=0)
    made = darkroom.opened(render(source, parse_spec("w200-c400_400_500_500-png")).body)
    assert difference(made, image.crop((800, 800, 1000, 1000))) < 4


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "GIF"])
def test_a_part_of_its_own_size_is_not_resampled(darkroom, format: str) -> None:
    image = darkroom.texture((300, 200), "L")
    options = {"lossless": True} if format == "WEBP" else {}
    source = darkroom.file(image, format, **options)
    made = darkroom.opened(render(source, parse_spec("full-c100_100_600_900-png")).body)
    assert made.convert("L").tobytes() == image.crop((30, 20, 180, 180)).tobytes()


@pytest.mark.parametrize(
    ("gravity", "left"), [("we", 400), ("ea", 700), ("ce", 550), ("fp_0_0", 400)]
)
def test_gravity_counts_within_the_part(darkroom, gravity: str, left: int) -> None:
    image = darkroom.texture((1000, 100), "L")
    spec = f"w100-h100-cover-c400_0_800_1000-g{gravity}-png".replace("-gce", "")
    made = darkroom.opened(render(darkroom.file(image, "PNG"), parse_spec(spec)).body)
    assert made.tobytes() == image.crop((left, 0, left + 100, 100)).tobytes()


@pytest.mark.parametrize("orientation", [1, 6])
def test_smart_gravity_looks_at_the_part_alone(darkroom, orientation: int) -> None:
    upright = Image.new("RGB", (1600, 400), "#c0c0c0")
    upright.paste(darkroom.texture((300, 300), "RGB"), (50, 50))  # livelier, but outside
    upright.paste(darkroom.texture((100, 100), "RGB"), (1300, 150))
    source = stored(upright, orientation, darkroom)
    spec = "w200-h200-cover-c500_0_1000_1000-gsm-png"
    made = darkroom.opened(render(source, parse_spec(spec)).body)
    wanted = upright.crop((1150, 0, 1550, 400))
    assert difference(made.resize((10, 10)), wanted.resize((10, 10))) < 14


def test_a_page_of_two_colours_gives_all_pixels_of_the_part(darkroom) -> None:
    rings = Image.radial_gradient("L").resize((3600, 2400)).point(lambda v: v * 8 % 256)
    image = rings.convert("1", dither=Image.Dither.NONE)
    source = darkroom.file(image, "TIFF", compression="group4")
    rendered = render(source, parse_spec("w1280-c0_0_500_500-webp"))
    assert (rendered.width, rendered.height) == (1800, 1200)


def test_frames_are_cut_alike(darkroom) -> None:
    frames = [darkroom.quarters((200, 100)), darkroom.quarters((200, 100)).rotate(180)]
    gif = darkroom.file(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=80)
    shown = darkroom.opened(render(gif, parse_spec("full-c500_0_1000_500-webp")).body)
    colours = []
    for index in (0, 1):
        shown.seek(index)
        assert shown.size == (100, 50)
        colours.append(darkroom.colour(shown, 0.5, 0.5))
    assert colours[0][1] > 150 > colours[0][2]  # green
    assert colours[1][2] > 150 > colours[1][1]  # blue


@pytest.mark.parametrize(
    "spec", ["w500-c0_0_500_500", "w500-c250_0_750_500", "w400-h400-cover-c0_0_500_500"]
)
def test_a_part_of_a_page_is_drawn_at_the_pixels_asked_for(darkroom, spec: str) -> None:
    source = darkroom.pdf((300, 300))
    rendition = parse_spec(f"{spec}-png")
    made = darkroom.opened(render(source, rendition).body)
    assert made.size == (rendition.width, rendition.width)
    left = rendition.crop.left
    edge = made.convert("RGB").crop((0, 0, made.width, 1)).getcolors()
    # An upper left quarter is red to the pixel; what was enlarged would have colours between.
    assert {colour for count, colour in edge if count > 2} <= {(255, 0, 0), (255, 255, 255)}
    share = (500 - left) / 500 if left else 1
    red = sum(count for count, colour in edge if colour == (255, 0, 0))
    assert abs(red - share * made.width) <= 2


def test_zooming_far_into_a_page_costs_what_is_asked_for(darkroom) -> None:
    source = darkroom.pdf((600, 800))
    made = render(source, parse_spec("w2560-c499_499_501_501-webp"))
    assert (made.width, made.height) == (2560, 3413)
    assert len(made.body) < 100_000
    with pytest.raises(SourceTooLarge, match="pixels"):
        render(source, parse_spec("w2560-c499_499_501_501-webp"), Limits(pixels=8_000_000))


@pytest.mark.parametrize(
    "area", ["0_0_333_333", "333_333_666_667", "666_667_1000_1000", "0_999_1_1000"]
)
@pytest.mark.parametrize("box", [(612, 792), (595.28, 841.89), (1.5, 400)])
def test_every_part_of_every_page_can_be_drawn(
    darkroom, area: str, box: tuple[float, float]
) -> None:
    made = render(darkroom.pdf(box), parse_spec(f"w320-c{area}-png"))
    assert made.width <= 320


def test_touching_parts_of_a_page_are_the_page(darkroom) -> None:
    lines = b"".join(b"%d 0 m %d 800 l S " % (x, 600 - x) for x in range(0, 600, 23))
    source = darkroom.page(lines, (600, 800))
    whole = darkroom.opened(render(source, parse_spec("w1200-png")).body)
    for column, area in enumerate(("0_0_500_1000", "500_0_1000_1000")):
        part = darkroom.opened(render(source, parse_spec(f"w600-c{area}-png")).body)
        wanted = whole.crop((600 * column, 0, 600 * column + 600, 1600))
        assert difference(part, wanted) < 2


def test_the_part_is_found_where_the_source_is_stored() -> None:
    assert turned((1, 2, 3, 4), 6, (10, 20)) == (2, 7, 4, 9)
    assert turned((1, 2, 3, 4), 1, (10, 20)) == (1, 2, 3, 4)
