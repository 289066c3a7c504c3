"""Frames: one frame's stored values as grey planes, however the file keeps them (PS3.5 §8, A)."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from imaging.dicom.elements import ITEM, UNDEFINED, Element, Walk
from imaging.dicom.files import JPEG, RLE, DicomFile
from imaging.dicom.pictures import open_jpeg, open_jpeg_2000
from imaging.errors import BrokenSource
from imaging.limits import Limits

Planes = tuple[Image.Image, ...]
_JPEG_STARTS = (b"\xff\xd8", b"\xff\x4f", b"\0\0\0\x0c")
_RLE_HEADER = struct.Struct("<16I")


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture per sample: L, I (sixteen bits as they are) or F (thirty-two).

    `value` tells the stored value of a plane's code; `rgb` says that the decoder has made RGB of
    it already.
    """

    planes: Planes
    value: Callable[[int], int]
    rgb: bool = False


def read_frame(file: DicomFile, index: int, limits: Limits) -> Frame:
    """The frame of that index, from 0. Raises BrokenSource, "truncated" when it is not whole."""
    pixels = file.pixels
    if pixels is None:
        raise BrokenSource("no-picture")
    if (pixels.length == UNDEFINED) == file.native:
        raise BrokenSource("damaged")
    if file.native:
        return Frame(_native_planes(file, _native_octets(file, pixels, index)), _valued(file))
    data = _fragments(file, pixels, index)
    if file.syntax == RLE:
        return Frame(_planes(file, _rle_planes(file, data), little=True), _valued(file))
    if file.syntax in JPEG:
        picture, rgb = open_jpeg(data, file.size, limits, plain=file.photometric == "RGB")
        return Frame(picture.split(), _valued(file), rgb)
    picture, value = open_jpeg_2000(data, file.size, signed=file.signed)
    ready = file.photometric not in ("YBR_FULL", "YBR_FULL_422")
    return Frame(_greys(picture), value, rgb=ready)


def _valued(file: DicomFile) -> Callable[[int], int]:
    """Codes to values: the bits stored, without overlays above them, with their sign."""
    mask, half = (1 << file.stored) - 1, 1 << (file.stored - 1)
    if file.signed:
        return lambda code: ((code & mask) ^ half) - half
    return lambda code: code & mask


def _native_octets(file: DicomFile, pixels: Element, index: int) -> bytes:
    count = file.rows * file.columns
    bits = count * (2 * file.allocated if file.halved else file.samples * file.allocated)
    first, last = index * bits // 8, ((index + 1) * bits + 7) // 8
    if index * bits % 8:
        raise BrokenSource("unsupported")
    stored = file.octets[pixels.start :][: pixels.length]
    if len(stored) < last:
        raise BrokenSource("truncated")
    if file.allocated == 8 and not file.header.little and pixels.vr == b"OW":
        even = first - first % 2
        words = array("H", bytes(stored[even : last + last % 2]))
        words.byteswap()
        return words.tobytes()[first - even :][: last - first]
    return bytes(stored[first:last])


def _native_planes(file: DicomFile, octets: bytes) -> Planes:
    if file.allocated == 1:
        count = file.rows * file.columns
        bits = Image.frombytes("1", (count, 1), octets, "raw", "1;R")
        return (
            Image.frombytes("L", file.size, bits.convert("L").tobytes()).point(lambda v: v and 1),
        )
    if file.halved:
        return _spread(file, octets)
    wide, samples = file.allocated // 8, file.samples
    if samples == 1:
        return _planes(file, [octets], little=file.header.little)
    if file.header.word(0x00280006) == 1:
        size = len(octets) // samples
        whole = [octets[size * n : size * (n + 1)] for n in range(samples)]
    else:
        whole = [
            _woven([octets[n * wide + k :: samples * wide] for k in range(wide)])
            for n in range(samples)
        ]
    return _planes(file, whole, little=file.header.little)


def _spread(file: DicomFile, octets: bytes) -> Planes:
    """Y Y Cb Cr for every two pixels of a row (PS3.3 C.7.6.3.1.2, YBR_FULL_422)."""
    half = file.columns // 2, file.rows
    light = Image.frombytes("L", file.size, _woven([octets[0::4], octets[1::4]]))
    tints = (Image.frombytes("L", half, octets[n::4]) for n in (2, 3))
    return light, *(tint.resize(file.size, Image.Resampling.NEAREST) for tint in tints)


def _woven(strands: Sequence[bytes]) -> bytes:
    """Octets of several strands by turns."""
    woven = bytearray(sum(map(len, strands)))
    for number, strand in enumerate(strands):
        woven[number :: len(strands)] = strand
    return bytes(woven)


def _planes(file: DicomFile, octets: Sequence[bytes], *, little: bool) -> Planes:
    order = "" if little else "B"
    if file.allocated == 8:
        return tuple(Image.frombytes("L", file.size, one) for one in octets)
    if file.allocated == 16:
        deep = (Image.frombytes("I;16", file.size, one, "raw", f"I;16{order}") for one in octets)
        return tuple(image.convert("I") for image in deep)
    raw = f"F;32{order}{'S' if file.signed else ''}"
    return tuple(Image.frombytes("F", file.size, one, "raw", raw) for one in octets)


def _greys(picture: Image.Image) -> Planes:
    return (picture.convert("I"),) if picture.mode.startswith("I") else picture.split()


def _fragments(file: DicomFile, pixels: Element, index: int) -> bytes:
    """The octets of a compressed frame (PS3.5 §A.4): one fragment or several."""
    walk = Walk(file.octets, explicit=False, little=True)
    found: list[memoryview] = []
    at = pixels.start
    while at + 8 <= len(file.octets):
        item = walk.head(at, explicit=False)
        if item.tag != ITEM:
            break
        at = item.start + item.length
        found.append(file.octets[item.start : at])
    fragments = found[1:]  # the first item is a table of offsets, which a file may leave empty
    if file.frames == 1:
        return b"".join(fragments)
    if len(fragments) != file.frames and file.syntax != RLE:
        starts = [n for n, one in enumerate(fragments) if bytes(one[:4]).startswith(_JPEG_STARTS)]
        ends = [*starts[1:], len(fragments)]
        frames = [b"".join(fragments[a:b]) for a, b in zip(starts, ends, strict=True)][index:]
        fragments[index:] = [memoryview(frame) for frame in frames[:1]]
    if index >= len(fragments):
        raise BrokenSource("truncated")
    return bytes(fragments[index])


def _rle_planes(file: DicomFile, data: bytes) -> list[bytes]:
    """Segments, one for each octet of each sample from the highest on (PS3.5 annex G)."""
    if len(data) < _RLE_HEADER.size:
        raise BrokenSource("truncated")
    count, *offsets = _RLE_HEADER.unpack_from(data)
    wide, size = file.allocated // 8, file.rows * file.columns
    if count != wide * file.samples:
        raise BrokenSource("damaged")
    ends = [*offsets[1:count], len(data)]
    octets = [_unpacked(data[a:b], size) for a, b in zip(offsets[:count], ends, strict=True)]
    return [_woven(octets[n * wide : (n + 1) * wide][::-1]) for n in range(file.samples)]


def _unpacked(segment: bytes, size: int) -> bytes:
    """A segment of runs and literals, `size` octets of it; Pillow knows them from TIFF."""
    try:
        return Image.frombytes("L", (size, 1), segment, "packbits", "L").tobytes()
    except ValueError:
        raise BrokenSource("truncated") from None
