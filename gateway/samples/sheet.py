"""A sheet of paper that text, tables and forms are set on, line after line, as pixels."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import cache
from random import Random

from PIL import Image, ImageDraw, ImageFont

A4 = (1654, 2339)
"""A4 at 200 dots per inch."""

DPI = 200
_MARGIN = 170
_BODY = 34
_INK = 25
_ACCENT = 95


class Sheet:
    """One page in greys; `y` is where the next line goes."""

    def __init__(self) -> None:
        self.image = Image.new("L", A4, 255)
        self.draw = ImageDraw.Draw(self.image)
        self.y = 130.0

    def letterhead(self, name: str, lines: Sequence[str]) -> None:
        """A round mark, the house's name, and its address at the right edge."""
        self.draw.ellipse((_MARGIN, self.y, _MARGIN + 96, self.y + 96), fill=_ACCENT)
        self.draw.rectangle((_MARGIN + 42, self.y + 20, _MARGIN + 54, self.y + 76), fill=255)
        self.draw.rectangle((_MARGIN + 20, self.y + 42, _MARGIN + 76, self.y + 54), fill=255)
        self._text(_MARGIN + 126, self.y + 18, name, 54, heavy=True)
        for number, line in enumerate(lines):
            width = _font(24).getlength(line)
            self._text(A4[0] - _MARGIN - width, self.y + 2 + 32 * number, line, 24)
        self.y += 130
        self.rule(4)
        self.y += 50

    def rule(self, thickness: int = 2) -> None:
        """A line from margin to margin."""
        self.draw.rectangle((_MARGIN, self.y, A4[0] - _MARGIN, self.y + thickness - 1), fill=_INK)
        self.y += thickness

    def heading(self, text: str, size: int = 42) -> None:
        """Larger and heavier, with room around it."""
        self.y += size * 0.3
        self._text(_MARGIN, self.y, text, size, heavy=True)
        self.y += size * 1.7

    def paragraph(self, text: str) -> None:
        """Text set ragged, then half a line of room."""
        for line in textwrap.wrap(text, 80):
            self._text(_MARGIN, self.y, line, _BODY)
            self.y += _BODY * 1.5
        self.y += _BODY * 0.9

    def table(self, widths: Sequence[int], rows: Sequence[Sequence[str]]) -> None:
        """Rows of cells between hairlines; the first row is the head."""
        for number, row in enumerate(rows):
            if number == 0:
                box = (_MARGIN, self.y, A4[0] - _MARGIN, self.y + 66)
                self.draw.rectangle(box, fill=225)
            x = float(_MARGIN + 14)
            for cell, width in zip(row, widths, strict=True):
                self._text(x, self.y + 15, cell, 30, heavy=number == 0)
                x += width
            self.y += 66
            self.draw.line((_MARGIN, self.y, A4[0] - _MARGIN, self.y), fill=150)
        self.y += 60

    def field(self, label: str, written: str, width: int = 0) -> None:
        """A box of a form with its small label, and what someone wrote into it."""
        right = _MARGIN + width if width else A4[0] - _MARGIN
        self.draw.rectangle((_MARGIN, self.y, right, self.y + 92), outline=_INK, width=2)
        self._text(_MARGIN + 12, self.y + 6, label, 20)
        self._text(_MARGIN + 24, self.y + 36, written, 40)
        self.y += 124

    def tick(self, label: str, ticked: bool) -> None:
        """A box to tick."""
        left, top = _MARGIN + 10, self.y
        self.draw.rectangle((left, top, left + 36, top + 36), outline=_INK, width=3)
        if ticked:
            self.draw.line((left + 5, top + 16, left + 15, top + 32), fill=_INK, width=6)
            self.draw.line((left + 15, top + 32, left + 44, top - 10), fill=_INK, width=6)
        self._text(left + 62, top, label, _BODY)
        self.y += 78

    def signature(self, caption: str) -> None:
        """A flourish on a line, another one for each name."""
        random = Random(caption)
        heights = [random.choice((0, 10, 28, 52, -14)) * (1 - n / 40) for n in range(30)]
        points = [(_MARGIN + 40 + 15 * n, self.y + 66 - up) for n, up in enumerate(heights)]
        self.draw.line(points, fill=60, width=5, joint="curve")
        self.y += 100
        self.draw.line((_MARGIN, self.y, _MARGIN + 560, self.y), fill=_INK, width=2)
        self._text(_MARGIN, self.y + 8, caption, 24)
        self.y += 70

    def footer(self, text: str) -> None:
        """A small line at the foot."""
        self.draw.line((_MARGIN, 2170, A4[0] - _MARGIN, 2170), fill=150, width=2)
        self._text(_MARGIN, 2186, text, 22)

    def _text(self, x: float, y: float, text: str, size: int, *, heavy: bool = False) -> None:
        # The one font that Pillow carries has one weight and no umlauts; a thin outline makes
        # the other weight, and two dots are two dots.
        font, stroke, plain = _font(size), size / 40 if heavy else 0.0, text.translate(_DOTLESS)
        self.draw.text((x, y), plain, _INK, font, stroke_width=stroke)
        for at, letter in enumerate(text):
            if ord(letter) in _DOTLESS:
                width = font.getlength(plain[at])
                middle = x + font.getlength(plain[:at]) + width / 2
                top = y + size * (0.02 if letter.isupper() else 0.2)
                for shift in (-0.22 * width, 0.22 * width):
                    self._dot(middle + shift, top, size * (0.07 if heavy else 0.055))

    def _dot(self, x: float, y: float, radius: float) -> None:
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_INK)


_DOTLESS = str.maketrans("äöüÄÖÜ", "aouAOU")


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
