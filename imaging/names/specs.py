"""Specs: what to make of a source, as exact and canonical text.

    exact = [ "p" N "-" ] SIZE [ "-c" AREA ] [ "-g" GRAVITY / "-win" WINDOW ]
            [ "-r" REDACTION ] [ "-m" MARK ] [ "-q" Q ] [ "-" ( FORMAT / "origin" ) ]
    SIZE  = "full" / "w" W / "h" H / "w" W "-h" H "-" FIT

N is 1…9999, W and H are 1…4096, Q is 1…100, FIT is cover, contain or fill, FORMAT is jpeg, webp,
avif or png; AREA (`areas`) is the part of the page that is fitted to SIZE, GRAVITY
(`gravity`) is for cover alone, WINDOW (`windows`) for DICOM alone and never
beside a gravity, REDACTION (`redactions`) has to be stored and MARK (`marking`)
to be declared. No number has a leading zero. A spec that is not its own canonical text is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from imaging.marking.marks import UNMARKED, Mark
from imaging.names.areas import ENTIRE, Area, parse_area
from imaging.names.gravity import CENTRE, Gravity, parse_gravity
from imaging.names.redactions import UNREDACTED, Redaction, parse_redaction
from imaging.names.windows import AS_STORED, Window, parse_window
from imaging.rendered import MEDIA_TYPES

FITS = ("cover", "contain", "fill")
LARGEST = 4096
ORIGIN = "origin"
"""The format that follows the source's own; `origin_format` tells which that is."""

_FORMAT = "|".join(MEDIA_TYPES)
_NUMBER = "[1-9][0-9]{0,3}"
_EXACT = re.compile(
    rf"(?:p(?P<page>{_NUMBER})-)?(?:full|(?=[wh])(?:w(?P<width>{_NUMBER}))?"
    rf"(?:(?:(?<=[0-9])-(?=h))?h(?P<height>{_NUMBER}))?(?:-(?P<fit>{'|'.join(FITS)}))?)"
    rf"(?:-c(?P<crop>[0-9_]+))?"
    rf"(?:-g(?P<gravity>[a-z0-9_]+)|-win(?P<window>[a-z0-9_]+))?"
    rf"(?:-r(?P<redaction>[a-z0-9_]+))?"
    rf"(?:-m(?P<mark>[a-z0-9]+))?"
    rf"(?:-q(?P<quality>[1-9][0-9]{{0,2}}))?(?:-(?P<format>{_FORMAT}|{ORIGIN}))?"
)


@dataclass(frozen=True, slots=True)
class Rendition:
    """What to make of a source: a page, a size in pixels, a quality, a format.

    0 and "" mean: page one, as the other side says (or, on both sides, the source's own size), by
    the format, automatic. `label` is the declared name (without its page) that this came from,
    when that is not the spec itself. `crop` is the part of the page that is fitted to the size.
    """

    page: int = 0
    width: int = 0
    height: int = 0
    fit: str = ""
    quality: int = 0
    format: str = ""
    label: str = ""
    gravity: Gravity = CENTRE
    window: Window = AS_STORED
    crop: Area = ENTIRE
    redaction: Redaction = UNREDACTED
    mark: Mark = UNMARKED

    def __post_init__(self) -> None:
        for noun, value, most in self._bounds():
            if not 0 <= value <= most:
                raise ValueError(f"{noun} must be 1 to {most}")
        if (self.fit in FITS) != bool(self.width and self.height) or self.fit not in ("", *FITS):
            raise ValueError("width and height together need a fit: cover, contain or fill")
        if self.gravity != CENTRE and self.fit != "cover":
            raise ValueError("gravity must come with cover, which alone crops")
        if self.gravity != CENTRE and self.window != AS_STORED:
            raise ValueError("gravity and a window must come in two renditions")
        if self.format not in ("", ORIGIN, *MEDIA_TYPES):
            raise ValueError("the format must be jpeg, webp, avif, png or origin")
        if self.quality and self.format == "png":
            raise ValueError("png has no quality")

    def _bounds(self) -> tuple[tuple[str, int, int], ...]:
        sides = (("width", self.width, LARGEST), ("height", self.height, LARGEST))
        return (*sides, ("page", self.page, 9999), ("quality", self.quality, 100))

    @property
    def name(self) -> str:
        """The canonical name, as it stands in a link."""
        return f"p{self.page}-{self.label}" if self.page and self.label else self.label or self.spec

    @property
    def spec(self) -> str:
        """The exact spec, whatever the name: what a cache key holds, for presets may change."""
        parts = (
            f"p{self.page}" if self.page else "",
            "full" if self.full else "",
            f"w{self.width}" if self.width else "",
            f"h{self.height}" if self.height else "",
            self.fit,
            f"c{self.crop.text}" if self.crop != ENTIRE else "",
            f"g{self.gravity.text}" if self.gravity != CENTRE else "",
            f"win{self.window.text}" if self.window != AS_STORED else "",
            f"r{self.redaction.text}" if self.redacts else "",
            f"m{self.mark.name}" if self.marked else "",
            f"q{self.quality}" if self.quality else "",
            self.format,
        )
        return "-".join(part for part in parts if part)

    @property
    def automatic(self) -> bool:
        """Whether the format is left to the request's Accept field."""
        return not self.format

    @property
    def full(self) -> bool:
        """Whether no size is asked for, so that the source's own is meant."""
        return not (self.width or self.height)

    @property
    def redacts(self) -> bool:
        """Whether something of the page is not to be seen."""
        return bool(self.redaction.name)

    @property
    def marked(self) -> bool:
        """Whether a mark is drawn over it."""
        return bool(self.mark.name)

    @property
    def identity(self) -> str:
        """The spec, what a redaction hides, and what a mark shows.

        Numbers of versions may come again in another state, and names of marks with another text:
        their copies must not.
        """
        hidden = f"#{self.redaction.digest}" if self.redacts else ""
        return self.spec + hidden + (f"@{self.mark.digest}" if self.marked else "")

    def with_format(self, format: str) -> Rendition:
        """The same in one format, without its quality where that format has none.

        A label stays a declared name only if it named no format yet.
        """
        quality = 0 if format == "png" else self.quality
        declared = self.label and self.automatic and quality == self.quality
        label = f"{self.label}-{format}" if declared else ""
        return replace(self, format=format, quality=quality, label=label)


def parse_spec(text: str) -> Rendition:
    """The rendition of an exact spec; ValueError says what is wrong with it."""
    found = _EXACT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:64]!r} is not like w640, h480, w160-h160-cover or w640-q50-webp")
    page, width, height, quality = (
        int(found[part] or 0) for part in ("page", "width", "height", "quality")
    )
    rendition = Rendition(
        page,
        width,
        height,
        found["fit"] or "",
        quality,
        found["format"] or "",
        gravity=parse_gravity(found["gravity"]) if found["gravity"] else CENTRE,
        window=parse_window(found["window"]) if found["window"] else AS_STORED,
        crop=parse_area(found["crop"]) if found["crop"] else ENTIRE,
        redaction=parse_redaction(found["redaction"]) if found["redaction"] else UNREDACTED,
        mark=Mark(found["mark"]) if found["mark"] else UNMARKED,
    )
    if rendition.spec != text:
        raise ValueError(f"{text[:64]!r} is spelled {rendition.spec!r}")
    return rendition
