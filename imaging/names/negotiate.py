"""Chooses a rendition's format: by the request's Accept field (RFC 9110 §12.5.1) or its source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from imaging.media import HEIF
from imaging.rendered import FORMATS

Format = Literal["avif", "webp", "jpeg"]

_QVALUE = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\Z")
_PHOTO: tuple[Format, ...] = ("avif", "webp", "jpeg")
# On pages, text and alpha WebP's first answer is smaller and cheaper than AVIF's fast one.
_PAGE: tuple[Format, ...] = ("webp", "avif", "jpeg")
_TO_BE_NAMED = frozenset({"image/avif", "image/webp"})
BY_ALL = frozenset({"image/jpeg", "image/png", "image/gif"})
"""The types of pictures that every browser shows."""

_SHOWN = _TO_BE_NAMED | BY_ALL
_OWN = {**FORMATS, "image/jp2": "jpeg", **dict.fromkeys(HEIF, "jpeg")}


def choose_format(accept: str, *, alpha_or_page: bool = False) -> Format:
    """The best format that the client names: the first of `accepted_formats`."""
    return accepted_formats(accept, alpha_or_page=alpha_or_page)[0]


def accepted_formats(accept: str, *, alpha_or_page: bool = False) -> tuple[Format, ...]:
    """The formats that the client takes, the best one first; at least one.

    A wildcard does not prove that AVIF or WebP can be shown, since every client sends one, so
    those two must be named; JPEG is also met by `image/*` and `*/*`. The client's weights come
    first, our preference breaks ties. What accepts nothing of ours gets JPEG (§12.5.1 allows
    it, and a 406 would help nobody).
    """
    weights = _weights(accept)
    order = _PAGE if alpha_or_page else _PHOTO
    offers = {name: _weight(weights, f"image/{name}") for name in order}
    taken: list[Format] = [name for name in order if offers[name] > 0]
    taken.sort(key=lambda name: -offers[name])  # equals stay in our order
    return tuple(taken) or ("jpeg",)


def shows(accept: str, media_type: str) -> bool:
    """Whether the client shows a picture of that type as it is: what every browser can, or names.

    HEIC and TIFF are shown by one browser alone, so by none.
    """
    return media_type in _SHOWN and _weight(_weights(accept), media_type) > 0


def origin_format(media_type: str) -> str:
    """The format that stands for a source's own; "origin" is asked for by what can show no other.

    What browsers show stays what it is. JPEG 2000 and HEIF hold photographs, so JPEG. All else,
    bitmaps, scans and pages, becomes PNG: it keeps strokes sharp and everything can read it.
    """
    return _OWN.get(media_type, "png")


def _weight(weights: Mapping[str, float], media_type: str) -> float:
    """A type's weight by the most specific range that covers it; with no field all are welcome."""
    if media_type in _TO_BE_NAMED:
        return weights.get(media_type, 0.0)
    for media_range in (media_type, "image/*", "*/*"):
        if media_range in weights:
            return weights[media_range]
    return 0.0 if weights else 1.0


@lru_cache(maxsize=256)
def _weights(accept: str) -> Mapping[str, float]:
    """Media range → weight; a member with a malformed weight is left out."""
    weights: dict[str, float] = {}
    for member in accept.split(","):
        media_range, *parameters = [part.strip().lower() for part in member.split(";")]
        weight = next((p[2:].strip() for p in parameters if p.startswith("q=")), "1")
        if "/" in media_range and _QVALUE.match(weight):
            weights[media_range] = max(float(weight), weights.get(media_range, 0.0))
    return weights
