"""Traffic: who reads which document when, and under which URL in each way of making URLs. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

from signing.windows import expiry

VISITS, DOCUMENTS, VIEWERS, HOURS = 24_000, 2_000, 500, 6
BEGAN = 1_790_000_000
HOUR = 3_600
_FAR = 86_400


@dataclass(frozen=True, slots=True)
class Visit:
    """One read; `at` is in Unix seconds of a time that need not be now."""

    number: int
    at: int
    document: int
    viewer: int


Period: TypeAlias = Callable[[Visit], int]
"""Tells visits of one document apart: equal numbers have the same URL."""


def zipf(visits: int = VISITS, documents: int = DOCUMENTS, seed: int = 7) -> Iterator[Visit]:
    """Reads by Zipf's law with exponent 1, evenly over the hours, by viewers at random."""
    chance = random.Random(seed)
    weights = list(accumulate(1 / rank for rank in range(1, documents + 1)))
    for number in range(visits):
        [document] = chance.choices(range(documents), cum_weights=weights)
        at = BEGAN + number * HOURS * HOUR // visits
        yield Visit(number, at, document, chance.randrange(VIEWERS))


def sizes(documents: int = DOCUMENTS, seed: int = 11) -> Sequence[int]:
    """Octets of each document, 20 kB in the middle, whatever its rank."""
    chance = random.Random(seed)
    return [min(200_000, int(chance.lognormvariate(9.9, 0.8))) for _ in range(documents)]


def name(document: int) -> str:
    return f"reports/{document:04}.txt"


def per_view(visit: Visit) -> int:
    """A new URL each time, as a new signed URL is made for each view."""
    return visit.number


def per_user_and_hour(visit: Visit) -> int:
    """A URL that one viewer uses for an hour."""
    return visit.at // HOUR * VIEWERS + visit.viewer - BEGAN // HOUR * VIEWERS


def windowed(window: int) -> Period:
    """The URL that everybody gets within a window; windows of documents end at odd times."""

    def period(visit: Visit) -> int:
        text = f"/d/clinic/documents/-/{name(visit.document)}"
        return (expiry(visit.at, 2 * window, window, _FAR, text) - BEGAN) // window

    return period


EDGE = "edge"
WAYS: Mapping[str, Period] = {
    "a URL per view": per_view,
    "a URL per user and hour": per_user_and_hour,
    "windowed, 5 min": windowed(300),
    "windowed, 1 h": windowed(HOUR),
    EDGE: per_view,
}
"""By the names that `ostiary simulate` gives them. At the edge it does not matter which URL."""
