"""How much of a source the engine is willing to look at."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one source; what passes one is `SourceTooLarge` with that bound's name.

    `scans` counts the SOS markers of a JPEG: a picture has ten at most, a bomb has hundreds and
    each costs a pass over all pixels.
    """

    octets: int = 64 * 1024 * 1024
    pixels: int = 50_000_000
    pages: int = 9_999
    scans: int = 64

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ValueError(f"limit {field.name} must be positive")


LONGEST_SIDE = 16_383
"""The longest side of anything made, in pixels: what WebP can hold."""
