"""What moves goes on moving, with its times, where the format can and the time allows."""

from io import BytesIO

import pytest
from PIL import Image

from imaging.engine import render
from imaging.errors import BrokenSource
from imaging.names.renditions import Rendition, parse_spec
from imaging.pixels.animations import MOST_FRAMES, gif_frames, moving

COLOURS = ("#d02020", "#20b040", "#2040d0", "#e0d020")
TIMES = [40, 120, 500, 80]
FORMATS = ["GIF", "PNG", "WEBP", "AVIF"]


def animated(darkroom, format: str, size: tuple[int, int] = (200, 100), **options) -> bytes:
    first, *rest = [Image.new("RGB", size, colour) for colour in COLOURS]
    options = {"duration": TIMES, "loop": 0, **options}
    return darkroom.file(first, format, save_all=True, append_images=rest, **options)


def seen(body: bytes) -> list[tuple[tuple[int, ...], int]]:
    """The colour in the middle of each frame, and its time."""
    image, found = Image.open(BytesIO(body)), []
    for index in range(getattr(image, "n_frames", 1)):
        image.seek(index)
        image.load()
        middle = image.convert("RGB").getpixel((image.width // 2, image.height // 2))
        found.append((middle, image.info.get("duration", 0)))
    return found


def near(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(a - b) <= 24 for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("format", ["webp", "avif"])
def test_all_frames_are_kept_with_their_times(darkroom, source: str, format: str) -> None:
    rendered = render(animated(darkroom, source), Rendition(width=100, format=format))
    assert (rendered.width, rendered.height) == (100, 50)
    assert rendered.effort.endswith("-moving")
    frames = seen(rendered.body)
    assert [time for _, time in frames] == TIMES
    wanted = [Image.new("RGB", (1, 1), colour).getpixel((0, 0)) for colour in COLOURS]
    assert all(near(frame, colour) for (frame, _), colour in zip(frames, wanted, strict=True))


@pytest.mark.parametrize("source", FORMATS)
def test_frames_that_need_no_scaling_are_told_apart(darkroom, source: str) -> None:
    body = render(animated(darkroom, source), Rendition(width=640, format="webp")).body
    assert len({colour for colour, _ in seen(body)}) == 4


@pytest.mark.parametrize("format", ["jpeg", "png", ""])
@pytest.mark.parametrize("source", FORMATS)
def test_what_can_not_move_shows_the_first_frame(darkroom, source: str, format: str) -> None:
    rendered = render(animated(darkroom, source), Rendition(width=100, format=format))
    ((colour, _),) = seen(rendered.body)
    assert near(colour, (208, 32, 32))


@pytest.mark.parametrize(
    ("format", "loop", "plays"),
    [("GIF", None, 1), ("GIF", 0, 0), ("GIF", 2, 3), ("PNG", 0, 0), ("PNG", 2, 2), ("WEBP", 3, 3)],
)
def test_it_plays_as_often_as_its_source(darkroom, format: str, loop, plays: int) -> None:
    """A GIF counts the times it begins again, the others all times."""
    source = animated(darkroom, format, loop=loop)
    made = Image.open(BytesIO(render(source, Rendition(width=100, format="webp")).body))
    assert made.info["loop"] == plays


@pytest.mark.parametrize("format", ["webp", "avif"])
def test_frames_that_look_alike_keep_the_time_of_both(darkroom, format: str) -> None:
    still, other = darkroom.quarters((200, 100)), darkroom.texture((200, 100))
    source = darkroom.file(
        still, "WEBP", save_all=True, append_images=[still, other], duration=[70, 80, 90]
    )
    body = render(source, Rendition(width=100, format=format)).body
    assert sum(time for _, time in seen(body)) == 240


def test_a_frame_without_a_time_gets_the_browsers(darkroom) -> None:
    source = animated(darkroom, "GIF", duration=0)
    body = render(source, Rendition(width=100, format="webp")).body
    assert [time for _, time in seen(body)] == [100] * 4


def test_an_asked_quality_is_used(darkroom) -> None:
    rendered = render(animated(darkroom, "GIF"), parse_spec("w100-q31-webp"))
    assert rendered.fingerprint == "webp-q31-m2-moving"


def test_a_page_of_a_tiff_and_the_guest_of_a_photo_are_no_frames(darkroom) -> None:
    for source in (
        darkroom.tiff(3),
        darkroom.file(
            darkroom.quarters(), "MPO", save_all=True, append_images=[darkroom.quarters()]
        ),
    ):
        rendered = render(source, Rendition(width=100, format="webp"))
        assert len(seen(rendered.body)) == 1


def test_the_picture_for_readers_without_frames_is_left_out(darkroom) -> None:
    source = animated(darkroom, "PNG", default_image=True, duration=TIMES[1:])
    frames = seen(render(source, Rendition(width=100, format="webp")).body)
    assert [time for _, time in frames] == TIMES[1:]
    assert near(frames[0][0], (32, 176, 64))


def test_what_shines_through_still_does(darkroom) -> None:
    frames = [Image.new("RGBA", (200, 100), (200, 0, 0, alpha)) for alpha in (0, 255)]
    source = darkroom.file(
        frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=50, lossless=True
    )
    made = Image.open(BytesIO(render(source, Rendition(width=100, format="webp")).body))
    alphas = []
    for index in range(2):
        made.seek(index)
        alphas.append(made.convert("RGBA").getpixel((50, 25))[3])
    assert alphas == [0, 255]


def test_every_frame_is_cropped_alike(darkroom) -> None:
    source = animated(darkroom, "GIF", (200, 100))
    rendered = render(source, parse_spec("w50-h50-cover-gsm-webp"))
    assert (rendered.width, rendered.height) == (50, 50)
    assert len(seen(rendered.body)) == 4


@pytest.mark.parametrize("format", ["GIF", "PNG"])
def test_a_damaged_end_costs_the_frames_behind_it_alone(darkroom, format: str) -> None:
    frames = [darkroom.texture((200, 100)).rotate(angle) for angle in (0, 40, 80)]
    whole = darkroom.file(frames[0], format, save_all=True, append_images=frames[1:])
    cut = whole[: len(whole) * 3 // 4]
    rendered = render(cut, Rendition(width=100, format="webp"))
    assert 1 <= len(seen(rendered.body)) < 3


@pytest.mark.parametrize("format", ["GIF", "PNG"])
def test_a_first_frame_that_is_damaged_is_an_error(darkroom, format: str) -> None:
    frames = [darkroom.texture((200, 100)).rotate(angle) for angle in (0, 40, 80)]
    whole = darkroom.file(frames[0], format, save_all=True, append_images=frames[1:])
    with pytest.raises(BrokenSource):
        render(whole[: len(whole) // 6], Rendition(width=100, format="webp"))


def counted(source: bytes, size: tuple[int, int], frames: int) -> bool:
    """Whether a source of that size and so many frames would move."""
    image = Image.open(BytesIO(source))
    image._size, image.format, image.n_frames = size, "WEBP", frames
    return moving(image, source, Rendition(width=640, format="webp")) is not None


def test_what_takes_too_long_stands_still(darkroom) -> None:
    source = animated(darkroom, "WEBP")
    assert counted(source, (978, 720), 125)
    assert not counted(source, (978, 720), 250)
    assert not counted(source, (4000, 3000), 30)
    assert counted(source, (8, 8), MOST_FRAMES)
    assert not counted(source, (8, 8), MOST_FRAMES + 1)


def test_frames_of_a_gif_are_counted_by_its_blocks(darkroom) -> None:
    source = animated(darkroom, "GIF", comment=b"a, b!" * 100)
    assert gif_frames(source, 99) == 4
    assert gif_frames(memoryview(source), 3) == 3
    assert gif_frames(source + b"," * 50, 99) == 4
    assert [gif_frames(source[:cut], 99) for cut in (len(source) - 1, 14, 10 + 1)] == [4, 0, 0]
    assert gif_frames(source[:-1] + b"," + bytes(9) + b"\2\0;", 99) == 5


def test_a_gif_of_endless_frames_is_counted_no_further_than_needed(darkroom) -> None:
    head = animated(darkroom, "GIF", (1, 1))[:-1]
    frame = b"," + bytes(4) + b"\1\0\1\0\0" + b"\2\2\x4c\1\0"
    source = head + frame * 200_000 + b";"
    assert gif_frames(source, MOST_FRAMES + 1) == MOST_FRAMES + 1
    assert len(seen(render(source, Rendition(width=100, format="webp")).body)) == 1
