"""Limits: how much providers and engines take of what is written for them."""

from __future__ import annotations

from typing import Final

LONGEST_EXPRESSION: Final = 16_384
"""Octets of an expression; PCRE takes what compiles into 64 KiB, at least two for each of these."""


class TooLarge(ValueError):
    """What would be written is larger than its edge takes; both are in octets."""

    def __init__(self, what: str, size: int, most: int) -> None:
        super().__init__(f"{what} would have {size:,} octets, and may have {most:,}")
        self.size = size
        self.most = most


def within(what: str, text: str, most: int) -> str:
    """The text, if it is no larger. Raises TooLarge."""
    size = len(text.encode())
    if size > most:
        raise TooLarge(what, size, most)
    return text
