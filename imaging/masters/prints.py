"""Prints: renditions that are made of a page's master in place of its source; their geometry."""

from __future__ import annotations

from imaging.conversions import PDF
from imaging.masters.masters import Master
from imaging.media import DICOM, HEIF
from imaging.names.renditions import ORIGIN, Rendition
from imaging.pixels.geometry import Box, Placement, place, scale_for, scaled

KINDS = frozenset({PDF, DICOM, "image/tiff", *HEIF})
"""The media types that may leave masters; a JPEG is decoded at a smaller scale by itself."""

# What a print may have of the master's pixels across: one with all of them would be blurred.
_MOST = 0.95


def plain(rendition: Rendition) -> bool:
    """Whether nothing is hidden, cut out, written over or sought in the picture.

    All else is always made of the source, and leaves no master behind.
    """
    told = Rendition(
        rendition.page,
        rendition.width,
        rendition.height,
        rendition.fit,
        rendition.quality,
        rendition.format,
        rendition.label,
        rendition.gravity,
        rendition.window,
    )
    return rendition == told and not rendition.gravity.smart


def printable(rendition: Rendition, media_type: str) -> bool:
    """Whether such a rendition of such a source may come from a master, if that is large enough."""
    sized = not (rendition.full or rendition.format == ORIGIN)
    return media_type in KINDS and sized and plain(rendition)


def serves(master: Master, rendition: Rendition, media_type: str) -> bool:
    """Whether a printable rendition is enough smaller than the master."""
    placement, (left, top, right, bottom) = placed(master, rendition, media_type)
    return placement.width <= _MOST * (right - left) and placement.height <= _MOST * (bottom - top)


def placed(master: Master, rendition: Rendition, media_type: str) -> tuple[Placement, Box]:
    """The rendition's size, and the part of the master that it shows."""
    width, height = master.size
    size = max(1, round(width)), max(1, round(height))
    if media_type == PDF:  # a page has no pixels: as many as are asked for
        size = scaled(width, height, scale_for((width, height), rendition))
    placement = place(size, rendition)
    across, down = master.width / size[0], master.height / size[1]
    left, top, right, bottom = placement.box
    return placement, (left * across, top * down, right * across, bottom * down)
