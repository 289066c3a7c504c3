"""Hostile sources end in one of our errors, never in anything else."""

import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imaging.engine import describe, render
from imaging.errors import BrokenSource, ImagingError, SourceTooLarge
from imaging.limits import Limits
from imaging.names.renditions import Rendition
from imaging.sources import guarded

TIGHT = Limits(octets=1 << 20, pixels=250_000, pages=20)
KINDS = [
    "JPEG",
    "PROGRESSIVE",
    "PNG",
    "PALETTE",
    "WEBP",
    "AVIF",
    "GIF",
    "BMP",
    "TIFF",
    "G4",
    "JP2",
    "PDF",
]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(side: int) -> bytes:
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.fixture(scope="module")
def seeds(darkroom) -> dict[str, bytes]:
    small = darkroom.quarters((120, 90))
    return {
        "PROGRESSIVE": darkroom.file(small, progressive=True, exif=darkroom.exif(6)),
        "PALETTE": darkroom.file(small.convert("P"), "PNG"),
        "G4": darkroom.tiff(2, compression="group4"),
        "JP2": darkroom.file(small, "JPEG2000"),
        "PDF": darkroom.pdf((100, 100), (50, 50)),
    } | {kind: darkroom.file(small, kind) for kind in KINDS if kind in
         ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")}  # fmt: skip


@pytest.mark.parametrize("side", [7100, 12_000, 50_000, 2**31 - 1])
def test_a_png_that_claims_too_many_pixels_is_refused_by_its_header(side: int) -> None:
    for ask in (describe, lambda source: render(source, Rendition(width=640))):
        with pytest.raises(SourceTooLarge, match="pixels"):
            ask(png_bomb(side))


def test_a_jpeg_of_800_scans_is_refused_before_the_first(darkroom) -> None:
    for ask in (describe, lambda source: render(source, Rendition(width=640))):
        with pytest.raises(SourceTooLarge, match="scans"):
            ask(darkroom.many_scans(800))
    assert render(darkroom.many_scans(64), Rendition(width=64)).width == 64


def test_a_tiff_whose_pages_go_in_a_ring_ends(darkroom) -> None:
    source = bytearray(darkroom.tiff(2))
    first = int.from_bytes(source[4:8], "little")
    entries = int.from_bytes(source[first : first + 2], "little")
    link = first + 2 + 12 * entries
    source[link : link + 4] = first.to_bytes(4, "little")
    assert describe(bytes(source)).pages == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_truncated_source_is_refused(seeds: dict[str, bytes], kind: str, share: float) -> None:
    source = seeds[kind][: int(len(seeds[kind]) * share)]
    assert outcome(source) in ("truncated", "damaged", "unsupported", "empty", "shown")


def outcome(source: bytes) -> str:
    """The reason of the refusal; what the missing rest does not show in, may be shown."""
    try:
        render(source, Rendition(width=64), TIGHT)
    except BrokenSource as broken:
        return broken.reason
    return "shown"


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damaged_octets_never_break_out(
    seeds: dict[str, bytes], kind: str, data: st.DataObject
) -> None:
    source = bytearray(seeds[kind])
    places = st.tuples(st.integers(0, len(source) - 1), st.integers(0, 255))
    for place, octet in data.draw(st.lists(places, min_size=1, max_size=12)):
        source[place] = octet
    page = data.draw(st.integers(0, 3))
    for ask in (
        lambda: describe(bytes(source), TIGHT),
        lambda: render(bytes(source), Rendition(page=page, width=64), TIGHT),
    ):
        try:
            ask()
        except ImagingError:
            continue


HEADS = [
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"%PDF-1.4\n",
    b"RIFF\x40\0\0\0WEBPVP8 ", b"\0\0\0\x18ftypavif", b"\xff\x4f\xff\x51",
]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(head=st.sampled_from(HEADS), rest=st.binary(max_size=400))
def test_noise_behind_a_signature_never_breaks_out(head: bytes, rest: bytes) -> None:
    with pytest.raises(ImagingError):
        render(head + rest, Rendition(width=64), TIGHT)


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (MemoryError(), "memory"),
        (OSError("image file is truncated (3 bytes not processed)"), "truncated"),
        (IndexError("content of the file"), "damaged"),
        (BrokenSource("encrypted"), "encrypted"),
    ],
)
def test_every_exception_becomes_one_of_ours_without_its_text(
    raised: Exception, reason: str
) -> None:
    with pytest.raises(BrokenSource) as caught, guarded():
        raise raised
    assert caught.value.reason == str(caught.value) == reason
    assert caught.value.__suppress_context__ or caught.value is raised


def test_a_bomb_between_the_limit_and_twice_the_limit_of_pillow_is_refused(darkroom) -> None:
    """There Pillow only warns."""
    assert 89_478_485 < 12_000**2 < 2 * 89_478_485
    with pytest.raises(SourceTooLarge, match="pixels"):
        describe(png_bomb(12_000), Limits(pixels=10**12))


def test_nothing_is_read_from_a_path(darkroom, tmp_path) -> None:
    """A source is bytes; a name in it opens nothing."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(darkroom.file(darkroom.quarters(), "PNG"))
    with pytest.raises(BrokenSource, match="unsupported"):
        render(str(secret).encode(), Rendition(width=64))
    assert BytesIO(secret.read_bytes()).read(4) == b"\x89PNG"
