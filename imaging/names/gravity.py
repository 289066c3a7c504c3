"""What a cropping rendition keeps of its source: a side, a corner, a point, or the liveliest part.

    gravity = KIND [ "_" OFFSET "_" OFFSET ]        across, then down
    OFFSET  = [ "m" ] NUMBER [ "px" ]               thousandths of the source's side, or pixels

KIND is no, so, ea, we, noea, nowe, soea, sowe, ce (the middle), sm (smart) or fp (focal point).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from imaging.limits import LONGEST_SIDE

KINDS = ("no", "so", "ea", "we", "noea", "nowe", "soea", "sowe", "ce", "sm", "fp")
WHOLE = 1000
"""The thousandths of a whole side."""

_TEXT = re.compile(
    r"(?P<kind>[a-z]{2,4})(?:_(?P<x>m?[0-9]{1,5}(?:px)?)_(?P<y>m?[0-9]{1,5}(?:px)?))?"
)


@dataclass(frozen=True, slots=True)
class Offset:
    """A way along one axis: in thousandths of the scaled source, or in pixels of the rendition."""

    amount: int = 0
    pixels: bool = False

    def __post_init__(self) -> None:
        if abs(self.amount) > (LONGEST_SIDE if self.pixels else WHOLE):
            raise ValueError(f"an offset is at most {WHOLE} thousandths or {LONGEST_SIDE} pixels")
        if self.pixels and not self.amount:
            raise ValueError("an offset of nothing is spelled 0")

    @property
    def text(self) -> str:
        """The one spelling, as it stands in a name."""
        sign, unit = "m" if self.amount < 0 else "", "px" if self.pixels else ""
        return f"{sign}{abs(self.amount)}{unit}"

    def of(self, side: float, scale: float) -> float:
        """The way in pixels of a source whose side is that long and that comes out scaled."""
        return self.amount / scale if self.pixels else side * self.amount / WHOLE


NOWHERE = Offset()


@dataclass(frozen=True, slots=True)
class Gravity:
    """Where the kept part lies, seen upright; offsets lead from a side or corner inwards.

    From the middle they lead right and down. Those of a focal point say where it is.
    """

    kind: str = "ce"
    x: Offset = NOWHERE
    y: Offset = NOWHERE

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a gravity is one of {', '.join(KINDS)}")
        if self.smart and (self.x, self.y) != (NOWHERE, NOWHERE):
            raise ValueError("smart gravity has no offsets")
        if self.focal and not all(_is_part(offset) for offset in (self.x, self.y)):
            raise ValueError(f"a focal point is 0 to {WHOLE} thousandths across and down")

    @property
    def smart(self) -> bool:
        """Whether the picture itself says where."""
        return self.kind == "sm"

    @property
    def focal(self) -> bool:
        """Whether the offsets are a point to be in the middle."""
        return self.kind == "fp"

    @property
    def text(self) -> str:
        """The one spelling, as it stands in a name."""
        if not self.focal and (self.x, self.y) == (NOWHERE, NOWHERE):
            return self.kind
        return f"{self.kind}_{self.x.text}_{self.y.text}"

    def start(
        self, source: tuple[float, float], shown: tuple[float, float], scale: float
    ) -> tuple[float, float]:
        """Left and top of the part shown, inside the source, which comes out scaled."""
        across = ("ea" in self.kind) - ("we" in self.kind)
        down = self.kind.startswith("so") - self.kind.startswith("no")
        return (
            self._along(source[0], shown[0], across, self.x.of(source[0], scale)),
            self._along(source[1], shown[1], down, self.y.of(source[1], scale)),
        )

    def _along(self, side: float, shown: float, pull: int, way: float) -> float:
        free = side - shown
        starts = {-1: way, 0: free / 2 + way, 1: free - way}
        start = way - shown / 2 if self.focal else starts[pull]
        return max(0.0, min(start, free))


CENTRE = Gravity()


def focal_point(x: float, y: float) -> Gravity:
    """The gravity of a point at those shares, 0 to 1, of width and height."""
    return Gravity("fp", Offset(round(x * WHOLE)), Offset(round(y * WHOLE)))


def parse_gravity(text: str) -> Gravity:
    """The gravity of a name's part; ValueError when there is none of that spelling."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:32]!r} is no gravity, such as no, soea_12px_0 or fp_500_200")
    if not found["x"]:
        return Gravity(found["kind"])
    return Gravity(found["kind"], _offset(found["x"]), _offset(found["y"]))


def _offset(text: str) -> Offset:
    number = int(text.removeprefix("m").removesuffix("px"))
    return Offset(-number if text.startswith("m") else number, text.endswith("px"))


def _is_part(offset: Offset) -> bool:
    return not offset.pixels and offset.amount >= 0
