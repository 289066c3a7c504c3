"""From bytes to bytes: what each source becomes, and how it is described."""

import pytest
from PIL import Image

from imaging.engine import describe, render
from imaging.errors import BrokenSource, PageMissing, SourceTooLarge
from imaging.limits import Limits
from imaging.names.renditions import Rendition, Renditions, parse_spec
from imaging.rendered import Description


def test_an_automatic_photo_is_a_jpeg_and_an_automatic_page_is_webp(darkroom) -> None:
    assert (
        render(darkroom.file(darkroom.quarters()), Rendition(width=160)).media_type == "image/jpeg"
    )
    assert render(darkroom.tiff(1), Rendition(width=160)).media_type == "image/webp"
    scan = darkroom.file(darkroom.quarters(mode="L"))
    assert render(scan, Rendition(width=160, page=1)).media_type == "image/webp"


def test_a_grey_scan_is_treated_as_a_document(darkroom) -> None:
    scan = darkroom.file(darkroom.quarters(mode="L"))
    photo = darkroom.file(darkroom.texture((800, 600)))
    webp = Rendition(width=160, format="webp")
    assert (render(scan, webp).quality, render(photo, webp).quality) == (80, 78)


def test_what_shines_through_is_webp_when_the_format_is_automatic(darkroom) -> None:
    source = darkroom.file(darkroom.quarters(mode="RGBA"), "PNG")
    assert render(source, Rendition(width=160)).media_type == "image/webp"


def page(darkroom, size: tuple[int, int] = (1800, 2400), mode: str = "1") -> Image.Image:
    """Rings with sharp edges, as thin as strokes of text."""
    return (
        Image.radial_gradient("L")
        .resize(size)
        .point(lambda v: v * 8 % 256)
        .convert(mode, dither=Image.Dither.NONE)
    )


@pytest.mark.parametrize("format", ["TIFF", "PNG"])
@pytest.mark.parametrize("name", ["w1280-webp", "w2560-webp", "p1-w1920-webp", "full-webp"])
def test_a_page_of_two_colours_comes_with_all_its_pixels(darkroom, format: str, name: str) -> None:
    image = page(darkroom)
    rendered = render(darkroom.file(image, format), parse_spec(name))
    assert rendered.fingerprint == "webp-q0-lossless"
    assert (rendered.width, rendered.height) == image.size
    assert darkroom.opened(rendered.body).convert("L").tobytes() == image.convert("L").tobytes()


@pytest.mark.parametrize("ink", [(0, 0, 0), (10, 20, 140)])
def test_two_colours_of_a_palette_are_two_colours(darkroom, ink: tuple[int, int, int]) -> None:
    image = page(darkroom).convert("P")
    image = image.point(lambda value: value > 128)
    image.putpalette([*ink, 255, 255, 255])
    source = darkroom.file(image, "PNG", bits=1)
    rendered = render(source, parse_spec("w1280-webp"))
    assert rendered.fingerprint == "webp-q0-lossless"
    made = darkroom.opened(rendered.body).convert("RGB")
    assert made.tobytes() == image.convert("RGB").tobytes()
    third = image.copy()
    third.putpalette([*ink, 255, 255, 255, 1, 2, 3])
    assert render(darkroom.file(third, "PNG"), parse_spec("w1280-webp")).width == 1280


@pytest.mark.parametrize(
    ("name", "size"),
    [("w960-webp", (960, 1280)), ("w1281-webp", (1281, 1708)), ("w1280-jpeg", (1280, 1707)),
     ("w1280-avif", (1280, 1707)), ("w1280-png", (1280, 1707)), ("w1280-q80-webp", (1280, 1707)),
     ("h1280-webp", (960, 1280)), ("w1280-h1280-contain-webp", (960, 1280))],
)  # fmt: skip
def test_else_a_page_of_two_colours_has_the_size_that_was_asked_for(
    darkroom, name: str, size: tuple[int, int]
) -> None:
    rendered = render(darkroom.file(page(darkroom), "TIFF"), parse_spec(name))
    assert (rendered.width, rendered.height) == size


def test_a_halftone_is_better_averaged(darkroom) -> None:
    dots = Image.effect_noise((1500, 1200), 200).convert("1")
    rendered = render(darkroom.file(dots, "TIFF"), Rendition(width=1280, format="webp"))
    assert (rendered.width, rendered.quality) == (1280, 80)


def test_a_page_of_more_pixels_than_are_ever_made_is_averaged(darkroom) -> None:
    huge = Image.new("1", (4200, 4200), 1)
    source = darkroom.file(huge, "TIFF", compression="group4")
    assert render(source, Rendition(width=1280, format="webp")).width == 1280


def test_a_small_page_of_two_colours_keeps_them_at_any_width(darkroom) -> None:
    source = darkroom.file(page(darkroom, (300, 200)), "PNG")
    assert render(source, Rendition(width=640, format="webp")).effort == "lossless"
    assert darkroom.opened(render(source, Rendition(width=640, format="png")).body).mode == "1"
    assert render(source, Rendition(width=160, format="webp")).effort != "lossless"


@pytest.mark.parametrize("name", ["w160", "w320-webp", "w640-avif", "w2560-png", "thumb"])
def test_every_declared_name_is_made(darkroom, name: str) -> None:
    rendition = Renditions({"thumb": "w100-h50-cover"}).find(name)
    rendered = render(darkroom.file(darkroom.quarters((800, 600))), rendition)
    image = darkroom.opened(rendered.body)
    assert image.size == (rendered.width, rendered.height)
    assert rendered.width == min(rendition.width, 800)


def test_pages_of_a_tiff_are_told_apart(darkroom) -> None:
    source = darkroom.tiff(3, compression="group4")
    widths = [render(source, Rendition(page=n, width=640)).width for n in (0, 1, 2, 3)]
    assert widths == [400, 400, 410, 420]
    with pytest.raises(PageMissing) as missing:
        render(source, Rendition(page=4, width=640))
    assert missing.value.pages == 3


def test_a_picture_has_one_page_and_frames_are_no_pages(darkroom) -> None:
    frames = [darkroom.quarters((100, 100)), darkroom.texture((100, 100))]
    gif = darkroom.file(frames[0], "GIF", save_all=True, append_images=frames[1:])
    for source in (gif, darkroom.file(frames[0])):
        assert render(source, Rendition(page=1, width=50)).width == 50
        with pytest.raises(PageMissing) as missing:
            render(source, Rendition(page=2, width=50))
        assert missing.value.pages == 1
        assert describe(source).pages == 1


@pytest.mark.parametrize(
    ("format", "media_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
        ("GIF", "image/gif"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("JPEG2000", "image/jp2"),
    ],
)
def test_every_source_format_is_described_and_rendered(
    darkroom, format: str, media_type: str
) -> None:
    source = darkroom.file(darkroom.quarters((300, 200)), format)
    sizes = ((300, 200),) if format == "TIFF" else ()
    assert describe(source) == Description(media_type, 300, 200, 1, sizes)
    assert describe(memoryview(source)) == Description(media_type, 300, 200, 1, sizes)
    assert render(memoryview(source), Rendition(width=150)).height == 100


def test_a_picture_with_a_second_one_inside_is_a_jpeg(darkroom) -> None:
    """Phones store a depth map or a preview behind the photo (MPO)."""
    photo, second = darkroom.quarters((1600, 1200)), darkroom.texture((400, 300))
    source = darkroom.file(photo, "MPO", save_all=True, append_images=[second])
    assert describe(source) == Description("image/jpeg", 1600, 1200, 1)
    image = darkroom.opened(render(source, Rendition(width=160)).body)
    assert darkroom.colour(image, 0.2, 0.2)[0] > 180


def test_a_description_is_upright_and_counts_pages(darkroom) -> None:
    turned = darkroom.file(darkroom.quarters((300, 200)), exif=darkroom.exif(6))
    assert describe(turned) == Description("image/jpeg", 200, 300, 1)
    assert describe(darkroom.tiff(4)).pages == 4


def test_a_description_needs_no_pixels(darkroom) -> None:
    source = darkroom.file(darkroom.quarters((300, 200)))
    assert describe(source[:700]).width == 300
    with pytest.raises(BrokenSource, match="truncated"):
        render(source[:700], Rendition(width=160))


@pytest.mark.parametrize("source", [b"", b"text", b"PK\x03\x04", b"<svg>"])
def test_what_is_no_picture_is_refused(source: bytes) -> None:
    reason = "unsupported" if source else "empty"
    with pytest.raises(BrokenSource, match=reason):
        render(source, Rendition(width=160))


def test_sources_past_a_limit_are_refused(darkroom) -> None:
    source, rendition = darkroom.file(darkroom.quarters((300, 200))), Rendition(width=160)
    with pytest.raises(SourceTooLarge, match="pixels"):
        render(source, rendition, Limits(pixels=59_999))
    assert render(source, rendition, Limits(pixels=60_000)).width == 160
    with pytest.raises(SourceTooLarge, match="octets"):
        render(source, rendition, Limits(octets=len(source) - 1))
    with pytest.raises(SourceTooLarge, match="pages"):
        describe(darkroom.tiff(3), Limits(pages=2))
    with pytest.raises(SourceTooLarge, match="pages"):
        render(darkroom.tiff(3), Rendition(page=3, width=160), Limits(pages=2))


@pytest.mark.parametrize("name", ["octets", "pixels", "pages", "scans"])
def test_a_limit_is_positive(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Limits(**{name: 0})


def test_the_same_request_gives_the_same_bytes(darkroom) -> None:
    source = darkroom.file(darkroom.texture((500, 400)))
    for format in ("jpeg", "webp", "avif", "png"):
        rendition = Rendition(width=160, format=format)
        assert render(source, rendition) == render(source, rendition)


@pytest.mark.parametrize(
    ("format", "media_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
        ("GIF", "image/png"),
        ("JPEG2000", "image/jpeg"),
    ],
)
def test_the_format_of_the_origin_follows_the_source(
    darkroom, format: str, media_type: str
) -> None:
    source = darkroom.file(darkroom.quarters((300, 200)), format)
    rendered = render(source, parse_spec("w100-q60-origin"))
    assert rendered.media_type == media_type
    assert rendered.quality == (0 if media_type == "image/png" else 60)
