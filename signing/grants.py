"""What a link grants: a disposition, and which renditions of its family."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from signing.errors import Unsignable
from signing.grammar import GRANT, RENDITION, WHOLE

Disposition = Literal["inline", "download"]
Covers = Literal["all", "original", "previews", "exact"]

ORIGINAL: Final = "original"
FIRST_PREVIEW: Final = "w640-webp"

_DISPOSITIONS: Final[dict[str, Disposition]] = {"i": "inline", "d": "download"}
_COVERS: Final[dict[str, Covers]] = {"a": "all", "o": "original", "p": "previews"}
_LETTERS: Final[dict[str, str]] = {"all": "a", "original": "o", "previews": "p", "exact": "x-"}


@dataclass(frozen=True, slots=True)
class Grant:
    """A disposition and a family: all, the original only, previews only, or one exact name.

    `name` is the rendition of an exact grant and empty for the others. An exact grant of the
    original is spelt `original`; no second spelling exists.
    """

    disposition: Disposition
    covers: Covers
    name: str = ""

    def __post_init__(self) -> None:
        if self.disposition not in _DISPOSITIONS.values() or self.covers not in _LETTERS:
            raise Unsignable("grant")
        exact = RENDITION.fullmatch(self.name) is not None and self.name != ORIGINAL
        if exact is not (self.covers == "exact") or (self.name and not exact):
            raise Unsignable("grant")

    @classmethod
    def parse(cls, text: str) -> Grant:
        """Read a grant as it stands in a link; raises `Unsignable` for any other text."""
        return _parse(text)

    @property
    def text(self) -> str:
        """The grant as it stands in a link: `ia`, `do`, `ip`, `ix-w640`."""
        return self.disposition[0] + _LETTERS[self.covers] + self.name

    @property
    def first(self) -> str:
        """The rendition that a new link of this grant shows."""
        return self.name or (FIRST_PREVIEW if self.covers == "previews" else ORIGINAL)

    @property
    def single(self) -> bool:
        """Whether it is for exactly one rendition."""
        return self.covers in ("original", "exact")

    @property
    def shared_class(self) -> Literal["w", "r"]:
        """The class of shared cache entries: `w` may hold the whole original, `r` never does.

        An exact grant is `w` where its one rendition carries the original.
        """
        whole = self.covers in ("all", "original") or WHOLE.fullmatch(self.name)
        return "w" if whole else "r"

    def allows(self, rendition: str, *, declared: bool, carries_original: bool) -> bool:
        """Tell whether the link shows this rendition.

        `declared`: the name is one of the installation's; `carries_original`: its bytes hold the
        whole original, as a linearised copy or the pages' text does.
        """
        if self.covers == "exact":
            return rendition == self.name
        if rendition == ORIGINAL:
            return self.covers != "previews"
        if self.covers == "previews":
            return declared and not carries_original
        return self.covers == "all" and declared


@lru_cache(maxsize=256)
def _parse(text: str) -> Grant:
    if not GRANT.fullmatch(text):
        raise Unsignable("grant")
    disposition = _DISPOSITIONS[text[0]]
    if text[1] == "x":
        return Grant(disposition, "exact", text[3:])
    return Grant(disposition, _COVERS[text[1]])
