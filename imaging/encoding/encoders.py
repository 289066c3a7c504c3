"""Writes a finished picture in a web format, with nothing of the source's metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from typing import TypeAlias

from PIL import Image

from imaging.encoding.timeless import timeless
from imaging.pixels.colours import greyed, on_white
from imaging.pixels.kinds import Kind
from imaging.rendered import MEDIA_TYPES, Rendered

Options: TypeAlias = dict[str, int | bool | list[int] | list[Image.Image]]

# On-demand qualities: the lowest at which no picture of the measured set looked worse than
# "high" (SSIMULACRA2 70); small text needs a little more.
_QUALITY = {"jpeg": 72, "webp": 78, "avif": 59, "png": 0}
_DOCUMENT_QUALITY = {**_QUALITY, "webp": 80}
_EFFORT = {"jpeg": "op", "webp": "m4", "avif": "s9", "png": "z6"}
# One step down, tried where it makes a rendition lighter than its source: about a quarter less.
_LOWER_QUALITY = {"jpeg": 60, "webp": 66, "avif": 50}
_WITHIN_REACH = 4 / 3
# What pays where nobody waits: text wins nothing from AVIF's slower speeds.
_PATIENCE: Mapping[str, tuple[str, Options]] = {
    "webp": ("m6", {"method": 6}),
    "avif": ("s6", {"speed": 6}),
}
_DOCUMENT_PATIENCE: Mapping[str, tuple[str, Options]] = {
    **_PATIENCE,
    "avif": ("s8", {"speed": 8}),
}
_MOVING_EFFORT = {"webp": "m2-moving", "avif": "s9-moving"}
MOVING = frozenset(_MOVING_EFFORT)
"""The formats that can move."""

# A colour cast that nobody sees, left by encoders that store grey as colour.
_SLACK = 3
# A grey fills an area when more than one pixel of so many has it, and none near it has filled one
# already: what rings around strokes is nearly the paper's. The levels of edges keep off further.
_AREA, _UNLIKE, _STEP = 100, 4, 8
# So many pixels of a photograph are there at once: scans that refine it would make it no lighter,
# and take as long as all else in encoding it. Pages become lighter by a twelfth at any size.
_SOON = 1 << 20
_LOSSLESS: Options = {"lossless": True, "quality": 50, "method": 2}


def encode(image: Image.Image, format: str, quality: int, kind: Kind) -> Rendered:
    """The picture as `format`; quality 0 takes what is best for its kind, and may lose nothing.

    WebP alone has such ways: two colours stay two, and a page is tried in sixteen greys without
    loss. A quality that was asked for is always the one used.
    """
    picture = _plain(image, format)
    if kind is Kind.BILEVEL and not quality:
        if format == "webp":
            return _written(picture, format, 0, "lossless", _LOSSLESS)
        if format == "png" and _black_and_white(picture):
            picture = picture.convert("1")
    usual = _usual(picture, format, quality, kind)
    if kind is Kind.PAGE and format == "webp" and not quality and picture.mode == "L":
        few = picture.point(_levels(picture.histogram()))
        return min(_written(few, format, 0, "greys16", _LOSSLESS), usual, key=_weight)
    return usual


def encode_below(image: Image.Image, format: str, quality: int, kind: Kind, most: int) -> Rendered:
    """As `encode`, one step lower in quality where only that makes it lighter than `most` octets.

    A quality that was asked for is always the one used, and two colours stay without loss.
    """
    usual = encode(image, format, quality, kind)
    near = most <= _weight(usual) < most * _WITHIN_REACH
    if quality or format not in _LOWER_QUALITY or usual.effort == "lossless" or not near:
        return usual
    lower = encode(image, format, _LOWER_QUALITY[format], kind)
    return lower if _weight(lower) < most else usual


def encode_patiently(image: Image.Image, format: str, quality: int, kind: Kind) -> Rendered:
    """The picture as a lossy `format` in that quality, as slowly as pays; JPEG has one speed."""
    patience = _DOCUMENT_PATIENCE if kind.document else _PATIENCE
    effort, slower = patience.get(format, (_EFFORT[format], {}))
    picture = _plain(image, format)
    options = _suited(picture, format, quality, kind) | slower
    return _written(picture, format, quality, effort, options)


def encode_moving(
    frames: Sequence[Image.Image], format: str, quality: int, times: Sequence[int], plays: int
) -> Rendered:
    """Frames of one size and mode as a moving WebP or AVIF; `times` are in milliseconds.

    `plays` is how often it is played, 0 for ever; AVIF has no such field and plays for ever.
    """
    quality = quality or _QUALITY[format]
    first, *rest = frames
    options = _options(format, quality)
    options |= {"save_all": True, "append_images": rest, "duration": list(times)}
    if format == "webp":
        options |= {"method": 2, "loop": plays, "kmin": 30, "kmax": 60}
    made = _written(first, format, quality, _MOVING_EFFORT[format], options)
    return replace(made, body=timeless(made.body)) if format == "avif" else made


def _plain(image: Image.Image, format: str) -> Image.Image:
    """The picture as a format stores it: on white for JPEG, grey where nobody sees colours."""
    picture = on_white(image) if format == "jpeg" else image
    return greyed(picture, 0 if format == "png" else _SLACK)


def _usual(picture: Image.Image, format: str, quality: int, kind: Kind) -> Rendered:
    quality = quality or (_DOCUMENT_QUALITY if kind.document else _QUALITY)[format]
    options = _suited(picture, format, quality, kind)
    return _written(picture, format, quality, _EFFORT[format], options)


def _suited(picture: Image.Image, format: str, quality: int, kind: Kind) -> Options:
    options = _options(format, quality)
    if format == "jpeg" and not kind.document and picture.width * picture.height <= _SOON:
        options["progressive"] = False
    return options


def _levels(histogram: list[int]) -> list[int]:
    """Each grey's level: edges of text need sixteen, and what fills areas stays as it is."""
    areas: list[int] = []
    for grey in sorted(range(256), key=lambda grey: -histogram[grey]):
        if histogram[grey] * _AREA > sum(histogram) and _apart(grey, areas, _UNLIKE):
            areas.append(grey)
    edges = [level for level in range(0, 256, 17) if _apart(level, areas, _STEP)]
    return [min(edges + areas, key=lambda level: abs(level - grey)) for grey in range(256)]


def _apart(grey: int, others: list[int], distance: int) -> bool:
    return all(abs(grey - other) >= distance for other in others)


def _written(
    picture: Image.Image, format: str, quality: int, effort: str, options: Options
) -> Rendered:
    # Pillow's writers copy comments, profiles and resolution from here.
    picture.info = {}
    out = BytesIO()
    picture.save(out, format.upper(), **options)
    size = picture.width, picture.height
    return Rendered(out.getvalue(), MEDIA_TYPES[format], *size, quality, effort)


def _black_and_white(picture: Image.Image) -> bool:
    return picture.mode == "L" and not any(picture.histogram()[1:255])


def _weight(rendered: Rendered) -> int:
    return len(rendered.body)


def _options(format: str, quality: int) -> Options:
    if format == "jpeg":
        return {"quality": quality, "optimize": True, "progressive": True}
    if format == "webp":
        return {"quality": quality, "method": 4}
    if format == "avif":
        return {"quality": quality, "speed": 9, "max_threads": 1}
    return {"compress_level": 6}
