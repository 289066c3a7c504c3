"""What is made of a master looks as if it were made of its source, and says what it is."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageStat

from imaging import engine
from imaging.conversions import PDF
from imaging.errors import BrokenSource
from imaging.limits import Limits
from imaging.marking.marks import Mark
from imaging.masters.masters import WIDTH, Master
from imaging.masters.negatives import WORTH
from imaging.masters.printing import reprint
from imaging.masters.prints import printable, serves
from imaging.media import DICOM
from imaging.names.areas import parse_area
from imaging.names.redactions import Box, Redaction
from imaging.names.renditions import Rendition, parse_spec
from imaging.pixels.scaled import Scaled
from imaging.rendered import Rendered

TIFF = "image/tiff"
PAGE = Rendition(width=640, page=1, format="webp")


@pytest.fixture(scope="module")
def tiff(darkroom) -> bytes:
    return darkroom.file(darkroom.quarters((2500, 1700)), "TIFF", compression="tiff_deflate")


@pytest.fixture(scope="module")
def master(tiff: bytes) -> Master:
    return left_by(tiff, PAGE)


@pytest.fixture(scope="module")
def greys() -> bytes:
    """A large DICOM frame of one grey."""
    pydicom = pytest.importorskip("pydicom")
    data = pydicom.Dataset()
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Columns, data.Rows = 2000, WORTH // 2000
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    data.PixelData = bytes([90]) * WORTH
    data["PixelData"].VR = "OB"
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    out = BytesIO()
    data.save_as(out, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return out.getvalue()


def left_by(source: bytes, rendition: Rendition) -> Master:
    """The master that a rendition leaves."""
    seen: list[Scaled] = []

    def finish(scaled: Scaled, rendition: Rendition, below: int) -> Rendered:
        seen.append(scaled)
        return scaled.encoded(rendition, below)

    engine.render(source, rendition, Limits(), finish)
    negative = seen[0].negative
    return negative.developed() if negative else Master()


def difference(one: Image.Image, other: Image.Image) -> float:
    assert one.size == other.size
    both = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    return max(ImageStat.Stat(both).mean)


def test_a_master_is_as_wide_as_masters_are(darkroom, master: Master) -> None:
    picture = darkroom.opened(master.body)
    assert picture.size == (master.width, master.height) == (WIDTH, 1393)
    assert master.size == (2500, 1700)
    assert picture.getexif() == {}
    assert "icc_profile" not in picture.info


@pytest.mark.parametrize(
    "spec",
    [
        "p1-w160-webp", "p1-w960-webp", "p1-w1280-webp", "p1-h400-png", "p1-w300-h300-cover-png",
        "p1-w300-h300-cover-gsoea-png", "p1-w300-h100-fill-png", "p1-w300-h300-contain-png",
    ],
)  # fmt: skip
def test_a_print_is_what_the_source_gives(darkroom, tiff: bytes, master: Master, spec: str) -> None:
    rendition = parse_spec(spec)
    assert serves(master, rendition, TIFF)
    made = reprint(master, rendition, (TIFF, len(tiff)), Limits())
    direct = engine.render(tiff, rendition)
    assert (made.width, made.height) == (direct.width, direct.height)
    assert (made.media_type, made.quality) == (direct.media_type, direct.quality)
    assert (made.source, made.placeholder[:3]) == (direct.source, direct.placeholder[:3])
    assert difference(darkroom.opened(made.body), darkroom.opened(direct.body)) < 2


def test_a_print_says_that_it_is_one(tiff: bytes, master: Master) -> None:
    made = reprint(master, PAGE, (TIFF, len(tiff)), Limits())
    direct = engine.render(tiff, PAGE)
    assert made.effort.endswith("-master")
    assert made.fingerprint != direct.fingerprint


@pytest.mark.parametrize(
    "rendition",
    [
        replace(PAGE, width=0),
        replace(PAGE, format="origin"),
        replace(PAGE, crop=parse_area("0_0_500_500")),
        replace(PAGE, redaction=Redaction("names", 1, (Box(parse_area("0_0_500_500")),))),
        replace(PAGE, mark=Mark("draft", "Draft")),
        parse_spec("p1-w300-h300-cover-gsm"),
    ],
    ids=["full", "origin", "a part", "redacted", "marked", "sought"],
)
def test_some_are_always_made_of_the_source(
    tiff: bytes, master: Master, rendition: Rendition
) -> None:
    assert not printable(rendition, TIFF)
    with pytest.raises(BrokenSource):
        reprint(master, rendition, (TIFF, len(tiff)), Limits())
    if not rendition.full and rendition.format != "origin":
        assert not left_by(tiff, rendition), "and none leaves a master"


def test_a_master_is_never_made_larger(master: Master) -> None:
    assert serves(master, Rendition(width=1920), TIFF)
    assert not serves(master, Rendition(width=2048), TIFF)
    assert not serves(master, Rendition(width=2500), TIFF)
    assert not serves(master, parse_spec("w1400-h1500-cover"), TIFF)


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png", "text/plain", ""])
def test_other_sources_have_no_masters(media_type: str) -> None:
    assert not printable(PAGE, media_type)


def test_small_pages_and_pages_of_two_colours_leave_none(darkroom) -> None:
    small = darkroom.quarters((2000, WORTH // 2000 - 1))
    assert not left_by(darkroom.file(small, "TIFF"), PAGE)
    bilevel = darkroom.quarters((2500, 1700), "1")
    assert not left_by(darkroom.file(bilevel, "TIFF"), PAGE)
    assert left_by(darkroom.file(darkroom.quarters((2000, WORTH // 2000)), "TIFF"), PAGE)


def test_what_a_jpeg_can_not_show_leaves_none(darkroom) -> None:
    clear = darkroom.quarters((2500, 1700), "RGBA")
    assert not left_by(darkroom.file(clear, "TIFF"), PAGE)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_what_is_decoded_soon_leaves_none(darkroom, format: str) -> None:
    photo = darkroom.file(darkroom.quarters((2500, 1700)), format)
    assert not left_by(photo, Rendition(width=640))


def test_what_is_no_such_master_is_refused(tiff: bytes, master: Master) -> None:
    for other in (replace(master, width=2047), replace(master, body=b"\xff\xd8\xff broken")):
        with pytest.raises(BrokenSource):
            reprint(other, PAGE, (TIFF, len(tiff)), Limits())


def test_prints_of_a_scanned_page_are_those_of_its_pdf(darkroom) -> None:
    source = darkroom.file(darkroom.quarters((1500, 2000)), "PDF", resolution=300)
    master = left_by(source, parse_spec("w160-webp"))
    assert master.width == WIDTH
    assert master.size == pytest.approx((360, 480))
    for spec in ("w640-png", "p1-w1280-png", "w300-h300-cover-png", "h333-png"):
        rendition = parse_spec(spec)
        assert serves(master, rendition, PDF)
        made = reprint(master, rendition, (PDF, len(source)), Limits())
        direct = engine.render(source, rendition)
        assert (made.width, made.height, made.source) == (direct.width, direct.height, (0, 0))
        assert difference(darkroom.opened(made.body), darkroom.opened(direct.body)) < 2
    assert not left_by(source, parse_spec("w2560-webp"))


def test_a_page_without_large_pictures_leaves_none(darkroom) -> None:
    assert not left_by(darkroom.pdf((595, 842)), parse_spec("w640-webp"))


def test_the_notice_is_on_prints_and_not_on_their_master(darkroom, greys: bytes) -> None:
    source = greys
    rendition = parse_spec("p1-w320-png")
    master = left_by(source, rendition)
    darkest, lightest = darkroom.opened(master.body).getextrema()
    assert darkest == lightest
    made = darkroom.opened(reprint(master, rendition, (DICOM, len(source)), Limits()).body)
    direct = darkroom.opened(engine.render(source, rendition).body)
    assert made.getextrema()[1] > 200, "the notice is white"
    assert difference(made, direct) < 2
