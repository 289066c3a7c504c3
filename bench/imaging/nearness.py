"""Photographs: octets for a nearness that the worst of them keeps, beside a fixed quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

from bench.documents import Documents
from bench.imaging.pictures import photographed, pictures
from bench.imaging.readers import got
from bench.imaging.scores import scores
from bench.imaging.speed import FORMATS, WIDTH
from bench.ostiary import Ostiary, counted, folder_store, ostiary
from bench.processes import wait_until
from bench.table import Goal, Row

FIXED = 80
QUALITIES = (50, 58, 66, 73, FIXED, 88)
"""Fixed qualities that are tried; what lies between two of them is taken from both."""

GOAL = Goal(0.78, most=True)
FIRST, IMPROVED = "first", "improved"
Way: TypeAlias = str | int
"""First or improved, or a fixed quality."""

_IMPROVED = "ostiary_improvements_total"
_PATIENCE, _LARGE = 120.0, 1_000_000


@dataclass(frozen=True, slots=True)
class Point:
    """All photographs in one way: octets together, and the worst score among them."""

    octets: int
    worst: float


def run(folder: Path) -> list[Row]:
    """First answers, improved ones, and one quality for all, in each format at one width."""
    documents = Documents(folder / "docs")
    photos = [one for one in pictures() if photographed(one, _LARGE)]
    names = [f"{number}.jpg" for number, _ in enumerate(photos)]
    for name, photo in zip(names, photos, strict=True):
        documents.add(name, photo.body)
    answers: dict[tuple[str, Way], list[bytes]] = {}
    with ostiary(folder, folder_store(documents.root)) as gateway:
        for format in FORMATS:
            answers[format, FIRST] = _got(gateway, names, f"w{WIDTH}-{format}")
        _settled(gateway, len(FORMATS) * len(names))
        for format in FORMATS:
            answers[format, IMPROVED] = _got(gateway, names, f"w{WIDTH}-{format}")
            for quality in QUALITIES:
                exact = f"w{WIDTH}-q{quality}-{format}"
                answers[format, quality] = _exact(gateway, names, exact)
    points = _points(answers, [photo.body for photo in photos])
    return [row for format in FORMATS for row in rows(format, points, len(photos))]


def rows(format: str, points: Mapping[tuple[str, Way], Point], n: int) -> list[Row]:
    """Each way's octets and worst score; then ours to one quality for all that is no worse."""
    title = format.upper()
    curve = [points[format, quality] for quality in QUALITIES]
    fixed = points[format, FIXED]
    told = [
        Row(f"{title}: {what}", f"{point.octets / n / 1e3:.1f} kB, worst {point.worst:.1f}", n)
        for what, point in (
            ("first answers", points[format, FIRST]),
            ("improved", points[format, IMPROVED]),
            (f"q{FIXED} for all", fixed),
        )
    ]
    improved = points[format, IMPROVED]
    ratio = improved.octets / fixed.octets
    beside = f"{title}: improved, to one quality for all with the same worst"
    return [
        *told,
        Row(f"{title}: improved, to q{FIXED} for all", f"{ratio:.2f}x", n),
        Row.judged(beside, improved.octets / octets_at(curve, improved.worst), "x", n, GOAL),
    ]


def octets_at(curve: Sequence[Point], worst: float) -> float:
    """What a fixed quality takes for a worst score, by the two points that it lies between.

    Outside the curve it is that of the nearest end.
    """
    rising = sorted(curve, key=lambda point: point.worst)
    for low, high in pairwise(rising):
        if low.worst <= worst <= high.worst and low.worst < high.worst:
            part = (worst - low.worst) / (high.worst - low.worst)
            return low.octets + part * (high.octets - low.octets)
    return float(rising[0].octets if worst < rising[0].worst else rising[-1].octets)


def _got(gateway: Ostiary, names: Sequence[str], rendition: str) -> list[bytes]:
    return [got(gateway.server, gateway.link(name, rendition))[0] for name in names]


def _exact(gateway: Ostiary, names: Sequence[str], rendition: str) -> list[bytes]:
    return [got(gateway.server, gateway.exact(name, rendition))[0] for name in names]


def _settled(gateway: Ostiary, answers: int) -> None:
    """Wait until every first answer has been looked at again; raises `TimeoutError`."""
    wait_until(lambda: counted(_IMPROVED, gateway.figures()) >= answers, _PATIENCE)


def _points(
    answers: Mapping[tuple[str, Way], Sequence[bytes]], photos: Sequence[bytes]
) -> dict[tuple[str, Way], Point]:
    pairs = [pair for bodies in answers.values() for pair in zip(bodies, photos, strict=True)]
    told = iter(scores(pairs))
    return {
        which: Point(sum(map(len, bodies)), min(next(told) for _ in bodies))
        for which, bodies in answers.items()
    }
