"""Rendition names: the ladder, declared presets, and exact specs, all canonical text.

    declared = [ "p" N "-" ] ( "w" RUNG / PRESET ) [ "-" FORMAT ] / "auto" / "linear" / "pN-text"
    exact    = [ "p" N "-" ] SIZE [ "-c" AREA ] [ "-g" GRAVITY / "-win" WINDOW ]
               [ "-r" REDACTION ] [ "-q" Q ] [ "-" ( FORMAT / "origin" ) ]
    SIZE     = "full" / "w" W / "h" H / "w" W "-h" H "-" FIT

N is 1…9999, W and H are 1…4096, Q is 1…100, FIT is cover, contain or fill, FORMAT is jpeg, webp,
avif or png; AREA (imaging/areas.py) is the part of the page that is fitted to SIZE, GRAVITY
(imaging/gravity.py) is for cover alone, WINDOW (imaging/windows.py) for DICOM alone and never
beside a gravity, REDACTION (imaging/redactions.py) has to be stored. No number has a leading zero.
A name that is not its own canonical text is refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias

from imaging.areas import ENTIRE, Area, parse_area
from imaging.conversions import LINEAR, PDF, Conversion, find_conversion
from imaging.errors import UnknownRendition
from imaging.gravity import CENTRE, Gravity, parse_gravity
from imaging.media import DICOM, PAGED, PICTURES
from imaging.redactions import (
    UNREDACTED,
    NoRedactions,
    Redaction,
    Redactions,
    parse_redaction,
)
from imaging.rendered import MEDIA_TYPES
from imaging.windows import AS_STORED, Window, parse_window

LADDER = (160, 320, 480, 640, 960, 1280, 1920, 2560)
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
    rf"(?:-q(?P<quality>[1-9][0-9]{{0,2}}))?(?:-(?P<format>{_FORMAT}|{ORIGIN}))?"
)
_DECLARED = re.compile(rf"(?P<page>p{_NUMBER}-)?(?P<base>[a-z0-9_]+)(?:-(?P<format>{_FORMAT}))?")
_PRESET_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_RESERVED = re.compile(r"original|full|auto|linear|text|[wph][0-9]+")
_NO_REDACTIONS = NoRedactions()
_WHOLE = re.compile(rf"original|auto|linear|p{_NUMBER}-text")


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
    def identity(self) -> str:
        """The spec, and what a redaction hides: numbers of versions may come again in another
        state, their copies must not.
        """
        return f"{self.spec}#{self.redaction.digest}" if self.redacts else self.spec

    def with_format(self, format: str) -> Rendition:
        """The same in one format, without its quality where that format has none.

        A label stays a declared name only if it named no format yet.
        """
        quality = 0 if format == "png" else self.quality
        declared = self.label and self.automatic and quality == self.quality
        label = f"{self.label}-{format}" if declared else ""
        return replace(self, format=format, quality=quality, label=label)


Product: TypeAlias = Rendition | Conversion
"""Whatever the engine makes of a source."""


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
    )
    if rendition.spec != text:
        raise ValueError(f"{text[:64]!r} is spelled {rendition.spec!r}")
    return rendition


class Renditions:
    """The renditions this installation declares: the ladder and its presets.

    `redactions` tells what each hides. Raises ValueError at construction for a preset whose name
    or spec is not allowed.
    """

    def __init__(
        self,
        presets: Mapping[str, str] = MappingProxyType({}),
        redactions: Redactions = _NO_REDACTIONS,
    ) -> None:
        self.ladder = LADDER
        self._redactions = redactions
        self._declared = {f"w{width}": Rendition(width=width) for width in LADDER}
        for name, spec in presets.items():
            self._declared[name] = _preset(name, spec)

    def find(self, name: str) -> Product:
        """What a declared name or an exact spec stands for; UnknownRendition else.

        A redaction comes with its boxes; one that is not stored makes the name unknown.
        """
        if product := find_conversion(name) or self._find_declared(name):
            return product
        try:
            return self._redacted(parse_spec(name))
        except ValueError:
            reason = "not-made" if _WHOLE.fullmatch(name) else "unknown"
            raise UnknownRendition(name, self.nearest(name), reason=reason) from None

    def _redacted(self, rendition: Rendition) -> Rendition:
        if not rendition.redacts:
            return rendition
        known, wanted = self._redactions, rendition.redaction
        boxes = known.boxes(wanted.name, wanted.version)
        if boxes:
            return replace(rendition, redaction=replace(wanted, boxes=boxes))
        newest = known.newest(wanted.name)
        near = replace(rendition, redaction=Redaction(wanted.name, newest)) if newest else None
        raise UnknownRendition(rendition.name, near.name if near else "", reason="redaction")

    def declared(self, name: str) -> bool:
        """Whether grants for declared renditions reach the name (design: links.md, grant)."""
        if _WHOLE.fullmatch(name):
            return name != "original"
        return self._find_declared(name) is not None

    def carries_original(self, name: str) -> bool:
        """Whether the name may give the original's whole content, which `p` grants do not."""
        return _WHOLE.fullmatch(name) is not None

    def nearest(self, name: str) -> str:
        """The declared name closest to one that is not, or ""; widths go to the next rung up."""
        page, base = _paged(name)
        if found := re.fullmatch(rf"w([0-9]{{1,9}})(-(?:{_FORMAT}))?", base):
            rung = next((rung for rung in LADDER if rung >= int(found[1])), LADDER[-1])
            return f"{page}w{rung}{found[2] or ''}"
        close = difflib.get_close_matches(base[:64], list(self._all_names()), 1, 0.6)
        return page + close[0] if close else ""

    def names(self, media_type: str) -> tuple[str, ...]:
        """Declared names that make sense for a media type, without formats; page one of pages."""
        if media_type not in PAGED | PICTURES:
            return ()
        page = "p1-" if media_type in PAGED else ""
        pictures = tuple(
            page + base
            for base, rendition in self._declared.items()
            if rendition.window == AS_STORED or media_type == DICOM
        )
        whole = (LINEAR, Conversion(1).name) if media_type == PDF else ()
        return (*pictures, *whole)

    def _find_declared(self, name: str) -> Rendition | None:
        found = _DECLARED.fullmatch(name)
        base = self._declared.get(found["base"]) if found else None
        if found is None or base is None:
            return None
        page = int(found["page"][1:-1]) if found["page"] else 0
        if not found["format"]:
            return replace(base, page=page)
        if not base.automatic or (base.quality and found["format"] == "png"):
            return None
        return replace(base, page=page).with_format(found["format"])

    def _all_names(self) -> list[str]:
        plain = list(self._declared)
        formats = [f"{base}-{name}" for base in plain for name in MEDIA_TYPES]
        return [*plain, *(name for name in formats if self._find_declared(name))]


def _paged(name: str) -> tuple[str, str]:
    found = re.match(rf"p{_NUMBER}-", name)
    return (found[0], name[found.end() :]) if found else ("", name)


def _preset(name: str, spec: str) -> Rendition:
    if not _PRESET_NAME.fullmatch(name) or _RESERVED.fullmatch(name):
        raise ValueError(
            f"preset {name[:64]!r}: a name is a-z, 0-9 and _, begins with a letter, has at most 32 "
            "characters, and is not original, full, auto, linear, text or one of w, h and p with "
            "digits behind"
        )
    try:
        rendition = parse_spec(spec)
    except ValueError as error:
        raise ValueError(f"preset {name!r}: {error}") from None
    if rendition.redacts:
        raise ValueError(f"preset {name!r}: a redaction is granted by its exact name alone")
    if rendition.page:
        raise ValueError(f"preset {name!r}: a preset has no page; links put it in front")
    if rendition.full or rendition.format == ORIGIN:
        raise ValueError(f"preset {name!r}: a preset has a size, and no format origin")
    return replace(rendition, label=name)
