"""What the engine hands back: a finished rendition, or a source's description."""

from __future__ import annotations

from dataclasses import dataclass

from imaging.masters.masters import NO_MASTER, Master

ENGINE_VERSION = "3"
"""Part of every rendition's identity: goes up when the same request would give other bytes."""

MEDIA_TYPES = {
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "png": "image/png",
}
"""The media type of each format a rendition can have."""

FORMATS = {media_type: name for name, media_type in MEDIA_TYPES.items()}

LONGEST_PLACEHOLDER = 64
"""Octets that a placeholder has at most."""


_FIRST_EFFORTS = frozenset({"op", "m4", "s9"})


@dataclass(frozen=True, slots=True)
class Rendered:
    """One finished rendition; width and height in pixels, quality 0 where the format has none.

    `effort` says how hard the encoder tried ("m4", "s9") and in which way ("lossless", "greys16",
    "m2-moving"), so that a later and better pass over the same rendition is another representation.
    `placeholder` is a ThumbHash, empty unless this shows page one whole and as it is; `source` is
    the page's own upright size in pixels, 0 by 0 where it has none. A `master` came along with it.
    """

    body: bytes
    media_type: str
    width: int
    height: int
    quality: int
    effort: str
    placeholder: bytes = b""
    source: tuple[int, int] = (0, 0)
    master: Master = NO_MASTER

    def __post_init__(self) -> None:
        if self.media_type not in FORMATS or not self.body:
            raise ValueError("a rendition is a non-empty JPEG, WebP, AVIF or PNG")
        if len(self.placeholder) > LONGEST_PLACEHOLDER:
            raise ValueError("a placeholder is short")

    @property
    def fingerprint(self) -> str:
        """Format, quality and effort as text: the engine's share of the ETag (delivery.md)."""
        return f"{FORMATS[self.media_type]}-q{self.quality}-{self.effort}"

    @property
    def hasty(self) -> bool:
        """Whether it is a lossy still as made on demand: slower, it may come out better."""
        effort, _, way = self.effort.partition("-")
        return effort in _FIRST_EFFORTS and way != "moving"


SIZES = 1_000
"""The pages whose sizes a description tells: no more than the first so many."""

LARGEST_SIZE = 1e9
"""No page is so wide or so high, in whatever unit."""


@dataclass(frozen=True, slots=True)
class Description:
    """A source as its header tells it, upright: in pixels, a PDF's page one in points.

    `sizes` are those of a document's first pages, in points or pixels; 0 by 0 where there is none
    to tell. They are empty for a picture.
    """

    media_type: str
    width: int
    height: int
    pages: int
    sizes: tuple[tuple[float, float], ...] = ()
