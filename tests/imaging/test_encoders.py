"""What is written is small, plain, and tells nothing of where it came from."""

from io import BytesIO

import pytest
from PIL import Image

from imaging.encoders import encode
from imaging.engine import render
from imaging.rendered import Rendered
from imaging.renditions import Rendition

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
    assert encode(image, format, 0, document=False).fingerprint == fingerprint
    assert encode(image, format, 0, document=True).fingerprint == document


def test_an_asked_quality_is_used(darkroom) -> None:
    image = darkroom.texture((300, 200))
    low = encode(image, "webp", 20, document=False)
    assert low.fingerprint == "webp-q20-m4"
    assert len(low.body) < len(encode(image, "webp", 90, document=False).body)


def test_a_jpeg_is_progressive(darkroom) -> None:
    body = encode(darkroom.texture((300, 200)), "jpeg", 0, document=False).body
    assert Image.open(BytesIO(body)).info.get("progressive") == 1


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif", "png"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_every_finished_mode_can_be_written_in_every_format(
    darkroom, format: str, mode: str
) -> None:
    rendered = encode(Image.new(mode, (33, 17)), format, 0, document=False)
    image = darkroom.opened(rendered.body)
    assert image.size == (rendered.width, rendered.height) == (33, 17)
    assert Image.MIME[image.format or ""] == rendered.media_type


@pytest.mark.parametrize(
    ("body", "media_type"), [(b"", "image/jpeg"), (b"x", "text/html"), (b"x", "")]
)
def test_a_rendition_is_never_empty_nor_of_another_type(body: bytes, media_type: str) -> None:
    with pytest.raises(ValueError, match="non-empty"):
        Rendered(body, media_type, 1, 1, 0, "")
