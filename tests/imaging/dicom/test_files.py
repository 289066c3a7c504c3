"""What a file says of its picture is checked before any pixel is looked at."""

import pytest

from imaging.dicom.files import SYNTAXES, read_file
from imaging.errors import BrokenSource, SourceTooLarge
from imaging.limits import Limits


@pytest.mark.parametrize(
    ("elements", "limits", "reason"),
    [
        ({"Rows": 9_000, "Columns": 9_000}, Limits(), "pixels"),
        ({"PixelAspectRatio": [8, 1]}, Limits(pixels=7 * 24), "pixels"),
        ({"NumberOfFrames": 10_000}, Limits(), "pages"),
        ({"NumberOfFrames": "99999999999"}, Limits(), "pages"),
        ({"NumberOfFrames": 5}, Limits(pages=4), "pages"),
    ],
)
def test_limits_hold_by_the_header_alone(scanner, elements, limits, reason: str) -> None:
    with pytest.raises(SourceTooLarge, match=reason):
        read_file(scanner.file(bytes(24), (6, 4), **elements), limits)


@pytest.mark.parametrize(
    "elements",
    [
        {"BitsAllocated": 64}, {"BitsAllocated": 0}, {"BitsStored": 9}, {"BitsStored": 0},
        {"SamplesPerPixel": 4}, {"SamplesPerPixel": 3}, {"PhotometricInterpretation": "HSV"},
        {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "BitsAllocated": 32},
    ],
)  # fmt: skip
def test_what_no_picture_is_stored_like_is_unsupported(scanner, elements) -> None:
    with pytest.raises(BrokenSource, match="unsupported"):
        read_file(scanner.file(bytes(24), (6, 4), **elements), Limits())


@pytest.mark.parametrize("name", ["Rows", "Columns"])
def test_a_file_without_a_picture_says_so(scanner, name: str) -> None:
    with pytest.raises(BrokenSource, match="no-picture"):
        read_file(scanner.file(bytes(24), (6, 4), **{name: 0}), Limits())


@pytest.mark.parametrize("process", ["4.80", "4.100", "4.110", "4.201", "1.98", "6.1"])
def test_other_compressions_are_named_as_the_reason(scanner, process: str) -> None:
    syntax = f"1.2.840.10008.1.2.{process}"
    assert syntax not in SYNTAXES
    source = scanner.file([b"\xff\xd8"], (6, 4), syntax="1.2.840.10008.1.2.4.50")
    source = source.replace(b"1.2.840.10008.1.2.4.50", syntax.encode().ljust(22, b"\0"))
    with pytest.raises(BrokenSource, match="transfer-syntax"):
        read_file(source, Limits())


@pytest.mark.parametrize(
    ("elements", "size"),
    [
        ({"PixelAspectRatio": [2, 1]}, (6, 8)),
        ({"PixelAspectRatio": [1, 2]}, (12, 4)),
        ({"PixelSpacing": [0.75, 0.5]}, (6, 6)),
        ({"ImagerPixelSpacing": [0.3, 0.3]}, (6, 4)),
        ({"PixelAspectRatio": [4, 4], "PixelSpacing": [2, 1]}, (6, 4)),
        ({"PixelAspectRatio": [0, 1]}, (6, 4)),
        ({"PixelAspectRatio": [900, 1]}, (6, 4)),
    ],
)
def test_pixels_that_are_no_squares_are_made_squares(scanner, elements, size) -> None:
    assert read_file(scanner.file(bytes(24), (6, 4), **elements), Limits()).upright == size


def test_the_spacing_of_an_enhanced_file_stands_in_its_groups(scanner) -> None:
    measures = scanner.item(PixelMeasuresSequence=[scanner.item(PixelSpacing=[1, 0.5])])
    source = scanner.file(bytes(24), (6, 4), SharedFunctionalGroupsSequence=[measures])
    assert read_file(source, Limits()).upright == (6, 8)
