"""A zone as signing sees it: a name, the times of its links, the form of its addresses."""

from __future__ import annotations

from dataclasses import dataclass

from signing.errors import BadZone
from signing.grammar import ZONE


@dataclass(frozen=True, slots=True)
class SignedZone:
    """A zone's name, its window and longest life in seconds, and whether it issues sealed links."""

    name: str
    window: int = 900
    longest_life: int = 86_400
    sealed: bool = False

    def __post_init__(self) -> None:
        if not ZONE.fullmatch(self.name):
            raise BadZone("a zone's name is 1 to 32 characters of a-z, 0-9 and -")
        if not 1 <= self.window <= self.longest_life:
            raise BadZone("a zone's window is at least a second and at most its longest life")
