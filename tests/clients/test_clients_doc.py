"""The page of clients: what it shows of a file is the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIECES = ROOT / "deploy" / "clients"
PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
# A block that begins with the name of a file, in a comment, claims to be that file.
NAMED = dict(re.findall(r"^```(?:js|python)\n(?://|#) (\S+\.\w+)\n(.*?)^```$", PAGE, re.M | re.S))


def shown() -> list[str]:
    return [name for name in NAMED if "/" in name]


@pytest.mark.parametrize("name", shown())
def test_a_file_that_is_shown_is_the_file(name: str) -> None:
    assert NAMED[name] == (ROOT / name).read_text(encoding="utf-8")


def test_every_piece_is_on_the_page() -> None:
    pieces = {path.name for path in PIECES.iterdir()}
    assert {Path(name).name for name in shown()} <= pieces
    assert [name for name in pieces if name not in PAGE] == []
