"""Quality: which one a picture needs, told by how one try of it looks beside the original.

Pictures differ by twenty points and more at one quality, but their scores fall nearly alike with
it. So a single try tells how far a picture lies from the mean of many, and that by how much its
quality may be lower.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from imaging.pixels.kinds import Kind

PHOTO_GOAL, DOCUMENT_GOAL = 70.0, 75.0
"""SSIMULACRA2 that is to be reached: high quality, and a little more for small text."""

SLACK = 1.5
"""By how much a score may miss its goal: crops and curves tell no more exactly."""


def goal_of(kind: Kind) -> float:
    """The score that renditions of this kind are to reach."""
    return DOCUMENT_GOAL if kind.document else PHOTO_GOAL


@dataclass(frozen=True, slots=True)
class Curve:
    """The mean scores of measured pictures at some qualities, both rising; straight in between."""

    qualities: tuple[int, ...]
    scores: tuple[float, ...]

    def __post_init__(self) -> None:
        rising = all(a < b for line in (self.qualities, self.scores) for a, b in pairwise(line))
        if not rising or len(self.qualities) != len(self.scores) or len(self.scores) < 2:
            raise ValueError("a curve has two points or more, and rises")

    def score(self, quality: float) -> float:
        """The mean score at a quality; beyond the ends as steep as there."""
        return _between(self.qualities, self.scores, quality)

    def quality(self, score: float) -> int:
        """The lowest whole quality with that mean score, within what was measured."""
        exact = _between(self.scores, self.qualities, score)
        least, *_, most = self.qualities
        return min(max(-int(-exact // 1), least), most)


def _between(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    end = min(max(1, bisect_left(xs, x)), len(xs) - 1)
    share = (x - xs[end - 1]) / (xs[end] - xs[end - 1])
    return ys[end - 1] + share * (ys[end] - ys[end - 1])


_QUALITIES = {
    "jpeg": (40, 50, 60, 70, 80, 90),
    "webp": (45, 55, 65, 75, 85, 93),
    "avif": (30, 40, 50, 60, 70, 80),
}
# Of whole pictures, at the effort of the second encoding: 19 photos and 8 documents.
_PHOTO = {
    "jpeg": (56.8, 63.2, 67.0, 72.3, 78.0, 84.7),
    "webp": (59.2, 62.9, 66.6, 69.9, 78.5, 85.3),
    "avif": (43.9, 57.3, 68.2, 75.5, 80.4, 84.1),
}
_DOCUMENT = {
    "jpeg": (64.0, 68.0, 70.5, 75.2, 80.6, 88.2),
    "webp": (75.3, 77.5, 79.7, 81.5, 87.1, 90.5),
    "avif": (49.9, 62.5, 73.4, 80.9, 86.1, 89.4),
}


def needed(format: str, kind: Kind, tried: int, score: float) -> int:
    """The quality that should just reach the goal, when the one tried scored so."""
    scores = _DOCUMENT if kind.document else _PHOTO
    curve = Curve(_QUALITIES[format], scores[format])
    return curve.quality(goal_of(kind) + curve.score(tried) - score)


class Trial(NamedTuple):
    """What one encoding of a picture weighs, and how it looks."""

    octets: int
    score: float


def best(trials: Sequence[Trial], goal: float, most: int) -> int:
    """Which of some encodings is to be kept, the first of them being the one that is there.

    Where the first reaches the goal it gives way to what reaches it with fewer octets. Where it
    does not, it gives way to what looks no worse: to the lightest that reaches the goal, else to
    the one that looks best; what is heavier than the first then has to stay below `most` octets.
    """
    enough = goal - SLACK
    first = trials[0]
    if first.score >= enough:
        fit = [n for n, one in enumerate(trials) if one.score >= enough]
        return min(fit, key=lambda n: trials[n].octets)
    fit = [
        n
        for n, one in enumerate(trials)
        if one.score >= first.score and one.octets <= max(first.octets, most - 1)
    ]
    return min(fit, key=lambda n: _short_of(trials[n], enough))


def _short_of(trial: Trial, enough: float) -> tuple[float, int]:
    return max(0.0, enough - trial.score), trial.octets
