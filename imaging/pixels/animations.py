"""Animations: the frames of a moving source, each scaled like a picture of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from PIL import Image
from PIL.ImageFile import ImageFile

from imaging.encoding.encoders import MOVING, encode_moving
from imaging.marking.stamps import marked
from imaging.names.renditions import Rendition
from imaging.pixels.geometry import place
from imaging.pixels.pictures import aimed, scale_picture, upright_size
from imaging.pixels.placeholders import placeholder
from imaging.rendered import Rendered

# The frames of all else are pages, or guests of its first picture.
_FORMATS = frozenset({"GIF", "PNG", "WEBP", "AVIF"})

MOST_FRAMES = 2_000
"""Sources with more frames stand still."""

# Nanoseconds of one core for a pixel of a busy source read and scaled, one made, and one marked.
_READ, _MADE, _MARKED = 35, 110, 90
_BUDGET = 8_500_000_000
# What browsers take for a frame without a time.
_USUAL_TIME = 100
_GIF_IMAGE, _GIF_EXTENSION = 0x2C, 0x21


class Moving(NamedTuple):
    """A source that moves: its frames from `first` up to, not with, `end`."""

    image: ImageFile
    first: int
    end: int


def can_move(image: ImageFile) -> bool:
    """Whether the source may have frames that another format would show; no frame is read."""
    if image.format == "GIF":
        return True
    return image.format in _FORMATS and getattr(image, "n_frames", 1) > 1


def moves(image: ImageFile, source: bytes | memoryview) -> bool:
    """Whether the source has more frames than one."""
    return can_move(image) and (image.format != "GIF" or gif_frames(source, 2) > 1)


def moving(image: ImageFile, source: bytes | memoryview, rendition: Rendition) -> Moving | None:
    """The source as an animation; None when it has one frame or the format asked for can not move.

    None as well, for the first frame is then all that is made, when the time for all frames would
    be more than a job may take: that is told from numbers of frames and pixels alone.
    """
    if rendition.format not in MOVING or image.format not in _FORMATS:
        return None
    gif = image.format == "GIF"
    end = gif_frames(source, MOST_FRAMES + 1) if gif else getattr(image, "n_frames", 1)
    # The first picture of a PNG may be one for readers who know nothing of frames.
    first = 1 if image.info.get("default_image") else 0
    count = end - first
    if not 1 < count <= MOST_FRAMES:
        return None
    placed = place(upright_size(image), rendition)
    made = _MADE + (_MARKED if rendition.marked else 0)
    one = _READ * image.width * image.height + made * placed.width * placed.height
    return Moving(image, first, end) if one * count <= _BUDGET else None


def animate(source: Moving, rendition: Rendition) -> Rendered:
    """The frames as one moving rendition, with their times and as often as the source plays.

    Each frame has its mark: whoever stops the picture sees one.
    """
    frames, times, size = [], [], upright_size(source.image)
    for frame, time in _scaled(source, rendition):
        frames.append(frame)
        times.append(time)
    mode = "RGBA" if any(frame.mode in ("LA", "RGBA") for frame in frames) else "RGB"
    same = [frame if frame.mode == mode else frame.convert(mode) for frame in frames]
    hint, plays = placeholder(same[0], rendition), _plays(source.image)
    shown = marked(same, rendition.mark)
    made = encode_moving(shown, rendition.format, rendition.quality, times, plays)
    return replace(made, placeholder=hint, source=size)


def gif_frames(source: bytes | memoryview, most: int) -> int:
    """How many frames a GIF has, counted no further than `most`, by its blocks' lengths alone."""
    at, frames = 13 + _table(source[10]), 0
    try:
        while frames < most and source[at] in (_GIF_IMAGE, _GIF_EXTENSION):
            image = source[at] == _GIF_IMAGE
            at += 11 + _table(source[at + 9]) if image else 2
            while source[at]:
                at += source[at] + 1
            at += 1
            frames += image
    except IndexError:
        pass
    return frames


def _table(flags: int) -> int:
    """The octets of a colour table, by the octet that says whether there is one."""
    return 3 * 2 ** (flags % 8 + 1) if flags & 0x80 else 0


def _scaled(source: Moving, rendition: Rendition) -> Iterator[tuple[Image.Image, int]]:
    """Frames with their times; what is damaged after the first frame ends the animation there."""
    image = source.image
    rendition = aimed(image, rendition)
    for index in range(source.first, source.end):
        try:
            image.seek(index)
            image.load()
        except (EOFError, OSError, SyntaxError, ValueError):
            if index == source.first:
                raise
            return
        frame = scale_picture(image, rendition, document=False)
        # A frame that needed nothing is the source itself, which moves on.
        time = round(image.info.get("duration") or _USUAL_TIME)
        yield (frame.copy() if frame is image else frame), time


def _plays(image: ImageFile) -> int:
    """How often it is played, 0 for ever. A GIF says how often again; without a word it is once."""
    loop = image.info.get("loop")
    if image.format == "GIF":
        return 1 if loop is None else loop + 1 if loop else 0
    return loop or 0
