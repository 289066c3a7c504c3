"""DICOM through the engine: named by frame and window, marked, and telling nothing of a patient."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.data import get_testdata_file

from imaging.engine import describe, render
from imaging.errors import BrokenSource, ImagingError
from imaging.limits import Limits
from imaging.names.renditions import Rendition, Renditions, parse_spec
from imaging.rendered import Description

NAMES = ("MR_small_RLE", "SC_rgb_jpeg_dcmtk", "examples_palette", "MR_small_jp2klossless", "rtdose")
SMALL = [Path(str(get_testdata_file(f"{name}.dcm", download=False))).read_bytes() for name in NAMES]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def scan(scanner) -> bytes:
    """Two frames of 400 by 300, dark and light, each pixel twice as high as wide."""
    pixels = bytes([20]) * 120_000 + bytes([230]) * 120_000
    return scanner.file(pixels, (400, 300), NumberOfFrames=2, PixelAspectRatio=[2, 1])


def test_a_description_has_square_pixels_and_counts_frames(scan) -> None:
    assert describe(scan) == Description("application/dicom", 400, 600, 2)


def test_a_description_needs_no_pixels(scan) -> None:
    assert describe(scan[:2_000]).pages == 2


@pytest.mark.parametrize(("page", "level"), [(1, 20), (2, 230)])
def test_a_frame_is_scaled_to_its_rendition(darkroom, scan, page: int, level: int) -> None:
    rendered = render(scan, Rendition(page=page, width=200))
    assert (rendered.media_type, rendered.width, rendered.height) == ("image/webp", 200, 300)
    assert darkroom.colour(darkroom.opened(rendered.body), 0.5, 0.3)[0] == pytest.approx(
        level, abs=3
    )


@pytest.mark.parametrize("page", [1, 2], ids=["on dark", "on light"])
@pytest.mark.parametrize("spec", ["w160", "w320", "w400", "w160-h160-cover"])
def test_every_picture_of_160_pixels_and_wider_is_marked(darkroom, scan, page, spec) -> None:
    image = darkroom.opened(render(scan, parse_spec(f"p{page}-{spec}-png")).body).convert("L")
    band = image.crop((0, int(image.height * 0.8), image.width, image.height))
    assert band.getextrema() == (0, 255), "white letters on black, whatever lies below"
    above = image.crop((0, 0, image.width, int(image.height * 0.8)))
    assert above.getextrema() == ((20, 20) if page == 1 else (230, 230)), "only there"


def test_a_smaller_one_is_not(darkroom, scan) -> None:
    image = darkroom.opened(render(scan, parse_spec("w159-png")).body)
    assert image.convert("L").getextrema() == (20, 20)


def test_a_strip_that_the_mark_would_hide_is_left_as_it_is(darkroom, scanner) -> None:
    source = scanner.file(bytes([20]) * 8_000, (400, 20))
    image = darkroom.opened(render(source, parse_spec("w400-png")).body)
    assert image.convert("L").getextrema() == (20, 20)


def test_a_window_shows_other_greys(darkroom, scan) -> None:
    wide, narrow = (
        darkroom.opened(render(scan, parse_spec(f"w100-{window}png")).body).getpixel((9, 9))
        for window in ("", "win20_10-")
    )
    assert (wide, narrow) == (20, 142)


def test_a_window_on_anything_else_is_refused(darkroom) -> None:
    photo = darkroom.file(darkroom.quarters())
    with pytest.raises(BrokenSource, match="no-window"):
        render(photo, parse_spec("w160-win40_400"))


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif", "png"])
def test_nothing_of_the_patient_is_in_a_picture(scan, format: str) -> None:
    assert b"Roe^Jane" in scan
    body = render(scan, Rendition(width=320, format=format)).body
    assert all(name not in body for name in (b"Roe", b"Jane", b"4711"))


def test_errors_tell_a_reason_alone(scanner, scan) -> None:
    for source in (scan[:60_000], scan[:1_000], scanner.file(bytes(12), (4, 3), Rows=0)):
        with pytest.raises(ImagingError) as caught:
            render(source, Rendition(page=2, width=160))
        assert "Roe" not in repr(caught.value)
        assert caught.value.__cause__ is None


def test_names_are_those_of_pages_and_windows_are_for_dicom_alone() -> None:
    renditions = Renditions({"lung": "w640-winm600_1500"})
    names = renditions.names("application/dicom")
    assert {"p1-w640", "p1-lung"} <= set(names)
    assert "p1-lung" not in renditions.names("application/pdf")
    assert "lung" not in renditions.names("image/jpeg")
    assert renditions.find("p3-lung-webp").spec == "p3-w640-winm600_1500-webp"
    assert renditions.declared("p3-lung-webp")
    assert not renditions.declared("w640-winm600_1500")


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_file_with_wrong_octets_is_shown_or_refused(data: st.DataObject) -> None:
    source = bytearray(data.draw(st.sampled_from(SMALL)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(132, min(len(source), 1_200) - 1))
        source[at] = data.draw(st.sampled_from((0, 1, 2, 3, 16, 127, 128, 254, 255)))
    with suppress(ImagingError):
        render(bytes(source), Rendition(width=32), Limits(pixels=1_000_000))


QUIET = """
import sys
sys.path.insert(0, sys.argv[1])
from imaging.workers.worker import prepare
from imaging.engine import describe, render
from imaging.names.renditions import parse_spec
sources = [open(path, "rb").read() for path in sys.argv[2:]]
prepare()
sys.addaudithook(lambda event, args: event in ("open", "import") and print(event, args[0]))
for source in sources:
    describe(source)
    render(source, parse_spec("w320-webp"))
"""


def test_no_file_is_opened_and_nothing_imported_in_a_job(scanner, scan, tmp_path: Path) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    grey = tmp_path / "a"
    grey.write_bytes(scan)
    jpeg, heic = tmp_path / "b", tmp_path / "c"
    Image.new("L", (320, 320)).save(tmp_path / "x.jp2", no_jp2=True)
    packed = (tmp_path / "x.jp2").read_bytes()
    jpeg.write_bytes(scanner.file([packed], (320, 320), syntax="1.2.840.10008.1.2.4.90"))
    Image.new("RGB", (320, 320)).save(heic, "HEIF")
    command = [sys.executable, "-c", QUIET, str(ROOT), str(grey), str(jpeg), str(heic)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("", "")
