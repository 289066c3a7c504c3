"""Drawing: a DICOM frame as the picture that a rendition is scaled from."""

from __future__ import annotations

from dataclasses import replace

from PIL import Image

from imaging.dicom.colours import coloured
from imaging.dicom.files import GREYS, read_file
from imaging.dicom.frames import read_frame
from imaging.dicom.tones import grey
from imaging.errors import PageMissing
from imaging.limits import Limits
from imaging.media import DICOM
from imaging.names.renditions import Rendition
from imaging.pixels.painting import EXACT, LOSSY, blanked, painted, patches
from imaging.rendered import Description


def describe_dicom(source: bytes | memoryview, limits: Limits) -> Description:
    """Width and height of a frame with square pixels, and the number of frames."""
    file = read_file(source, limits)
    return Description(DICOM, *file.upright, file.frames)


def draw_frame(source: bytes | memoryview, rendition: Rendition, limits: Limits) -> Image.Image:
    """One frame in L or RGB at its own size, with square pixels, seen through its window.

    What is hidden is so in the stored values: the window may be found by those of all pixels.
    """
    index = max(rendition.page - 1, 0)
    file = read_file(source, limits, index)
    if index >= file.frames:
        raise PageMissing(file.frames)
    boxes = rendition.redaction.on(rendition.page)
    laid = patches(boxes, file.size, EXACT if file.exact else LOSSY)
    frame = read_frame(file, index, limits)
    frame = replace(frame, planes=tuple(blanked(plane, laid) for plane in frame.planes))
    if file.photometric in GREYS:
        image = grey(file, frame, rendition.window)
    else:
        image = coloured(file, frame)
    image = painted(image, laid)
    if image.size == file.upright:
        return image
    square = image.resize(file.upright, Image.Resampling.BICUBIC)
    square.info = image.info
    return square
