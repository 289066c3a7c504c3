"""Cache policies: who may keep an answer, and for how long. `cdn.fields` writes them down.

Times are whole seconds. No policy at all means `NoStore`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self, TypeAlias

from cdn.tags import Tags

NEGATIVE = "a cache policy holds no negative times"


@dataclass(frozen=True, slots=True)
class NoStore:
    """Nobody keeps the answer."""


@dataclass(frozen=True, slots=True)
class Confidential:
    """Nobody keeps the answer, the viewer's browser neither, and each cache is told in its words.

    For an answer that is good, and made for one viewer or to be traced.
    """


@dataclass(frozen=True, slots=True)
class Private:
    """The viewer's own browser keeps the answer; with a `browser_ttl` of 0 it asks each time."""

    browser_ttl: int

    def __post_init__(self) -> None:
        if self.browser_ttl < 0:
            raise ValueError(NEGATIVE)


@dataclass(frozen=True, slots=True)
class Revalidate:
    """Everybody may keep the answer, nobody may use it without asking the origin first."""

    tags: Tags


class _Shared(NamedTuple):
    tags: Tags
    browser_ttl: int
    cdn_ttl: int
    stale_while_revalidate: int
    stale_if_error: int
    immutable: bool


class Shared(_Shared):
    """Shared caches keep the answer; they find it again by its tags, so it has some.

    `immutable` tells browsers that the URL never gets another body (RFC 8246).
    """

    # A tuple, since nearly every answer makes one: a frozen dataclass costs three times as much.
    __slots__ = ()

    def __new__(
        cls,
        tags: Tags,
        browser_ttl: int,
        cdn_ttl: int,
        stale_while_revalidate: int = 0,
        stale_if_error: int = 0,
        *,
        immutable: bool = False,
    ) -> Self:
        if browser_ttl < 0 or cdn_ttl < 0 or stale_while_revalidate < 0 or stale_if_error < 0:
            raise ValueError(NEGATIVE)
        times = browser_ttl, cdn_ttl, stale_while_revalidate, stale_if_error
        return super().__new__(cls, tags, *times, immutable)


CachePolicy: TypeAlias = NoStore | Confidential | Private | Revalidate | Shared
