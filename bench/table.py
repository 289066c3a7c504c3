"""Tables: measured figures beside the goals they are held to. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HEAD = ("what", "figure", "n", "goal", "")


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound that a figure must not fall short of, or with `most` not go beyond."""

    bound: float
    most: bool = False

    def __str__(self) -> str:
        return f"{'≤' if self.most else '≥'} {shown(self.bound)}"

    def met(self, figure: float) -> bool:
        """Whether the figure, unrounded, keeps the goal."""
        return figure <= self.bound if self.most else figure >= self.bound


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what was measured, how often (`n`), and what had been aimed at."""

    what: str
    figure: str
    n: int
    goal: str = ""
    verdict: str = ""

    @classmethod
    def judged(cls, what: str, figure: float, unit: str, n: int, goal: Goal) -> Row:
        """A figure that is held to a goal; `unit` follows both numbers."""
        verdict = "pass" if goal.met(figure) else "MISS"
        return cls(what, f"{shown(figure)}{unit}", n, f"{goal}{unit}", verdict)


def shown(figure: float) -> str:
    """Three digits that mean something; whole numbers with their thousands apart."""
    if figure >= 100 or figure == int(figure):
        return f"{figure:,.0f}"
    return f"{figure:.3g}"


def table(rows: Iterable[Row]) -> str:
    """The rows in Markdown, columns aligned."""
    cells = [HEAD, *((r.what, r.figure, f"{r.n:,}", r.goal, r.verdict) for r in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_line(line, widths) for line in cells]
    return "\n".join([lines[0], _line(["-" * width for width in widths], widths), *lines[1:]])


def _line(cells: Iterable[str], widths: list[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"
