"""pydicom, which shares no line with this reader, finds the same pixels in its own test files."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_windowing

from imaging.dicom.drawing import draw_frame
from imaging.errors import BrokenSource
from imaging.limits import Limits
from imaging.names.renditions import parse_spec

GREY = (
    "693_J2KI", "CT_small", "J2K_pixelrep_mismatch", "JPEG2000", "MR_small", "MR_small_RLE",
    "MR_small_bigendian", "MR_small_expb", "MR_small_implicit", "MR_small_jp2klossless",
    "MR_small_padded", "examples_overlay", "image_dfl", "liver_1frame", "rtdose",
    "rtdose_rle_1frame",
)  # fmt: skip
COLOUR = (
    "ExplVR_BigEnd", "SC_jpeg_no_color_transform", "SC_jpeg_no_color_transform_2",
    "SC_rgb_dcmtk_+eb+cr", "SC_rgb_dcmtk_+eb+cy+n1", "SC_rgb_dcmtk_+eb+cy+np",
    "SC_rgb_dcmtk_+eb+cy+s2", "SC_rgb_gdcm_KY", "SC_rgb_jpeg", "SC_rgb_jpeg_app14_dcmd",
    "SC_rgb_jpeg_dcmd", "SC_rgb_jpeg_dcmtk", "SC_rgb_rle", "SC_rgb_rle_16bit_2frame",
    "SC_rgb_small_odd", "SC_rgb_small_odd_big_endian", "SC_ybr_full_422_uncompressed",
    "examples_jpeg2k", "examples_palette", "examples_rgb_color", "examples_ybr_color",
)  # fmt: skip
OTHER = {
    "JPEG-lossy": "transfer-syntax", "JPGExtended": "transfer-syntax",
    "JPEGLSNearLossless_16": "transfer-syntax", "meta_missing_tsyntax": "transfer-syntax",
    "MR_truncated": "truncated", "SC_rgb_rle_32bit": "unsupported", "reportsi": "no-picture",
    "rtplan_truncated": "no-picture", "waveform_ecg": "no-picture", "nested_priv_SQ": "no-picture",
}  # fmt: skip


def read(name: str) -> tuple[bytes, pydicom.Dataset]:
    path = get_testdata_file(f"{name}.dcm", download=False)
    assert path, f"pydicom has no {name} here"
    return Path(path).read_bytes(), pydicom.dcmread(path)


def drawn(source: bytes) -> np.ndarray:
    return np.asarray(draw_frame(source, parse_spec("full"), Limits())).astype(float)


def first_frame(data: pydicom.Dataset) -> np.ndarray:
    several = int(data.get("NumberOfFrames", None) or 1) > 1
    return data.pixel_array[0] if several else data.pixel_array


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", GREY)
def test_greys_are_those_of_pydicom(name: str) -> None:
    source, data = read(name)
    values = apply_modality_lut(first_frame(data), data).astype(float)
    if "WindowWidth" in data:
        low, high = ends(data)
    elif data.BitsStored <= 8:
        low, high = 0, (1 << data.BitsStored) - 1
    else:
        low, high = np.percentile(values, [1, 99])
    wanted = np.clip((values - low) / (high - low), 0, 1) * 255
    assert np.abs(wanted - drawn(source)).max() <= 1


def ends(data: pydicom.Dataset) -> tuple[float, float]:
    """The values that pydicom's window makes black and white: found by looking, not by formula."""
    centre, width = (np.atleast_1d(data[tag].value)[0] for tag in ("WindowCenter", "WindowWidth"))
    plain = pydicom.Dataset()
    plain.PhotometricInterpretation, plain.BitsStored, plain.PixelRepresentation = (
        "MONOCHROME2", 16, 0,
    )  # fmt: skip
    plain.WindowCenter, plain.WindowWidth = centre, width
    ramp = np.linspace(float(centre) - width, float(centre) + width, 8001)
    shown = apply_windowing(ramp, plain)
    return ramp[shown <= shown.min()].max(), ramp[shown >= shown.max()].min()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", COLOUR)
def test_colours_are_those_of_pydicom(name: str) -> None:
    source, data = read(name)
    wanted = first_frame(data)
    if data.PhotometricInterpretation == "PALETTE COLOR":
        wanted = apply_color_lut(wanted, data)
    if wanted.dtype != np.uint8:
        wanted = wanted // 257
    assert np.abs(wanted - drawn(source)).max() <= 1


@pytest.mark.parametrize(("name", "reason"), OTHER.items())
def test_other_files_are_refused_for_a_reason(name: str, reason: str) -> None:
    source, _ = read(name)
    with pytest.raises(BrokenSource, match=reason):
        drawn(source)


def test_eight_bits_of_lossless_jpeg_are_read() -> None:
    """pydicom can not; the file is the picture of SC_rgb_rle."""
    same, _ = read("SC_rgb_rle")
    assert np.abs(drawn(read("SC_rgb_jpeg_gdcm")[0]) - drawn(same)).max() == 0
