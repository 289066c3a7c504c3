"""Viewers: who looks at a picture, as a mark may name them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from imaging.marking.lettering import legible

LONGEST_ID, LONGEST_NAME = 255, 100
SHOWN = 64
"""No mark tells more characters of a viewer than these."""

# Joiners are part of names in Persian and Indic scripts; all else that shows nothing hides
# something, or turns the direction of what is written.
_JOINERS = "\u200c\u200d"


def _hidden(character: str) -> bool:
    return unicodedata.category(character)[0] == "C" and character not in _JOINERS


@dataclass(frozen=True, slots=True)
class Viewer:
    """A viewer's id in printable ASCII, and the name that people know; empty for none.

    Raises ValueError for what is too long or holds control characters.
    """

    id: str
    name: str = ""

    def __post_init__(self) -> None:
        if len(self.id) > LONGEST_ID or not (self.id.isascii() and self.id.isprintable()):
            raise ValueError(f"a viewer's id must be at most {LONGEST_ID} of printable ASCII")
        if len(self.name) > LONGEST_NAME or any(map(_hidden, self.name)):
            raise ValueError(
                f"a viewer's name must be at most {LONGEST_NAME} characters, none a control"
            )
        if self.id.strip() != self.id or (self.name and not self.id):
            raise ValueError("a viewer must have an id, without spaces around it")

    @property
    def known(self) -> bool:
        """Whether somebody said who it is."""
        return bool(self.id)

    @property
    def shown(self) -> str:
        """The name in letters that can be drawn, the id where there is no such name."""
        return (legible(self.name) or self.id)[:SHOWN].strip()


NOBODY = Viewer("")
"""Nobody said who looks."""
