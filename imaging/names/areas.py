"""Areas: a part of a page or a picture seen upright, in thousandths of its sides.

AREA = LEFT "_" TOP "_" RIGHT "_" BOTTOM            whole numbers, 0…1000, none with a leading 0
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WHOLE = 1000
"""The thousandths of a side."""

_SIDE = "(0|[1-9][0-9]{0,3})"
_TEXT = re.compile("_".join([_SIDE] * 4))


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle that is not empty: left before right, top above bottom."""

    left: int = 0
    top: int = 0
    right: int = WHOLE
    bottom: int = WHOLE

    def __post_init__(self) -> None:
        if not (0 <= self.left < self.right <= WHOLE and 0 <= self.top < self.bottom <= WHOLE):
            raise ValueError(
                f"an area must be left, top, right and bottom in 0 to {WHOLE} thousandths, "
                "left before right and top above bottom"
            )

    @property
    def text(self) -> str:
        """The one spelling, as it stands in a name."""
        return f"{self.left}_{self.top}_{self.right}_{self.bottom}"

    def nearest(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Its sides among whole pixels of a picture: areas that touch go on touching."""
        left, right = _nearest(self.left, self.right, size[0])
        top, bottom = _nearest(self.top, self.bottom, size[1])
        return left, top, right, bottom

    def covering(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """The pixels of a picture that it touches, however little."""
        width, height = size
        return (
            self.left * width // WHOLE,
            self.top * height // WHOLE,
            -(-self.right * width // WHOLE),
            -(-self.bottom * height // WHOLE),
        )


ENTIRE = Area()


def parse_area(text: str) -> Area:
    """The area of a text; ValueError when it is not the canonical one."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:32]!r} is no area, such as 0_0_500_250")
    return Area(*(int(side) for side in found.groups()))


def _nearest(first: int, last: int, side: int) -> tuple[int, int]:
    low = min(_rounded(first * side), side - 1)
    return low, max(_rounded(last * side), low + 1)


def _rounded(thousandths: int) -> int:
    return (2 * thousandths + WHOLE) // (2 * WHOLE)
