"""Cache policies: who may keep an answer, and for how long. `cdn.fields` writes them down.

Times are whole seconds. No policy at all means `NoStore`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from cdn.tags import Tags


def _refuse_negative(*seconds: int) -> None:
    if min(seconds) < 0:
        raise ValueError("a cache policy holds no negative times")


@dataclass(frozen=True, slots=True)
class NoStore:
    """Nobody keeps the answer."""


@dataclass(frozen=True, slots=True)
class Private:
    """The viewer's own browser keeps the answer; with a `browser_ttl` of 0 it asks each time."""

    browser_ttl: int

    def __post_init__(self) -> None:
        _refuse_negative(self.browser_ttl)


@dataclass(frozen=True, slots=True)
class Revalidate:
    """Everybody may keep the answer, nobody may use it without asking the origin first."""

    tags: Tags


@dataclass(frozen=True, slots=True)
class Shared:
    """Shared caches keep the answer; they find it again by its tags, so it has some.

    `immutable` tells browsers that the URL never gets another body (RFC 8246).
    """

    tags: Tags
    browser_ttl: int
    cdn_ttl: int
    stale_while_revalidate: int = 0
    stale_if_error: int = 0
    immutable: bool = False

    def __post_init__(self) -> None:
        _refuse_negative(
            self.browser_ttl, self.cdn_ttl, self.stale_while_revalidate, self.stale_if_error
        )


CachePolicy: TypeAlias = NoStore | Private | Revalidate | Shared
