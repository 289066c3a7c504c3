"""Stamps: a mark is seen on every picture, wherever one looks, and spoils none of it."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from imaging.errors import MarkBroken
from imaging.marking.marks import Mark
from imaging.marking.stamps import marked, stamping

TEXT = Mark("draft", "Confidential")
LONG = Mark("who", "Dr. Anna Example-Sample, 2026-11-23")


def logo(colour: tuple[int, int, int] = (20, 60, 170), size: tuple[int, int] = (120, 60)) -> Mark:
    image = Image.new("RGBA", size)
    ImageDraw.Draw(image).ellipse((4, 4, size[0] - 5, size[1] - 5), (*colour, 255))
    out = BytesIO()
    image.save(out, "PNG")
    return Mark("logo", image=out.getvalue())


def on(image: Image.Image, mark: Mark) -> Image.Image:
    (shown,) = marked([image], mark)
    return shown


def changed(before: Image.Image, after: Image.Image) -> Image.Image:
    """Where the two differ by so much that one sees it."""
    plain = ImageChops.difference(before.convert("RGB"), after.convert("RGB")).convert("L")
    return plain.point([255 if value > 10 else 0 for value in range(256)])


def share(mask: Image.Image) -> float:
    return ImageStat.Stat(mask).mean[0] / 255


@pytest.mark.parametrize("mark", [TEXT, LONG, logo(), replace(TEXT, opacity=0.15)])
@pytest.mark.parametrize("tone", [0, 60, 116, 128, 200, 255])
def test_a_mark_is_seen_on_every_tone(mark: Mark, tone: int) -> None:
    ground = Image.new("RGB", (640, 480), (tone,) * 3)
    assert 0.01 < share(changed(ground, on(ground, mark))) < 0.35


def test_ink_is_dark_on_light_and_light_on_dark_in_one_picture() -> None:
    ground = Image.new("L", (800, 400), 255)
    ground.paste(0, (400, 0, 800, 400))
    shown = on(ground, TEXT)
    light, dark = shown.crop((0, 0, 360, 400)), shown.crop((440, 0, 800, 400))
    assert light.getextrema()[0] < 200
    assert dark.getextrema()[1] > 55  # type: ignore[operator]


def test_fine_noise_of_dark_and_light_does_not_hide_the_mark() -> None:
    ground = Image.effect_noise((640, 480), 90)
    shown = on(ground, TEXT)
    assert share(changed(ground, shown)) > 0.03


@pytest.mark.parametrize("size", [(160, 120), (320, 480), (640, 360), (1280, 1800), (2000, 160)])
@pytest.mark.parametrize("mark", [TEXT, LONG, logo()])
def test_no_half_of_a_picture_is_without_a_tiled_mark(size: tuple[int, int], mark: Mark) -> None:
    ground = Image.new("L", size, 230)
    seen = changed(ground, on(ground, mark))
    width, height = size
    for left in (0, width // 4, width // 2):
        for top in (0, height // 4, height // 2):
            part = seen.crop((left, top, left + width // 2, top + height // 2))
            assert part.getbbox(), (left, top)


@pytest.mark.parametrize("place", ["centre", "corner"])
@pytest.mark.parametrize("mark", [TEXT, LONG, logo()])
def test_a_single_mark_stands_where_it_was_put(mark: Mark, place: str) -> None:
    ground = Image.new("L", (640, 480), 230)
    seen = changed(ground, on(ground, replace(mark, place=place))).getbbox()  # type: ignore[arg-type]
    assert seen
    left, top, right, bottom = seen
    assert left > 0 < top
    assert (right < 640, bottom < 480) == (True, True)
    middle = (left + right) / 2, (top + bottom) / 2
    if place == "corner":
        assert (left > 320, bottom < 240) == (True, True)
    else:
        assert max(abs(middle[0] - 320), abs(middle[1] - 240)) < 12


@pytest.mark.parametrize("size", [(16, 16), (40, 12), (12, 300), (1, 1), (3000, 9), (9, 3000)])
@pytest.mark.parametrize("mark", [TEXT, LONG, logo(), replace(TEXT, place="centre", size=1.0)])
def test_the_smallest_and_the_oddest_pictures_are_marked_too(
    size: tuple[int, int], mark: Mark
) -> None:
    ground = Image.new("L", size, 255)
    shown = on(ground, mark)
    assert shown.size == size
    if min(size) > 8:
        assert shown.tobytes() != ground.convert(shown.mode).tobytes()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_text_leaves_a_picture_in_its_mode(mode: str) -> None:
    assert on(Image.new(mode, (200, 100)), TEXT).mode == mode


@pytest.mark.parametrize(("mode", "coloured"), [("L", "RGB"), ("LA", "RGBA"), ("RGB", "RGB")])
def test_a_coloured_logo_gives_a_grey_picture_colours(mode: str, coloured: str) -> None:
    assert on(Image.new(mode, (200, 100)), logo()).mode == coloured
    assert on(Image.new(mode, (200, 100)), logo((90, 90, 90))).mode == mode


def test_what_is_transparent_gets_the_mark_and_stays_so_beside_it() -> None:
    shown = on(Image.new("RGBA", (400, 200)), TEXT)
    low, high = shown.getchannel("A").getextrema()
    assert low == 0 < 40 < high  # type: ignore[operator]


def test_a_logo_keeps_its_colours_and_its_share_of_the_width() -> None:
    ground = Image.new("RGB", (1000, 600), "white")
    mark = replace(logo(), opacity=1.0, place="centre", size=0.5)
    shown = on(ground, mark)
    assert shown.getpixel((500, 300)) == (20, 60, 170)
    left, _, right, _ = changed(ground, shown).getbbox() or (0, 0, 0, 0)
    assert abs(right - left - 500) < 40


def test_a_dark_logo_has_a_light_edge_on_black() -> None:
    ground = Image.new("RGB", (400, 300))
    assert share(changed(ground, on(ground, replace(logo((0, 0, 0)), opacity=0.5)))) > 0.005


def test_the_source_is_not_painted_on() -> None:
    ground = Image.new("L", (200, 100), 255)
    on(ground, TEXT)
    assert ground.getextrema() == (255, 255)


def test_equal_pictures_get_equal_marks() -> None:
    ground = Image.effect_noise((300, 200), 50)
    assert on(ground, TEXT).tobytes() == on(ground, TEXT).tobytes()


def test_no_mark_leaves_pictures_as_they_are() -> None:
    ground = Image.new("L", (9, 9))
    assert on(ground, Mark()) is ground


@pytest.mark.parametrize("mark", [Mark("draft"), Mark("who", "{viewer}"), Mark("day", "{date}")])
def test_a_mark_that_is_not_all_there_is_never_left_out(mark: Mark) -> None:
    with pytest.raises(MarkBroken, match="undrawn"):
        stamping((100, 100), mark)


@pytest.mark.parametrize("octets", [b"nonsense", b"\x89PNG\r\n\x1a\n", logo().image[:90]])
def test_a_logo_that_can_not_be_decoded_is_never_left_out(octets: bytes) -> None:
    with pytest.raises(MarkBroken, match="image"):
        marked([Image.new("L", (100, 100))], Mark("logo", image=octets))
