"""What is written is small, plain, and tells nothing of where it came from."""

from io import BytesIO

import pytest
from PIL import Image

from imaging.encoding.encoders import encode, encode_below, encode_patiently
from imaging.engine import render
from imaging.names.renditions import Rendition
from imaging.pixels.kinds import Kind
from imaging.rendered import Rendered

SECRETS = (b"Secret Camera", b"48 8 14", b"a private note", b"Exif", b"photoshop")


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif", "png"])
@pytest.mark.parametrize("source_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_no_metadata_is_left(darkroom, source_format: str, format: str) -> None:
    options = {"exif": darkroom.exif(1), "dpi": (300, 300)}
    options |= {"comment": b"a private note"} if source_format == "JPEG" else {}
    options |= {"xmp": b"<x:xmpmeta>a private note photoshop"} if source_format != "TIFF" else {}
    source = darkroom.file(darkroom.quarters(), source_format, **options)
    assert b"Secret Camera" in source
    body = render(source, Rendition(width=320, format=format)).body
    assert not [secret for secret in SECRETS if secret in body]
    image = Image.open(BytesIO(body))
    assert not image.getexif()
    assert not {"comment", "dpi", "xmp", "icc_profile", "exif"} & set(image.info)


@pytest.mark.parametrize(
    ("format", "fingerprint", "document"),
    [
        ("jpeg", "jpeg-q72-op", "jpeg-q72-op"),
        ("webp", "webp-q78-m4", "webp-q80-m4"),
        ("avif", "avif-q59-s9", "avif-q59-s9"),
        ("png", "png-q0-z6", "png-q0-z6"),
    ],
)
def test_each_format_has_its_quality_and_effort(
    darkroom, format: str, fingerprint: str, document: str
) -> None:
    image = darkroom.quarters((64, 48))
    assert encode(image, format, 0, Kind.PHOTO).fingerprint == fingerprint
    assert encode(image, format, 0, Kind.SCAN).fingerprint == document


def test_an_asked_quality_is_used(darkroom) -> None:
    image = darkroom.texture((300, 200))
    low = encode(image, "webp", 20, Kind.PHOTO)
    assert low.fingerprint == "webp-q20-m4"
    assert len(low.body) < len(encode(image, "webp", 90, Kind.PHOTO).body)


def lines(mode: str = "L", paper: int = 255) -> Image.Image:
    """Dark rules with soft edges on paper of one grey: a form, as a renderer draws it."""
    image = Image.new("L", (400, 300), paper)
    for top in range(10, 290, 20):
        image.paste(120, (20, top, 380, top + 3))
        image.paste(7, (20, top + 1, 380, top + 2))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_page_is_tried_in_sixteen_greys_and_the_smaller_is_kept(darkroom, mode: str) -> None:
    usual = encode(lines(mode), "webp", 0, Kind.SCAN)
    few = encode(lines(mode), "webp", 0, Kind.PAGE)
    assert few.fingerprint == "webp-q0-greys16"
    assert len(few.body) < len(usual.body)
    soft = Image.effect_noise((40, 30), 120).resize((400, 300)).convert(mode)
    assert encode(soft, "webp", 0, Kind.PAGE) == encode(soft, "webp", 0, Kind.SCAN)


def test_sixteen_greys_are_near_and_those_of_areas_exact(darkroom) -> None:
    """A tint of a table's rows that is hardly seen must not be lost."""
    page = lines(paper=250)
    page.paste(255, (0, 150, 400, 300))
    page.paste(201, (0, 0, 3, 3))
    made = darkroom.opened(encode(page, "webp", 0, Kind.PAGE).body).convert("L")
    places = ((300, 5), (300, 299), (100, 10), (1, 1))
    assert [made.getpixel(place) for place in places] == [250, 255, 120, 204]


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_an_asked_quality_is_used_whatever_the_kind(format: str, kind: Kind) -> None:
    assert (
        f"-q33-{'' if format != 'webp' else 'm4'}" in encode(lines(), format, 33, kind).fingerprint
    )


def test_two_colours_stay_two_where_the_format_can(darkroom) -> None:
    page = lines().point(lambda value: 255 * (value > 128))
    webp = encode(page, "webp", 0, Kind.BILEVEL)
    assert webp.fingerprint == "webp-q0-lossless"
    png = encode(page, "png", 0, Kind.BILEVEL)
    for made in (webp, png):
        assert darkroom.opened(made.body).convert("L").tobytes() == page.tobytes()
    assert len(png.body) < len(encode(page, "png", 0, Kind.PAGE).body)
    assert encode(page, "jpeg", 0, Kind.BILEVEL).fingerprint == "jpeg-q72-op"


def test_grey_stored_as_colour_is_written_as_grey(darkroom) -> None:
    grey = darkroom.texture((300, 200), "L")
    tinted = Image.merge("RGB", (grey, grey.point(lambda value: min(value + 3, 255)), grey))
    for image, mode in ((grey.convert("RGB"), "L"), (tinted, "RGB")):
        assert darkroom.opened(encode(image, "png", 0, Kind.PHOTO).body).mode == mode
        assert darkroom.opened(encode(image, "jpeg", 0, Kind.PHOTO).body).mode == "L"
    cast = Image.merge("RGB", (grey, grey.point(lambda value: min(value + 6, 255)), grey))
    assert darkroom.opened(encode(cast, "jpeg", 0, Kind.PHOTO).body).mode == "RGB"


@pytest.mark.parametrize("write", [encode, encode_patiently])
@pytest.mark.parametrize(
    ("kind", "size", "progressive"),
    [
        (Kind.PHOTO, (1024, 1024), None),
        (Kind.PHOTO, (1025, 1024), 1),
        (Kind.SCAN, (300, 200), 1),
        (Kind.SCREENSHOT, (300, 200), 1),
    ],
)
def test_a_jpeg_is_progressive_where_that_pays(darkroom, write, kind, size, progressive) -> None:
    body = write(darkroom.texture(size), "jpeg", 72, kind).body
    assert Image.open(BytesIO(body)).info.get("progressive") == progressive


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif", "png"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_every_finished_mode_can_be_written_in_every_format(
    darkroom, format: str, mode: str
) -> None:
    rendered = encode(Image.new(mode, (33, 17)), format, 0, Kind.PHOTO)
    image = darkroom.opened(rendered.body)
    assert image.size == (rendered.width, rendered.height) == (33, 17)
    assert Image.MIME[image.format or ""] == rendered.media_type


@pytest.mark.parametrize(
    ("body", "media_type"), [(b"", "image/jpeg"), (b"x", "text/html"), (b"x", "")]
)
def test_a_rendition_is_never_empty_nor_of_another_type(body: bytes, media_type: str) -> None:
    with pytest.raises(ValueError, match="non-empty"):
        Rendered(body, media_type, 1, 1, 0, "")


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_a_step_down_in_quality_keeps_it_below_its_source(darkroom, format: str) -> None:
    image = darkroom.texture((300, 200))
    usual = encode(image, format, 0, Kind.PHOTO)
    lower = encode_below(image, format, 0, Kind.PHOTO, len(usual.body))
    assert len(lower.body) < len(usual.body)
    assert 0 < lower.quality < usual.quality
    assert lower.fingerprint != usual.fingerprint


@pytest.mark.parametrize(
    ("format", "quality", "kind", "share"),
    [
        ("jpeg", 0, Kind.PHOTO, 1.1),  # lighter as it is
        ("jpeg", 0, Kind.PHOTO, 0.99),  # within a step, which saves too little here
        ("jpeg", 0, Kind.PHOTO, 0.5),  # out of reach
        ("webp", 80, Kind.PHOTO, 1.0),  # asked for
        ("png", 0, Kind.PHOTO, 1.0),  # has no quality
        ("webp", 0, Kind.BILEVEL, 1.0),  # without loss
    ],
)
def test_quality_is_kept_where_less_would_not_help(
    darkroom, format: str, quality: int, kind: Kind, share: float
) -> None:
    flat = share == 0.99
    image = Image.new("L", (16, 16), 90) if flat else darkroom.texture((300, 200))
    usual = encode(image, format, quality, kind)
    assert encode_below(image, format, quality, kind, int(share * len(usual.body))) == usual


def test_a_rendition_is_made_lighter_than_its_source_where_quality_does_it(darkroom) -> None:
    image = darkroom.texture((300, 200), "L")
    source = darkroom.file(image, quality=70, optimize=True, progressive=True)
    rendered = render(source, Rendition(width=320, format="jpeg"))
    assert (rendered.quality, len(rendered.body) < len(source)) == (60, True)
    fixed = render(source, Rendition(width=320, format="jpeg", quality=72))
    assert (fixed.quality, len(fixed.body) >= len(source)) == (72, True)
