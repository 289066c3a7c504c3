"""Marks: what is drawn over every copy of a picture, a line of text or an image.

    MARK = [a-z][a-z0-9]{0,15}          a declared mark, by name, in an exact rendition's

A text may say `{viewer}` and `{date}`, which are filled in for each request.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Literal, TypeAlias, cast, get_args

from imaging.marking.lettering import REPERTOIRE
from imaging.marking.viewers import SHOWN, Viewer

Place: TypeAlias = Literal["tiled", "centre", "corner"]
PLACES: tuple[Place, ...] = get_args(Place)

NAME = "[a-z][a-z0-9]{0,15}"
LONGEST_TEXT = 80
LEAST = 0.05
"""The least opacity and size: below them nobody would see it."""

_FIELD = re.compile(r"\{(viewer|date)\}")
# Two viewers' names in place of their fields, or three with little beside them.
_LONGEST_FILLED = LONGEST_TEXT + 2 * SHOWN
_LONGEST = {"viewer": "m" * SHOWN, "date": "2000-01-01"}
_NO_FIELDS = str.maketrans("{}", "()")


def check_text(text: str, longest: int = LONGEST_TEXT) -> None:
    """ValueError says why a text can not be drawn, or not be understood."""
    if len(text) > longest:
        raise ValueError(f"a mark's text has at most {longest} characters")
    if lacking := sorted(set(text) - REPERTOIRE):
        named = " ".join(f"U+{ord(one):04X}" for one in lacking[:8])
        raise ValueError(f"the font of marks has no letters for {named}")
    if text and not text.strip():
        raise ValueError("a mark's text is nothing but spaces")
    if set("{}") & set(_FIELD.sub("", text)):
        raise ValueError("a mark's text has braces only around viewer and date")
    if len(_FIELD.sub(lambda found: _LONGEST[found[1]], text)) > _LONGEST_FILLED:
        raise ValueError("a mark's text names viewer and date too often")


@dataclass(frozen=True, slots=True)
class Mark:
    """A declared mark: its text or the file of its image (`logos`), and how it is drawn.

    `opacity` and `size`, the share of the picture's width that it takes up, are 0.05 to 1.
    `personal` says that the text names a viewer. With a name alone it is one that still has to
    be looked up; without a name it is no mark. `digest` tells its content from any other's.
    """

    name: str = ""
    text: str = ""
    image: bytes = field(default=b"", repr=False)
    opacity: float = 0.25
    place: Place = "tiled"
    size: float = 0.35
    personal: bool = False
    digest: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.name and not re.fullmatch(NAME, self.name):
            raise ValueError("a mark's name is a letter and up to 15 of a-z and 0-9")
        if self.text and self.image:
            raise ValueError("a mark is a text or an image, not both")
        if not (LEAST <= self.opacity <= 1 and LEAST <= self.size <= 1):
            raise ValueError(f"opacity and size must be {LEAST} to 1")
        if self.place not in PLACES:
            raise ValueError("the place must be tiled, centre or corner")
        check_text(self.text, _LONGEST_FILLED)
        object.__setattr__(self, "digest", self._digest())

    def _digest(self) -> str:
        image = sha256(self.image).hexdigest()
        drawn = (self.text, image, self.opacity, self.place, self.size)
        return sha256(json.dumps(drawn).encode()).hexdigest()[:22]

    @property
    def undrawn(self) -> bool:
        """Whether there is nothing in it that could be drawn."""
        return not (self.text or self.image)

    @property
    def names_viewer(self) -> bool:
        """Whether its text waits for a viewer."""
        return "{viewer}" in self.text

    @property
    def open(self) -> bool:
        """Whether its text has fields to be filled."""
        return _FIELD.search(self.text) is not None

    @property
    def drawable(self) -> bool:
        """Whether it can be drawn as it is."""
        return not (self.undrawn or self.open)

    def filled(self, viewer: Viewer, date: str) -> Mark:
        """The mark with its fields filled in. ValueError when nobody is known to be named."""
        if not self.open:
            return self
        if self.names_viewer and not viewer.known:
            raise ValueError("a mark names a viewer, and nobody is known")
        values = {"viewer": viewer.shown.translate(_NO_FIELDS), "date": date}
        text = _FIELD.sub(lambda found: values[found[1]], self.text)
        return replace(self, text=text, personal=self.personal or self.names_viewer)

    def told(self) -> dict[str, object]:
        """All that it takes to draw it, as JSON can tell it."""
        image = b64encode(self.image).decode()
        shape = {"opacity": self.opacity, "place": self.place, "size": self.size}
        return {"text": self.text, "image": image, **shape}


UNMARKED = Mark()


def mark_of(name: str, told: Mapping[str, object]) -> Mark:
    """The mark that was told so. ValueError for anything else."""
    match told:
        case {
            "text": str(text),
            "image": str(image),
            "opacity": int() | float() as opacity,
            "size": int() | float() as size,
            "place": str(place),
        }:
            logo = b64decode(image, validate=True)
            return Mark(name, text, logo, opacity, cast(Place, place), size)
        case _:
            raise ValueError("a mark has a text, an image, an opacity, a place and a size")
