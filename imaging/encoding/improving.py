"""Improving: a rendition encoded once more, slowly, and at the quality that its picture needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from PIL import Image

from imaging.encoding.encoders import encode_patiently
from imaging.encoding.quality import Trial, best, goal_of, needed
from imaging.names.renditions import Rendition
from imaging.pixels.scaled import Scaled
from imaging.rendered import FORMATS, Rendered

Judge: TypeAlias = Callable[[bytes], float]
"""Scores an encoding of a picture, by SSIMULACRA2."""

Examiner: TypeAlias = Callable[[Image.Image], Judge | None]
"""The judge of a picture's encodings; None where there is no judging them."""


def improved(seen: Scaled, rendition: Rendition, most: int, examiner: Examiner) -> Rendered:
    """As `Scaled.encoded`, or better where a slower encoding may be: of a lossy still whose quality
    nobody fixed.

    What becomes heavier than the first encoding stays below `most` octets.
    """
    first = seen.encoded(rendition, most)
    if rendition.quality or not first.hasty:
        return first
    return _best(seen, first, most, examiner(seen.image))


def _best(seen: Scaled, first: Rendered, most: int, judge: Judge | None) -> Rendered:
    """The best of the first encoding, one more slowly, and one in the quality that it needs.

    Without a judge the quality stays the same, and the lighter one is taken.
    """
    format = FORMATS[first.media_type]

    def again(quality: int) -> Rendered:
        made = encode_patiently(seen.image, format, quality, seen.kind)
        return replace(made, placeholder=first.placeholder, source=first.source)

    tried = again(first.quality)
    if judge is None:
        return min(first, tried, key=lambda made: len(made.body))
    scores = {made.body: judge(made.body) for made in (first, tried)}
    second = again(needed(format, seen.kind, tried.quality, scores[tried.body]))
    scores[second.body] = judge(second.body)
    made = (first, tried, second)
    trials = [Trial(len(one.body), scores[one.body]) for one in made]
    return made[best(trials, goal_of(seen.kind), most)]
