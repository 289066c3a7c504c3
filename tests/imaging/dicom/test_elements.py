"""The walk keeps what a picture takes and gets past everything else, however it is written."""

import struct
import zlib

import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from imaging.dicom.elements import MOST_ELEMENTS, Walk
from imaging.dicom.files import read_file
from imaging.errors import BrokenSource, SourceTooLarge
from imaging.limits import Limits

SYNTAXES = (
    ExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
)  # fmt: skip
UNDEFINED = b"\xff\xff\xff\xff"
ITEM, ITEM_END, SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"
PRIVATE = b"\x09\x00\x10\x10"


def preamble(syntax: str = ExplicitVRLittleEndian) -> bytes:
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    return bytes(128) + b"DICM" + b"\x02\0\x10\0UI" + struct.pack("<H", len(uid)) + uid


def shape(rows: int = 4, columns: int = 6) -> bytes:
    """The rest of a header, in explicit VR."""
    words = {0x02: 1, 0x10: rows, 0x11: columns, 0x100: 8, 0x101: 8, 0x103: 0}
    written = {tag: b"US\x02\0" + struct.pack("<H", value) for tag, value in words.items()}
    written[0x04] = b"CS\x0c\0MONOCHROME2 "
    return b"".join(b"\x28\0" + struct.pack("<H", tag) + written[tag] for tag in sorted(written))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("undefined", [True, False])
def test_every_way_of_writing_says_the_same(scanner, syntax: str, undefined: bool) -> None:
    """Sequences with lengths and without, known and unknown, one in the other."""
    inner = scanner.item(CodeValue="x", LossyImageCompression="01")
    middle = scanner.item(PurposeOfReferenceCodeSequence=[inner, inner], Rows=99)
    window = scanner.item(WindowCenter=[40, 80], WindowWidth=[400, 10])
    groups = scanner.item(FrameVOILUTSequence=[window], ReferencedImageSequence=[middle])
    for sequence in (middle["PurposeOfReferenceCodeSequence"], groups["FrameVOILUTSequence"]):
        sequence.is_undefined_length = undefined
    source = scanner.file(
        bytes(24), (6, 4), syntax=syntax, ReferencedImageSequence=[middle, middle],
        SharedFunctionalGroupsSequence=[groups],
    )  # fmt: skip
    file = read_file(source, Limits())
    assert (file.size, file.frames, file.photometric) == ((6, 4), 1, "MONOCHROME2")
    assert file.groups()[0].decimals(0x00281050) == (40.0, 80.0)
    assert file.pixels is not None


def test_of_a_patient_nothing_is_kept(scanner) -> None:
    file = read_file(scanner.file(bytes(24), (6, 4), ImageComments="Roe"), Limits())
    assert b"Roe" not in b"".join(file.header.values.values())
    assert all(tag >> 16 == 0x0028 for tag in file.header.values)


def test_only_the_groups_of_the_frame_asked_for_are_read(scanner) -> None:
    frames = [
        scanner.item(FrameVOILUTSequence=[scanner.item(WindowCenter=n, WindowWidth=10)])
        for n in range(3)
    ]
    for undefined in (True, False):
        for frame in frames:
            frame.is_undefined_length_sequence_item = undefined
        source = scanner.file(
            bytes(72), (6, 4), NumberOfFrames=3, PerFrameFunctionalGroupsSequence=frames
        )
        for page in range(3):
            groups = read_file(source, Limits(), page).groups()
            assert groups[0].decimals(0x00281050) == (float(page),)


def nested(levels: int) -> bytes:
    """A private sequence in a private sequence in a …, none with a length."""
    opened = (PRIVATE + b"SQ\0\0" + UNDEFINED + ITEM + UNDEFINED) * levels
    return opened + (ITEM_END + bytes(4) + SEQUENCE_END + bytes(4)) * levels


def test_depth_costs_no_recursion() -> None:
    file = read_file(preamble() + nested(20_000) + shape(), Limits())
    assert file.size == (6, 4)


def test_known_sequences_do_not_nest_for_ever() -> None:
    """A VOI LUT in a VOI LUT in a …: these are read, so here depth would be recursion."""
    lut = b"\x28\0\x10\x30SQ\0\0" + UNDEFINED + ITEM + UNDEFINED
    closed = ITEM_END + bytes(4) + SEQUENCE_END + bytes(4)
    assert read_file(preamble() + lut * 20_000 + closed * 20_000 + shape(), Limits()).rows == 4


def test_pixels_inside_of_a_sequence_are_not_the_picture_s(scanner) -> None:
    icon = scanner.item(Rows=1, PixelData=bytes(2))
    icon["PixelData"].VR = "OB"
    source = scanner.file(
        bytes(24), (6, 4), IconImageSequence=[icon], SharedFunctionalGroupsSequence=[icon]
    )
    file = read_file(source, Limits())
    assert (file.rows, file.pixels.length) == (4, 24)


@pytest.mark.parametrize(
    "flood",
    [
        b"\x09\0\x10\x10LO\0\0" * (MOST_ELEMENTS + 1),
        PRIVATE + b"SQ\0\0" + UNDEFINED + (ITEM + bytes(4)) * (MOST_ELEMENTS + 1),
        b"\x28\0\x10\x30SQ\0\0" + UNDEFINED + (ITEM + bytes(4)) * (MOST_ELEMENTS + 1),
    ],
    ids=["elements", "private items", "known items"],
)
def test_a_flood_of_elements_is_refused(flood: bytes) -> None:
    with pytest.raises(SourceTooLarge, match="elements"):
        read_file(preamble() + flood + shape(), Limits())


def test_what_was_sent_as_unknown_is_written_without_representations() -> None:
    inside = b"\x28\0\x10\0" + struct.pack("<I", 2) + b"\x09\0"
    unknown = PRIVATE + b"UN\0\0" + UNDEFINED + ITEM + UNDEFINED + inside
    closed = ITEM_END + bytes(4) + SEQUENCE_END + bytes(4)
    assert read_file(preamble() + unknown + closed + shape(), Limits()).rows == 4


@pytest.mark.parametrize("length", range(132, 150))
def test_a_header_cut_anywhere_is_refused(length: int) -> None:
    source = preamble() + shape()
    with pytest.raises(BrokenSource, match=r"transfer-syntax|no-picture"):
        read_file(source[:length], Limits())


def test_a_length_that_is_too_long_ends_the_walk() -> None:
    long = PRIVATE + b"OB\0\0\xfe\xff\xff\xff"
    with pytest.raises(BrokenSource, match="no-picture"):
        read_file(preamble() + long + shape(), Limits())
    with pytest.raises(BrokenSource, match="no-picture"):
        read_file(preamble() + PRIVATE + b"SQ\0\0" + UNDEFINED + ITEM, Limits())


def test_an_element_cut_in_its_head_ends_the_walk() -> None:
    with pytest.raises(BrokenSource, match="no-picture"):
        read_file(preamble() + b"\x08\0\x10\0OB\0\0", Limits())
    cut = PRIVATE + b"SQ\0\0" + UNDEFINED + b"\x08\0\x10\0OB\0\0"
    with pytest.raises(BrokenSource, match="no-picture"):
        read_file(preamble() + cut, Limits())


def test_a_deflated_bomb_is_left_at_the_limit() -> None:
    squeeze = zlib.compressobj(9, wbits=-15)
    pixels = b"\xe0\x7f\x10\0OB\0\0\0\0\x80\0"
    bomb = squeeze.compress(shape() + pixels + bytes(8 << 20)) + squeeze.flush()
    assert len(bomb) < 20_000
    source = preamble(DeflatedExplicitVRLittleEndian) + bomb
    with pytest.raises(SourceTooLarge, match="octets"):
        read_file(source, Limits(octets=1 << 20))
    assert read_file(source, Limits()).size == (6, 4)


def test_numbers_that_are_none_are_none() -> None:
    data = Walk(memoryview(shape()), explicit=True, little=True).read(0)
    assert data.decimals(0x00280004) == ()
    assert data.decimals(0x00281050) == ()
    assert data.word(0x00281234, 7) == 7
