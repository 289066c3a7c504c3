"""What `npm ci` is told to install: these very packages, and not where they come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
LOCK = (HERE / "package-lock.json").read_text(encoding="utf-8")
PACKAGES: dict[str, dict[str, Any]] = json.loads(LOCK)["packages"]
WANTED: dict[str, str] = json.loads((HERE / "package.json").read_text("utf-8"))["dependencies"]


def test_the_lock_names_no_host() -> None:
    assert "://" not in LOCK
    assert '"resolved"' not in LOCK


def test_every_locked_package_is_known_by_its_hash() -> None:
    assert [
        place
        for place, package in PACKAGES.items()
        if place and not package["integrity"].startswith("sha512-")
    ] == []


@pytest.mark.parametrize("name", WANTED)
def test_the_lock_holds_nothing_below_the_floors(name: str) -> None:
    floor = WANTED[name].removeprefix(">=")
    locked = PACKAGES[f"node_modules/{name}"]["version"]
    assert [int(part) for part in locked.split(".")] >= [int(part) for part in floor.split(".")]


def test_what_is_locked_is_what_is_wanted() -> None:
    assert PACKAGES[""]["dependencies"] == WANTED
