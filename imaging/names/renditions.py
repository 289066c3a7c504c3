"""Rendition names: the ladder, declared presets, and exact specs, all canonical text.

    declared = [ "p" N "-" ] ( "w" RUNG / PRESET ) [ "-" FORMAT ] / "auto" / "linear" / "pN-text"

N and FORMAT, and exact names, are those of imaging/names/specs.py.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TypeAlias

from imaging.conversions import LINEAR, PDF, Conversion, find_conversion
from imaging.errors import UnknownRendition
from imaging.marking.marks import Mark
from imaging.media import DICOM, PAGED, PICTURES
from imaging.names.redactions import NoRedactions, Redaction, Redactions
from imaging.names.specs import FITS, LARGEST, ORIGIN, Rendition, parse_spec
from imaging.names.windows import AS_STORED
from imaging.rendered import MEDIA_TYPES

__all__ = [
    "AUTO",
    "FITS",
    "LADDER",
    "LARGEST",
    "ORIGIN",
    "Asked",
    "Auto",
    "Product",
    "Rendition",
    "Renditions",
    "parse_spec",
]

LADDER = (160, 320, 480, 640, 960, 1280, 1920, 2560)

_FORMAT = "|".join(MEDIA_TYPES)
_NUMBER = "[1-9][0-9]{0,3}"
_DECLARED = re.compile(rf"(?P<page>p{_NUMBER}-)?(?P<base>[a-z0-9_]+)(?:-(?P<format>{_FORMAT}))?")
_PRESET_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_RESERVED = re.compile(r"original|full|auto|linear|text|[wph][0-9]+")
_NO_REDACTIONS = NoRedactions()
_WHOLE = re.compile(rf"original|auto|linear|p{_NUMBER}-text")

Product: TypeAlias = Rendition | Conversion
"""Whatever the engine makes of a source."""

AUTO: Final = "auto"


@dataclass(frozen=True, slots=True)
class Auto:
    """The best first view of a document, whatever that is: chosen anew for each version of it."""

    @property
    def automatic(self) -> bool:
        """Whether Accept may decide: where a picture is chosen."""
        return True


Asked: TypeAlias = Product | Auto
"""What a name stands for."""


class Renditions:
    """The renditions this installation declares: the ladder and its presets.

    `redactions` tells what each hides, `marks` has each under its name. Raises ValueError at
    construction for a preset whose name or spec is not allowed.
    """

    def __init__(
        self,
        presets: Mapping[str, str] = MappingProxyType({}),
        redactions: Redactions = _NO_REDACTIONS,
        marks: Mapping[str, Mark] = MappingProxyType({}),
    ) -> None:
        self.ladder = LADDER
        self._marks = marks
        self._redactions = redactions
        self._declared = {f"w{width}": Rendition(width=width) for width in LADDER}
        for name, spec in presets.items():
            self._declared[name] = _preset(name, spec)

    def find(self, name: str) -> Asked:
        """What a declared name or an exact spec stands for; UnknownRendition else.

        A redaction comes with its boxes, and a mark with what it shows; one that is not known
        makes the name unknown.
        """
        if name == AUTO:
            return Auto()
        if product := find_conversion(name) or self._find_declared(name):
            return product
        try:
            return self._marked(self._redacted(parse_spec(name)))
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

    def _marked(self, rendition: Rendition) -> Rendition:
        if not rendition.marked:
            return rendition
        wanted = rendition.mark.name
        if wanted in self._marks:
            return replace(rendition, mark=self._marks[wanted])
        close = difflib.get_close_matches(wanted, self._marks, 1, 0.6)
        near = replace(rendition, mark=Mark(close[0])).name if close else ""
        raise UnknownRendition(rendition.name, near, reason="mark")

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
        whole = (AUTO, LINEAR, Conversion(1).name) if media_type == PDF else (AUTO,)
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
    if rendition.marked:
        raise ValueError(f"preset {name!r}: a mark is granted by an exact name alone, as x-{spec}")
    if rendition.page:
        raise ValueError(f"preset {name!r}: a preset has no page; links put it in front")
    if rendition.full or rendition.format == ORIGIN:
        raise ValueError(f"preset {name!r}: a preset has a size, and no format origin")
    return replace(rendition, label=name)
