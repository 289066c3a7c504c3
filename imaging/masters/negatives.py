"""Negatives: pages as they were decoded, from which masters are developed."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from imaging.masters.masters import LARGEST, NARROWEST, NO_MASTER, WIDTH, Master
from imaging.masters.prints import placed
from imaging.media import HEIF
from imaging.names.renditions import Rendition
from imaging.pixels.geometry import Box
from imaging.pixels.pictures import scale_picture

WORTH = 4_000_000
"""From so many pixels on a picture that has to be decoded whole leaves a master behind."""

# At this quality, with all its colours, a print scores 90 or more against one made of the source.
_QUALITY = 98
_MODES = frozenset({"L", "RGB"})


@dataclass(frozen=True, slots=True)
class Negative:
    """A page as it was decoded or drawn, with its own size: in pixels, or a PDF's points."""

    image: Image.Image
    size: tuple[float, float]

    def developed(self) -> Master:
        """The master of the page; none where a JPEG can not show it, or not in bounds."""
        picture = scale_picture(self.image, Rendition(width=WIDTH), document=True)
        if picture.mode not in _MODES or min(self.size) < NARROWEST:
            return NO_MASTER
        out = BytesIO()
        picture.info = {}
        picture.save(out, "JPEG", quality=_QUALITY, subsampling=0)
        body = out.getvalue()
        return Master(body, *picture.size, self.size) if len(body) <= LARGEST else NO_MASTER


def printed(
    image: Image.Image, master: Master, rendition: Rendition, media_type: str
) -> Image.Image:
    """The master, opened as `image`, at the rendition's size."""
    placement, box = placed(master, rendition, media_type)
    # Photographs lose nothing one sees at 1.5x, thin strokes of text do.
    gap = 1.5 if media_type in HEIF else 2.0
    across = round(gap * placement.width * image.width / (box[2] - box[0]))
    down = round(gap * placement.height * image.height / (box[3] - box[1]))
    if drafted := image.draft(None, (across, down)):
        scale = drafted[1][2] / master.width, drafted[1][3] / master.height
        box = box[0] * scale[0], box[1] * scale[1], box[2] * scale[0], box[3] * scale[1]
    return fitted(image, (placement.width, placement.height), box)


def fitted(image: Image.Image, size: tuple[int, int], box: Box) -> Image.Image:
    """A part of a picture at a smaller size."""
    return image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=2.0)
