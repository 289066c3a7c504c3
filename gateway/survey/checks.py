"""Checks: what was tried of a Supabase project, and how to mend what did not go well."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried. Neither text holds a secret or the name of a document.

    A failure keeps the gateway from working; a warning is for somebody to think about.
    """

    name: str
    state: State
    detail: str
    hint: str = ""


def failed(checks: Iterable[Check]) -> bool:
    """Whether any of them keeps the gateway from working."""
    return any(check.state == "fail" for check in checks)


def listed(names: Iterable[str], most: int = 8) -> str:
    """Names for a sentence, the first few of many."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
