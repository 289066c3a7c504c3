"""Logos: files that would not make a mark are refused before anything is drawn."""

from __future__ import annotations

import struct
from io import BytesIO
from zlib import compress, crc32

import pytest
from PIL import Image

from imaging.marking.logos import LARGEST, LARGEST_SIDE, check_logo


def file(
    mode: str = "RGBA", size: tuple[int, int] = (40, 20), format: str = "PNG", **options: object
) -> bytes:
    out = BytesIO()
    Image.new(mode, size).save(out, format, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    "octets",
    [
        file(),
        file("LA"),
        file("P", transparency=0),
        file("L", transparency=0),
        file(format="WEBP"),
        file(format="WEBP", lossless=True),
        file(size=(16, 2_000)),
    ],
)
def test_a_png_or_webp_with_alpha_is_a_logo(octets: bytes) -> None:
    check_logo(octets)


@pytest.mark.parametrize(
    ("octets", "what"),
    [
        (file("RGB"), "alpha"),
        (file("P"), "alpha"),
        (file("RGB", format="WEBP"), "alpha"),
        (file("RGB", format="WEBP", lossless=True), "alpha"),
        (file("RGB", format="JPEG"), "no PNG"),
        (file(format="GIF"), "no PNG"),
        (b"", "no PNG"),
        (b"<svg/>", "no PNG"),
        (file(size=(15, 20)), "sides"),
        (file(size=(20, LARGEST_SIDE + 1)), "sides"),
        (file(format="WEBP", size=(LARGEST_SIDE + 1, 20)), "sides"),
        (file()[:-1], "damaged"),
        (file()[:40], "damaged"),
        (file()[:-12], "damaged"),
        (file().replace(b"IHDR", b"IHDX"), "damaged"),
        (file(format="WEBP")[:-3], "damaged"),
        (file(format="WEBP")[:14], "damaged"),
        (file().ljust(LARGEST + 1, b"\0"), "larger"),
    ],
)
def test_what_is_no_fit_logo_is_refused_with_its_fault(octets: bytes, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        check_logo(octets)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc32(kind + body))


@pytest.mark.parametrize(
    "pixels", [b"", b"not by zlib", compress(bytes(33_000_000)), compress(b"")[:-1]]
)
def test_pixels_that_do_not_unpack_are_damage(pixels: bytes) -> None:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 20, 8, 6, 0, 0, 0))
    octets = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    with pytest.raises(ValueError, match="damaged"):
        check_logo(octets)


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_what_moves_is_no_logo(format: str) -> None:
    frames = [Image.new("RGBA", (20, 20), colour) for colour in ("red", "blue")]
    out = BytesIO()
    frames[0].save(out, format, save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="moves"):
        check_logo(out.getvalue())


def test_every_cut_of_a_logo_is_refused() -> None:
    for whole in (file(size=(40, 40)), file(format="WEBP", lossless=True)):
        for length in range(len(whole)):
            with pytest.raises(ValueError):  # noqa: PT011  (one fault or another)
                check_logo(whole[:length])
