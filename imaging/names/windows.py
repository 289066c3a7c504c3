"""Windows: which stretch of a medical picture's values becomes black to white, by name.

    WINDOW = CENTRE "_" WIDTH          whole numbers; a minus is spelled "m": 40_400, m600_1500

CENTRE is −65536…65536, WIDTH 1…65536, in the units that the file's values have once they are
rescaled (Hounsfield units in CT). Only a DICOM file has any.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FURTHEST = 1 << 16
_WINDOW = re.compile(r"(m?)(0|[1-9][0-9]{0,4})_([1-9][0-9]{0,4})")


@dataclass(frozen=True, slots=True)
class Window:
    """A centre and a width; width 0 leaves the window to the file, as `AS_STORED` does."""

    centre: int = 0
    width: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.width <= _FURTHEST or abs(self.centre) > _FURTHEST:
            raise ValueError(f"a window's width must be 1 to {_FURTHEST}, its centre no further")
        if self.centre and not self.width:
            raise ValueError("a window must have a width")

    @property
    def text(self) -> str:
        """The canonical text, as it stands in a name behind "win"; empty for `AS_STORED`."""
        sign = "m" if self.centre < 0 else ""
        return f"{sign}{abs(self.centre)}_{self.width}" if self.width else ""


AS_STORED = Window()


def parse_window(text: str) -> Window:
    """The window of a text; ValueError when it is not the canonical one."""
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise ValueError("a window is like 40_400 or m600_1500")
    window = Window(int(found[1].replace("m", "-") + found[2]), int(found[3]))
    if window.text != text:
        raise ValueError(f"the window {text!r} is spelled {window.text!r}")
    return window
