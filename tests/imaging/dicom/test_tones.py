"""Stored values become the greys that a window, a table or their spread makes of them."""

import struct

import pytest
from pydicom.dataset import Dataset

from imaging.dicom.drawing import draw_frame
from imaging.errors import BrokenSource
from imaging.limits import Limits
from imaging.names.renditions import Rendition, parse_spec
from imaging.names.windows import Window

RAMP = list(range(0, 2560, 10))
AIR_TO_BONE = {"RescaleSlope": 1, "RescaleIntercept": -1024}


def shown(source: bytes, window: str = "") -> list[int]:
    rendition = parse_spec(f"full-win{window}" if window else "full")
    return list(draw_frame(source, rendition, Limits()).tobytes())


@pytest.fixture
def ramp(scanner):
    """256 values of 12 bits in steps of ten, with whatever else the file shall say."""

    def made(values=RAMP, **elements) -> bytes:
        size = (len(values), 1)
        stored = {"BitsStored": 12, "HighBit": 11, **elements}
        return scanner.file(scanner.words(*values), size, 16, **stored)

    return made


def lut(scanner, entries: list[int], first: int, depth: int = 8) -> Dataset:
    item = scanner.item(LUTDescriptor=[len(entries), first, depth])
    item.add_new(0x00283006, "OW", scanner.words(*entries))
    item["LUTDescriptor"].VR = "US" if first >= 0 else "SS"
    return item


def test_a_window_is_black_before_and_white_behind(ramp) -> None:
    """PS3.3 C.11.2.1.2: from centre - 0.5 - (width - 1) / 2, in the middle half as bright."""
    greys = shown(ramp(WindowCenter=1000, WindowWidth=401))
    assert (greys[79], greys[80], greys[120], greys[121]) == (0, 0, 255, 255)
    assert greys[100] == pytest.approx(128, abs=1)
    assert greys[81:120] == sorted(set(greys[81:120])), "a straight rise"


def test_the_window_asked_for_goes_before_the_file_s(ramp) -> None:
    source = ramp(WindowCenter=1000, WindowWidth=400, **AIR_TO_BONE)
    own, asked = shown(source), shown(source, "m524_101")
    assert (asked[44], asked[50], asked[56]) == (0, 129, 255)
    assert own != asked
    assert draw_frame(source, Rendition(width=9, window=Window(-524, 101)), Limits()).size == (
        256,
        1,
    )


def test_of_several_windows_the_first_is_shown(ramp) -> None:
    one = shown(ramp(WindowCenter=[500, 2000], WindowWidth=[100, 10]))
    assert one == shown(ramp(WindowCenter=500, WindowWidth=100))


@pytest.mark.parametrize(
    ("function", "at", "greys"),
    [
        ("LINEAR_EXACT", (80, 100, 120), (0, 128, 255)),
        ("SIGMOID", (80, 100, 120), (30, 128, 225)),
        ("NONSENSE", (80, 100, 120), (0, 128, 255)),
    ],
)
def test_every_function_of_a_window(ramp, function: str, at, greys) -> None:
    source = ramp(WindowCenter=1000, WindowWidth=400, VOILUTFunction=function)
    found = shown(source)
    assert [found[place] for place in at] == pytest.approx(greys, abs=1)


def test_a_window_of_one_value_is_a_step(ramp) -> None:
    greys = shown(ramp(WindowCenter=1000, WindowWidth=1))
    assert (greys[99], greys[100]) == (0, 255)


@pytest.mark.parametrize("width", [0, -5])
def test_a_window_without_width_is_none(ramp, width: int) -> None:
    assert shown(ramp(WindowCenter=1000, WindowWidth=width)) == shown(ramp())


def test_without_a_window_the_outermost_hundredths_are_left_out(ramp) -> None:
    greys = shown(ramp([0, 0, *[1000 + n for n in range(252)], 4095, 4095]))
    assert (greys[0], greys[2], greys[-3], greys[-1]) == (0, 0, 255, 255)
    assert greys[128] == pytest.approx(128, abs=1)


def test_eight_bits_without_a_window_are_shown_whole(scanner) -> None:
    """Their whole range, not only what of it is used: they were made to be looked at."""
    values = [10, 60, 110]
    assert shown(scanner.file(bytes(values), (3, 1))) == values
    fewer = scanner.file(bytes([0, 1, 3]), (3, 1), BitsStored=2, HighBit=1)
    assert shown(fewer) == [0, 85, 255]


def test_one_value_alone_is_grey_and_padding_alone_black(ramp) -> None:
    assert set(shown(ramp([700] * 9))) == {128}
    assert set(shown(ramp([700] * 9, PixelPaddingValue=700))) == {0}


@pytest.mark.parametrize("interpretation", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_whatever_is_light(ramp, interpretation: str) -> None:
    source = ramp(
        [2000, 2001, 2002, *RAMP[:150]], PhotometricInterpretation=interpretation,
        PixelPaddingValue=2000, PixelPaddingRangeLimit=2002,
    )  # fmt: skip
    greys = shown(source)
    assert greys[:3] == [0, 0, 0]
    ends = (greys[3], greys[-1])
    assert ends == ((255, 0) if interpretation == "MONOCHROME1" else (0, 255))


def test_signed_padding_is_found_among_signed_values(ramp) -> None:
    values = [-2000, *range(-1000, 1000, 10)]
    greys = shown(
        ramp(values, PixelRepresentation=1, PixelPaddingValue=-2000, BitsStored=16, HighBit=15)
    )
    assert (greys[0], greys[1], greys[-1]) == (0, 0, 255)
    assert greys[101] == pytest.approx(128, abs=2)


def test_monochrome1_is_the_other_way_round(ramp) -> None:
    window = {"WindowCenter": 1000, "WindowWidth": 400}
    light = shown(ramp(PhotometricInterpretation="MONOCHROME1", **window))
    assert light == [255 - grey for grey in shown(ramp(**window))]


def test_what_lies_above_the_stored_bits_is_no_value(ramp) -> None:
    """Overlays were kept there."""
    assert shown(ramp([value | 0xA000 for value in RAMP])) == shown(ramp())
    values = range(-900, 900, 25)
    signed = {"PixelRepresentation": 1}
    assert shown(ramp([v & 0x0FFF for v in values], **signed)) == shown(ramp(values, **signed))


def test_a_modality_table_comes_before_the_window(scanner, ramp) -> None:
    table = lut(scanner, [500, 1000, 1500], 100, 16)
    source = ramp([0, 100, 101, 102, 999], ModalityLUTSequence=[table])
    assert shown(source, "1000_1001") == [0, 0, 128, 255, 255]


@pytest.mark.parametrize("signed", [0, 1])
def test_a_voi_table_is_shown_with(scanner, ramp, signed: int) -> None:
    table = lut(scanner, [0, 200, 255], -1 if signed else 9)
    values = [-5, -1, 0, 1, 5] if signed else [0, 9, 10, 11, 99]
    source = ramp(values, VOILUTSequence=[table], PixelRepresentation=signed)
    assert shown(source) == [0, 0, 200, 255, 255]


def test_a_table_may_hold_two_entries_in_a_word(scanner, ramp) -> None:
    table = scanner.item(LUTDescriptor=[4, 0, 8])
    table.add_new(0x00283006, "OW", bytes([0, 50, 100, 255]))
    assert shown(ramp([0, 1, 2, 3], VOILUTSequence=[table])) == [0, 50, 100, 255]


def test_a_table_shorter_than_it_says_is_damaged(scanner, ramp) -> None:
    table = lut(scanner, [1, 2, 3], 0)
    table.LUTDescriptor = [400, 0, 8]
    with pytest.raises(BrokenSource, match="damaged"):
        shown(ramp(VOILUTSequence=[table]))


def test_an_empty_table_is_none(scanner, ramp) -> None:
    item = scanner.item(LUTExplanation="nothing")
    assert shown(ramp(VOILUTSequence=[item], ModalityLUTSequence=[item])) == shown(ramp())


def test_an_enhanced_file_has_a_window_for_each_frame(scanner) -> None:
    groups = [
        scanner.item(
            FrameVOILUTSequence=[scanner.item(WindowCenter=centre, WindowWidth=11)],
            PixelValueTransformationSequence=[
                scanner.item(RescaleSlope=2, RescaleIntercept=0, RescaleType="US")
            ],
        )
        for centre in (100, 200)
    ]
    source = scanner.file(
        bytes([50, 100] * 2), (2, 1), NumberOfFrames=2, PerFrameFunctionalGroupsSequence=groups
    )
    frames = [
        list(draw_frame(source, Rendition(page=page, width=2), Limits()).tobytes())
        for page in (1, 2)
    ]
    assert frames == [[pytest.approx(140, abs=1), 255], [0, pytest.approx(140, abs=1)]]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("signed", [0, 1])
def test_thirty_two_bits_are_one_straight_line(scanner, order: str, signed: int) -> None:
    base = -1_000_000 if signed else 3_000_000_000
    values = [base + 1000 * n for n in range(200)]
    syntax = "1.2.840.10008.1.2.1" if order == "<" else "1.2.840.10008.1.2.2"
    pixels = b"".join(struct.pack(order + ("i" if signed else "I"), value) for value in values)
    for interpretation in ("MONOCHROME2", "MONOCHROME1"):
        greys = shown(
            scanner.file(
                pixels, (200, 1), 32, syntax=syntax, PixelRepresentation=signed,
                RescaleSlope=0.001, RescaleIntercept=5, PhotometricInterpretation=interpretation,
            )
        )  # fmt: skip
        if interpretation == "MONOCHROME1":
            greys = greys[::-1]
        assert (greys[0], greys[-1]) == (0, 255)
        assert greys[100] == pytest.approx(128, abs=2)
