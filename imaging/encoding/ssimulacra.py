"""SSIMULACRA2: how far a picture differs from another to the eye, from 100 (not at all) downwards.

About 90 nobody sees a difference, 70 is high quality, 50 medium. The measure is Jon Sneyers'
(github.com/cloudinary/ssimulacra2): structure, new edges and lost ones are compared in the XYB
colours of JPEG XL at halved and halved sizes, and summed with weights fitted to what people said.
Weights too small to move a score by a tenth are left out here. It takes numpy, and memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Plane: TypeAlias = npt.NDArray[np.float64]

SMALLEST = 113
"""The shortest side that is compared: what is smaller lacks a halving, and scores too well."""

_X, _Y, _B = range(3)
# By colour and halving: weights of the mean and of the fourth norm of structure, new edges and
# lost edges.
_WEIGHTS = {
    (_X, 1): (0.0, 0.0, 0.0, 1.104173, 0.0, 0.0),
    (_X, 2): (0.0, 0.0, 0.0, 1.842246, 11.44117, 0.0),
    (_X, 3): (0.0, 0.0, 0.0, 1.878759, 10.94907, 0.0),
    (_X, 4): (0.0, 0.9677937, 0.0, 0.0, 0.9981767, 0.0),
    (_Y, 0): (0.0, 0.0, 0.0, 7.46689, 0.0, 17.44583),
    (_Y, 1): (0.0, 0.0, 0.0, 6.683678, 0.0, 1.02789),
    (_Y, 2): (225.2052, 0.0, 0.0, 19.21324, 0.0, 0.0),
    (_Y, 3): (176.3932, 0.0, 0.0, 24.43301, 0.285208, 0.0),
    (_Y, 4): (0.0, 0.0, 0.0, 34.77906, 44.83563, 0.0),
    (_B, 3): (0.0, 0.0, 0.0, 8.826983, 23.19243, 0.0),
    (_B, 4): (95.10805, 0.9863978, 0.9834383, 0.0, 171.2667, 0.9807859),
}
_HALVINGS = 5

# Octets as light, and light as the three receptors of the eye take it (XYB of JPEG XL).
_CURVE = np.arange(256) / 255
_LIGHT = np.where(_CURVE <= 0.04045, _CURVE / 12.92, ((_CURVE + 0.055) / 1.055) ** 2.4)
_RECEPTORS = (
    (0.30, 0.622, 0.078),
    (0.23, 0.692, 0.078),
    (0.24342268924547819, 0.20476744424496821, 0.55180986630955360),
)
_BIAS = 0.0037930732552754493
_SIGMA, _RADIUS = 1.5, 5
_C2 = 0.0009


class _Seen(NamedTuple):
    """One colour at one size, with the mean and the mean square about each pixel."""

    plane: Plane
    mean: Plane
    square: Plane


class Reference:
    """A picture to compare others with; what that takes of it is worked out once.

    Its sides are at least `SMALLEST`, else ValueError. It is compared as RGB: alpha is to be laid
    on something. With sides of 225 pixels and more its scores are those of the first
    implementation, which weighs the halvings of smaller ones otherwise.
    """

    def __init__(self, image: Image.Image) -> None:
        if min(image.size) < SMALLEST:
            raise ValueError("a picture so small can not be compared")
        self._size = image.size
        self._seen = {place: _looked_at(plane) for place, plane in _planes(image)}

    def score(self, image: Image.Image) -> float:
        """How near a picture of the same size is, at most 100; it may be negative."""
        if image.size != self._size:
            raise ValueError("pictures of two sizes can not be compared")
        total = 0.0
        for place, plane in _planes(image):
            total += float(np.dot(_WEIGHTS[place], _norms(self._seen[place], plane)))
        return _score(total)


def _score(total: float) -> float:
    """The weighted sum on the scale of the people who were asked."""
    sum = total * 0.9562382616834844
    bent = 2.326765642916932 * sum - 0.020884521182843837 * sum**2 + 6.248496625763138e-05 * sum**3
    return float(100.0 - 10.0 * bent**0.6276336467831387) if bent > 0 else 100.0


def _planes(image: Image.Image) -> Iterator[tuple[tuple[int, int], Plane]]:
    """Each colour at each size that has a weight; light is what is halved, not its perception."""
    light = _LIGHT[np.asarray(image.convert("RGB"))].transpose(2, 0, 1)
    for halving in range(_HALVINGS):
        received = _received(light)
        for colour in (_X, _Y, _B):
            if (colour, halving) in _WEIGHTS:
                yield (colour, halving), _colour(received, colour)
        light = _halved(light)


def _received(light: Plane) -> Plane:
    mixed = np.einsum("rc,chw->rhw", np.array(_RECEPTORS), light) + _BIAS
    return np.asarray(np.cbrt(mixed) - np.cbrt(_BIAS))


def _colour(received: Plane, colour: int) -> Plane:
    """Opponent colours, moved so that none is negative."""
    long, middle, short = received
    luma = (long + middle) / 2
    if colour == _X:
        return np.asarray((long - middle) * 7 + 0.42)
    return np.asarray(luma + 0.01 if colour == _Y else short - luma + 0.55)


def _halved(light: Plane) -> Plane:
    """Pixels two by two; a last odd one counts for its neighbour too."""
    _, height, width = light.shape
    even = np.pad(light, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    rows = even[:, ::2] + even[:, 1::2]
    return np.asarray((rows[:, :, ::2] + rows[:, :, 1::2]) / 4)


def _looked_at(plane: Plane) -> _Seen:
    return _Seen(plane, _blurred(plane), _blurred(plane * plane))


def _norms(seen: _Seen, plane: Plane) -> Plane:
    """Structure, new edges and lost ones: the means of all three, then the fourth norms."""
    other = _looked_at(plane)
    across = _blurred(seen.plane * plane) - seen.mean * other.mean
    spread = (seen.square - seen.mean**2) + (other.square - other.mean**2)
    alike = (1 - (seen.mean - other.mean) ** 2) * (2 * across + _C2) / (spread + _C2)
    edges = (1 + abs(plane - other.mean)) / (1 + abs(seen.plane - seen.mean)) - 1
    maps = [np.maximum(found, 0) for found in (1 - alike, edges, -edges)]
    return np.array(
        [found.mean() for found in maps] + [(found**4).mean() ** 0.25 for found in maps]
    )


def _blurred(plane: Plane) -> Plane:
    height, width = plane.shape
    return np.asarray(_blur(height) @ plane @ _blur(width))


@lru_cache(maxsize=16)
def _blur(side: int) -> Plane:
    """A Gaussian as a matrix; nothing lies beyond the picture's edge."""
    steps = np.subtract.outer(np.arange(side), np.arange(side))
    kernel = np.exp(-(np.arange(-_RADIUS, _RADIUS + 1) ** 2) / (2 * _SIGMA**2))
    bell = np.exp(-(steps**2) / (2 * _SIGMA**2)) / kernel.sum()
    return np.asarray(np.where(abs(steps) <= _RADIUS, bell, 0))
