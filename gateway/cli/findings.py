"""Findings: what `ostiary doctor` tells of each thing that it looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import click

_COLOURS = {"ok": "green", "note": "yellow", "FAIL": "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `hint` tells how to mend it. A note is no failure."""

    name: str
    state: Literal["ok", "note", "FAIL"]
    what: str
    hint: str = ""

    def __str__(self) -> str:
        mark = click.style(f"{self.state:<4}", fg=_COLOURS[self.state])
        return f"{mark} {self.name}: {self.what}" + (f" ({self.hint})" if self.hint else "")
