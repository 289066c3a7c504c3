"""Scales a picture to its rendition: decoded no larger than needed, upright, in sRGB."""

from __future__ import annotations

from dataclasses import replace

from PIL import Image

from imaging.names.renditions import Rendition
from imaging.pixels.colours import web_ready
from imaging.pixels.geometry import SIDEWAYS, Box, Placement, Size, place, turned
from imaging.pixels.painting import Patch, Spread, painted, patches, spread_of
from imaging.pixels.saliency import liveliest, sketch
from imaging.sources import orientation_of

_WHOLE = (1.0, 1.0)
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# How many times the wanted width a JPEG is decoded at. At 1.15 a phone's upright photograph would
# take half the time for a rung, and look half a point of SSIMULACRA2 worse than others make it.
# Thin strokes of text lose more.
_GAP, _PAGE_GAP = 1.5, 2.0


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height as they will be seen, from the header."""
    width, height = image.size
    return (height, width) if orientation_of(image) in SIDEWAYS else (width, height)


def scale_picture(image: Image.Image, rendition: Rendition, *, document: bool) -> Image.Image:
    """The picture at its rendition's size, without alpha or colour left to be explained.

    What its redaction hides is painted over before anything looks at the pixels.
    """
    orientation, size = orientation_of(image), upright_size(image)
    profile = image.info.get("icc_profile") or b""
    gap = _PAGE_GAP if document else _GAP
    spread = spread_of(image)
    scale = _draft(image, place(size, rendition).turned(orientation, size), gap)
    source = painted(image, _laid(rendition, size, orientation, spread, scale))
    rendition = _aimed(source, orientation, size, scale, rendition)
    placement = place(size, rendition).turned(orientation, size)
    small = _resize(source, placement, _scaled(placement.box, scale))
    return web_ready(_upright(small, orientation), profile)


def aimed(image: Image.Image, rendition: Rendition) -> Rendition:
    """The rendition with its smart gravity made a point, by what may be seen of the picture."""
    if not rendition.gravity.smart:
        return rendition
    orientation, size = orientation_of(image), upright_size(image)
    laid = _laid(rendition, size, orientation, spread_of(image), _WHOLE)
    return _aimed(painted(image, laid), orientation, size, _WHOLE, rendition)


def _laid(
    rendition: Rendition,
    size: Size,
    orientation: int,
    spread: Spread,
    scale: tuple[float, float],
) -> list[Patch]:
    """What a redaction hides of a picture decoded at that scale, as it is stored."""
    # Colours are smoothed from one decoded pixel to the next.
    edge = 0 if spread.exact else 1
    boxes = rendition.redaction.on(rendition.page)
    laid = patches(boxes, size, spread, orientation)
    return [patch.scaled(scale, edge) for patch in laid]


def _aimed(
    source: Image.Image,
    orientation: int,
    size: Size,
    scale: tuple[float, float],
    rendition: Rendition,
) -> Rendition:
    """The rendition with its smart gravity made a point, by a sketch of the part asked for."""
    if not rendition.gravity.smart:
        return rendition
    part = rendition.crop.nearest(size)
    grey = _upright(sketch(source, _scaled(turned(part, orientation, size), scale)), orientation)
    left, top, right, bottom = place(size, rendition).box
    shown = (right - left) / (part[2] - part[0]), (bottom - top) / (part[3] - part[1])
    return replace(rendition, gravity=liveliest(grey, shown))


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _draft(image: Image.Image, placement: Placement, gap: float) -> tuple[float, float]:
    """Lets a JPEG decode at 1/2, 1/4 or 1/8, and returns that scale across and down.

    The scaled size is rounded up, so the true picture ends at a fraction of its last pixel:
    resizing without this scale shifts every pixel and costs 16 to 42 points of SSIMULACRA2.
    """
    full_width, full_height = image.size
    left, top, right, bottom = placement.box
    wanted = (
        round(gap * placement.width * full_width / (right - left)),
        round(gap * placement.height * full_height / (bottom - top)),
    )
    drafted = image.draft(None, wanted)
    if drafted is None:
        return 1.0, 1.0
    return drafted[1][2] / full_width, drafted[1][3] / full_height


def _scaled(box: Box, scale: tuple[float, float]) -> Box:
    (left, top, right, bottom), (across, down) = box, scale
    return left * across, top * down, right * across, bottom * down


def _resize(image: Image.Image, placement: Placement, box: Box) -> Image.Image:
    size = (placement.width, placement.height)
    whole = (0.0, 0.0, float(image.width), float(image.height))
    if size == image.size and box == whole:
        image.load()
        return image
    return image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=2.0)
