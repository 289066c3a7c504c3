"""Keys for a command: from a file that is named, or from the environment, never from its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

_LARGEST = 64 * 1024
SERVICE_KEY = (
    "OSTIARY_SUPABASE__SERVICE_KEY",
    "SUPABASE_SERVICE_ROLE_KEY",
    "SUPABASE_SECRET_KEY",
)
ANON_KEY = ("SUPABASE_ANON_KEY", "SUPABASE_PUBLISHABLE_KEY")
JWT_SECRET = ("OSTIARY_SUPABASE__JWT_SECRET", "SUPABASE_JWT_SECRET")


@dataclass(frozen=True, slots=True)
class Given:
    """A secret text and where it came from; both empty when nobody gave any."""

    text: str = field(default="", repr=False)
    source: str = ""


def given(file: Path | None, names: Sequence[str], environ: Mapping[str, str]) -> Given:
    """What the file holds, without the space around it; else the first variable that is set."""
    if file is not None:
        return Given(_read(file), str(file))
    found = ((name, environ.get(name, "").strip()) for name in names)
    return next((Given(text, name) for name, text in found if text), Given())


def _read(file: Path) -> str:
    with file.open("rb") as opened:
        octets = opened.read(_LARGEST + 1)
    try:
        text = octets.decode().strip()
    except UnicodeDecodeError:
        raise click.ClickException(f"{file}: is not text") from None
    if not text or len(octets) > _LARGEST:
        raise click.ClickException(f"{file}: is empty or no key")
    return text
