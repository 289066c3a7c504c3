"""Every way of storing a frame gives the same picture, and what is missing is truncated."""

from io import BytesIO

import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRBigEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from imaging.dicom.drawing import draw_frame
from imaging.errors import BrokenSource, PageMissing, SourceTooLarge
from imaging.limits import Limits
from imaging.names.renditions import Rendition

WIDE = (64, 48)
DEEP = {"BitsStored": 16, "WindowCenter": 1000, "WindowWidth": 2000}


def drawn(source: bytes, page: int = 0, limits: Limits | None = None) -> Image.Image:
    return draw_frame(source, Rendition(page=page, width=1), limits or Limits())


def encoded(image: Image.Image, format: str, **options) -> bytes:
    out = BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def gradient(size=WIDE) -> Image.Image:
    return Image.linear_gradient("L").resize(size)


def stretched(scanner, image: Image.Image) -> bytes:
    """The picture's values times eight, in sixteen bits."""
    return scanner.words(*(value * 8 for value in image.tobytes()))


@pytest.fixture
def frames(scanner):
    """Three frames of one grey each."""

    def made(**elements) -> bytes:
        pixels = b"".join(bytes([level]) * 12 for level in (10, 90, 200))
        window = {"WindowCenter": 128, "WindowWidth": 256}
        return scanner.file(pixels, (4, 3), NumberOfFrames=3, **window, **elements)

    return made


def test_a_frame_is_a_page(frames) -> None:
    assert [drawn(frames(), page).getpixel((0, 0)) for page in (0, 1, 2, 3)] == [10, 10, 90, 200]
    with pytest.raises(PageMissing) as missing:
        drawn(frames(), 4)
    assert missing.value.pages == 3


def test_frames_that_are_not_there_are_truncated(frames) -> None:
    source = frames()[:-10]
    assert drawn(source, 2).getpixel((0, 0)) == 90
    with pytest.raises(BrokenSource, match="truncated"):
        drawn(source, 3)


def test_rle_is_unpacked(scanner) -> None:
    """By pydicom's own encoder: runs and literals, one segment for each octet of a value."""
    image = Image.effect_noise(WIDE, 40)
    image.paste(90, (5, 5, 40, 40))
    plain = scanner.file(stretched(scanner, image), WIDE, 16, **DEEP)
    packed = dcmread(BytesIO(plain))
    packed.compress(RLELossless, generate_instance_uid=False)
    source = scanner.written(packed, RLELossless)
    assert len(source) < len(plain)
    assert drawn(source).tobytes() == drawn(plain).tobytes()


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        (b"\0\0", "truncated"),
        (b"\2" + bytes(63) + b"\xfb\5", "damaged"),
        (b"\1\0\0\0\x40" + bytes(59) + b"\xfc\5", "truncated"),
        (b"\1\0\0\0\x40" + bytes(59), "truncated"),
    ],
)
def test_rle_that_is_not_whole_is_refused(scanner, segment: bytes, reason: str) -> None:
    with pytest.raises(BrokenSource, match=reason):
        drawn(scanner.file([segment], (3, 2), syntax=RLELossless))
    whole = b"\1\0\0\0\x40" + bytes(59) + b"\x80\xfb\5\0"
    assert drawn(scanner.file([whole], (3, 2), syntax=RLELossless)).size == (3, 2)


def test_a_jpeg_is_read(scanner) -> None:
    source = scanner.file([encoded(gradient(), "JPEG")], WIDE, syntax=JPEGBaseline8Bit)
    image = drawn(source)
    assert (image.size, image.mode) == (WIDE, "L")
    assert image.getpixel((30, 2)) < 20 < 230 < image.getpixel((30, 46))


def test_frames_of_several_fragments_are_told_apart_by_how_they_begin(scanner) -> None:
    pictures = [encoded(Image.new("L", WIDE, level), "JPEG") for level in (10, 200)]
    elements = {"NumberOfFrames": 2, "WindowCenter": 128, "WindowWidth": 256}
    plain = scanner.file(pictures, WIDE, syntax=JPEGBaseline8Bit, **elements)
    data = dcmread(BytesIO(plain))
    data.PixelData = encapsulate(pictures, fragments_per_frame=3, has_bot=False)
    source = scanner.written(data, JPEGBaseline8Bit)
    for page, level in ((1, 10), (2, 200)):
        assert drawn(source, page).getpixel((5, 5)) == drawn(plain, page).getpixel((5, 5))
        assert drawn(source, page).getpixel((5, 5)) == pytest.approx(level, abs=2)
    with pytest.raises(BrokenSource, match="truncated"):
        drawn(plain[: plain.rindex(b"\xfe\xff\x00\xe0")], 2)


@pytest.mark.parametrize("depth", [8, 16])
def test_jpeg_2000_is_lossless(scanner, depth: int) -> None:
    pixels = gradient().tobytes() if depth == 8 else stretched(scanner, gradient())
    image = gradient() if depth == 8 else Image.frombytes("I;16", WIDE, pixels)
    elements = DEEP if depth == 16 else {}
    packed = encoded(image, "JPEG2000", no_jp2=True)
    source = scanner.file([packed], WIDE, depth, syntax=JPEG2000Lossless, **elements)
    plain = scanner.file(pixels, WIDE, depth, **elements)
    assert drawn(source).tobytes() == drawn(plain).tobytes()


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEG2000Lossless])
def test_a_picture_inside_that_is_larger_than_the_file_says_is_refused(scanner, syntax) -> None:
    format = "JPEG" if syntax == JPEGBaseline8Bit else "JPEG2000"
    inside = encoded(Image.new("L", (2000, 2000)), format)
    with pytest.raises(BrokenSource, match="damaged"):
        drawn(scanner.file([inside], WIDE, syntax=syntax))


def test_a_jpeg_of_too_many_scans_is_refused(scanner, darkroom) -> None:
    source = scanner.file([darkroom.many_scans(70)], (64, 64), syntax=JPEGBaseline8Bit)
    with pytest.raises(SourceTooLarge, match="scans"):
        drawn(source)


def test_no_code_stream_at_all_is_damaged(scanner) -> None:
    with pytest.raises(BrokenSource, match="damaged"):
        drawn(scanner.file([b"\xff\x4f\xff\x51 none"], WIDE, syntax=JPEG2000Lossless))


def test_a_file_without_pixels_holds_no_picture(scanner) -> None:
    source = scanner.file(bytes(12), (4, 3))
    with pytest.raises(BrokenSource, match="no-picture"):
        drawn(source[: source.rindex(b"\xe0\x7f\x10\0")])


def test_pixels_of_no_length_must_be_compressed_ones(scanner) -> None:
    source = scanner.file(bytes(12), (4, 3))
    at = source.rindex(b"\xe0\x7f\x10\0") + 8
    with pytest.raises(BrokenSource, match="damaged"):
        drawn(source[:at] + b"\xff" * 4 + source[at + 4 :])


@pytest.mark.parametrize("columns", [8, 5])
def test_single_bits_run_on_from_row_to_row(scanner, columns: int) -> None:
    bits = [(x + y) % 2 for y in range(8) for x in range(columns)]
    packed = bytes(
        sum(bit << n for n, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8)
    )
    image = drawn(scanner.file(packed, (columns, 8), 1))
    assert list(image.tobytes()) == [255 * bit for bit in bits]


def test_single_bits_whose_frames_share_an_octet_are_unsupported(scanner) -> None:
    source = scanner.file(bytes(4), (3, 3), 1, NumberOfFrames=2)
    with pytest.raises(BrokenSource, match="unsupported"):
        drawn(source, 2)


@pytest.mark.parametrize("page", [1, 2])
def test_words_of_a_big_endian_file_are_swapped_across_frames(scanner, page: int) -> None:
    """Eight bits in words: the second frame begins in the middle of one."""
    values = bytes([*range(0, 90, 10), *range(100, 190, 10)])
    swapped = bytes(values[n ^ 1] for n in range(len(values)))
    source = scanner.file(
        swapped, (3, 3), NumberOfFrames=2, WindowCenter=128, WindowWidth=256,
        syntax=ExplicitVRBigEndian,
    )  # fmt: skip
    source = source.replace(b"\x7f\xe0\0\x10OB", b"\x7f\xe0\0\x10OW")
    assert drawn(source, page).tobytes() == values[9 * page - 9 : 9 * page]
