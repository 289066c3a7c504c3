"""Tones: from stored values to grey, through modality LUT and window (PS3.3 C.11.1, C.11.2)."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import exp, isfinite

from PIL import Image

from imaging.dicom.elements import DataSet
from imaging.dicom.files import DicomFile
from imaging.dicom.frames import Frame
from imaging.errors import BrokenSource
from imaging.names.windows import Window

Curve = Callable[[float], float]
"""From a value to a lightness; below 0 is black and above 1 is white."""

# So many pixels show where most values lie, when no window does.
_SAMPLE = 256
_OUTLIERS = 0.01


@dataclass(frozen=True, slots=True)
class Table:
    """A lookup table: values from `first` on; what lies outside takes the nearest (C.11.1.1)."""

    first: int
    entries: tuple[int, ...]
    depth: int

    def __call__(self, value: float) -> int:
        return self.entries[min(max(int(value) - self.first, 0), len(self.entries) - 1)]

    @property
    def most(self) -> int:
        """The largest entry there can be; some files call eight bits sixteen, and the reverse."""
        return max((1 << self.depth) - 1, *self.entries)


def table(group: DataSet, described: int, data: int, *, signed: bool) -> Table | None:
    """The table of a descriptor and its data, None where there is none."""
    count, first, depth, *_ = (*group.words(described), 0, 0, 0)
    if not group.values.get(described) or not group.values.get(data):
        return None
    count = count or 1 << 16
    octets = group.values[data]
    packed = depth <= 8 and len(octets) < 2 * count  # two entries in a word
    entries = tuple(octets) if packed else group.words(data)
    if len(entries) < count:
        raise BrokenSource("damaged")
    if signed and first > 0x7FFF:
        first -= 1 << 16
    return Table(first, entries[:count], depth if 1 <= depth <= 16 else 16)


def grey(file: DicomFile, frame: Frame, window: Window) -> Image.Image:
    """The frame in eight bits of grey, its padding black.

    The window asked for comes first, then the file's own first window, then its VOI LUT; without
    any, eight bits are shown whole and more from the 1st to the 99th percentile.
    """
    plane, modality = frame.planes[0], _modality(file)
    if plane.mode == "F":
        return _grey_floats(file, plane, modality, window)
    codes = range(256 if plane.mode == "L" else 1 << 16)
    values = [frame.value(code) for code in codes]
    padding = _padding(file)
    scaled = {value: modality(value) for value in set(values)}
    curve = _curve(file, window)
    if curve is None:
        if file.stored <= 8:
            shown = [value for value in values if not padding(value)]
        else:
            shown = [value for value in _sampled(plane, values) if not padding(value)]
        curve = _between(sorted(scaled[value] for value in shown), trim=file.stored > 8)
    inverse = file.photometric == "MONOCHROME1"
    tones = {v: 0 if padding(v) else _tone(curve(s), inverse) for v, s in scaled.items()}
    return plane.point([tones[value] for value in values], "L")


def _tone(lightness: float, inverse: bool) -> int:
    level = round(255 * min(max(lightness, 0.0), 1.0)) if lightness == lightness else 0
    return 255 - level if inverse else level


def _grey_floats(
    file: DicomFile, plane: Image.Image, modality: Curve, window: Window
) -> Image.Image:
    """Thirty-two bits: too many values for a table, so all is one straight line."""
    offset, slope = modality(0.0), modality(1.0) - modality(0.0)
    curve = _curve(file, window)
    if curve is None:
        values = array("f", _small(plane).tobytes())
        curve = _between(sorted(value * slope + offset for value in values), trim=True)
    dark, bright = _line(curve, offset, slope)
    if file.photometric == "MONOCHROME1":
        dark, bright = 255 - dark, -bright
    return plane.point(lambda value: value * bright + dark).convert("L")


def _line(curve: Curve, offset: float, slope: float) -> tuple[float, float]:
    """A straight curve over stored values as 255 times its height at 0 and its rise."""
    at_zero, at_one = curve(offset), curve(offset + slope)
    return 255 * at_zero, 255 * (at_one - at_zero)


def _modality(file: DicomFile) -> Curve:
    """Stored values to values with a meaning: a table, or slope and intercept."""
    for sequence in file.header.items.get(0x00283000, ()):
        found = table(sequence, 0x00283002, 0x00283006, signed=file.signed)
        if found is not None:
            return found
    for group in file.groups():
        slope = next(iter(group.decimals(0x00281053)), 0.0)
        intercept = next(iter(group.decimals(0x00281052)), 0.0)
        if slope and isfinite(slope) and isfinite(intercept):
            return lambda value: value * slope + intercept
    return lambda value: value


def _curve(file: DicomFile, window: Window) -> Curve | None:
    """The window or VOI LUT to show with, None when nobody names one."""
    if window.width:
        return _linear(window.centre, window.width)
    for group in file.groups():
        centre = next(iter(group.decimals(0x00281050)), 0.0)
        width = next(iter(group.decimals(0x00281051)), 0.0)
        if isfinite(centre) and isfinite(width) and width > 0:
            return _shaped(group.text(0x00281056), centre, width)
    for sequence in file.header.items.get(0x00283010, ()):
        found = table(sequence, 0x00283002, 0x00283006, signed=file.signed)
        if found is not None:
            lookup, most = found, found.most
            return lambda value: lookup(value) / most
    return None


def _shaped(function: str, centre: float, width: float) -> Curve:
    """The VOI LUT functions of C.11.2.1.3; what is no function there is LINEAR."""
    if function == "SIGMOID":
        return lambda value: 1 / (1 + exp(min(-4 * (value - centre) / width, 700.0)))
    if function == "LINEAR_EXACT":
        return lambda value: (value - centre) / width + 0.5
    return _linear(centre, width)


def _linear(centre: float, width: float) -> Curve:
    """LINEAR (C.11.2.1.2), which counts a window from the middle of its first value."""
    if width <= 1:
        return lambda value: float(value > centre - 0.5)
    return lambda value: (value - (centre - 0.5)) / (width - 1) + 0.5


def _between(values: list[float], *, trim: bool) -> Curve:
    """From the darkest to the lightest of sorted values, without the outermost where trimmed."""
    if not values:
        return lambda value: 0.0
    edge = int(len(values) * _OUTLIERS) if trim else 0
    low, high = values[edge], values[-1 - edge]
    return lambda value: (value - low) / (high - low) if high > low else 0.5


def _sampled(plane: Image.Image, values: list[int]) -> Iterable[int]:
    small = _small(plane)
    codes = array("i", small.tobytes()) if small.mode == "I" else small.tobytes()
    return (values[code] for code in codes)


def _small(plane: Image.Image) -> Image.Image:
    size = min(plane.width, _SAMPLE), min(plane.height, _SAMPLE)
    return plane.resize(size, Image.Resampling.NEAREST)


def _padding(file: DicomFile) -> Callable[[int], bool]:
    """Whether a stored value is filling around the picture (PS3.3 C.7.5.1.1.2)."""
    if not file.header.values.get(0x00280120):
        return lambda value: False
    edges = [
        file.header.word(tag) if not file.signed else file.header.words(tag, signed=True)[0]
        for tag in (0x00280120, 0x00280121)
        if file.header.values.get(tag)
    ]
    low, high = min(edges), max(edges)
    return lambda value: low <= value <= high
