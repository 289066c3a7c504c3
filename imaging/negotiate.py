"""Chooses a rendition's format: by the request's Accept field (RFC 9110 §12.5.1) or its source."""

from __future__ import annotations

import re
from typing import Literal

from imaging.media import HEIF
from imaging.rendered import FORMATS

Format = Literal["avif", "webp", "jpeg"]

_QVALUE = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\Z")
_PHOTO: tuple[Format, ...] = ("avif", "webp", "jpeg")
# On pages, text and alpha WebP's first answer is smaller and cheaper than AVIF's fast one.
_PAGE: tuple[Format, ...] = ("webp", "avif", "jpeg")
_OWN = {**FORMATS, "image/jp2": "jpeg", **dict.fromkeys(HEIF, "jpeg")}


def choose_format(accept: str, *, alpha_or_page: bool = False) -> Format:
    """The best format that the client names.

    A wildcard does not prove that AVIF or WebP can be shown, since every client sends one, so
    those two must be named; JPEG is also met by `image/*` and `*/*`. The client's weights come
    first, our preference breaks ties. What accepts nothing of ours gets JPEG (§12.5.1 allows
    it, and a 406 would help nobody).
    """
    weights = _weights(accept)
    order = _PAGE if alpha_or_page else _PHOTO
    offers = {name: weights.get(f"image/{name}", 0.0) for name in order}
    offers["jpeg"] = _jpeg(weights)
    best = max(order, key=lambda name: offers[name])  # max() keeps the first of equals
    return best if offers[best] > 0 else "jpeg"


def origin_format(media_type: str) -> str:
    """The format that stands for a source's own; "origin" is asked for by what can show no other.

    What browsers show stays what it is. JPEG 2000 and HEIF hold photographs, so JPEG. All else,
    bitmaps, scans and pages, becomes PNG: it keeps strokes sharp and everything can read it.
    """
    return _OWN.get(media_type, "png")


def _jpeg(weights: dict[str, float]) -> float:
    """JPEG's weight by the most specific range that covers it; with no field all are welcome."""
    for media_range in ("image/jpeg", "image/*", "*/*"):
        if media_range in weights:
            return weights[media_range]
    return 0.0 if weights else 1.0


def _weights(accept: str) -> dict[str, float]:
    """Media range → weight; a member with a malformed weight is left out."""
    weights: dict[str, float] = {}
    for member in accept.split(","):
        media_range, *parameters = [part.strip().lower() for part in member.split(";")]
        weight = next((p[2:].strip() for p in parameters if p.startswith("q=")), "1")
        if "/" in media_range and _QVALUE.match(weight):
            weights[media_range] = max(float(weight), weights.get(media_range, 0.0))
    return weights
