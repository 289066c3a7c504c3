"""Judging: how near an encoding comes to its picture, by two crops of it. It takes numpy."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from imaging.encoding.crops import telling_crops
from imaging.encoding.improving import Judge
from imaging.encoding.ssimulacra import SMALLEST, Reference
from imaging.pixels.colours import on_white

FLATTERY = 3.0
"""By how much the crops' mean lies above the whole picture's score, in the mean of many."""


def examine(image: Image.Image) -> Judge | None:
    """The judge of a finished picture's encodings; None when it is too small to be judged.

    What is see-through is judged on white.
    """
    if min(image.size) < SMALLEST:
        return None
    picture = on_white(image)
    looks = [(box, Reference(picture.crop(box))) for box in telling_crops(picture)]

    def judge(body: bytes) -> float:
        shown = on_white(Image.open(BytesIO(body)))
        scores = [reference.score(shown.crop(box)) for box, reference in looks]
        return sum(scores) / len(scores) - FLATTERY

    return judge
