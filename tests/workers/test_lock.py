"""What `npm ci` is told to install: these very packages, and not where they come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LOCK = (HERE / "package-lock.json").read_text(encoding="utf-8")
PACKAGES: dict[str, dict[str, Any]] = json.loads(LOCK)["packages"]
WANTED: dict[str, str] = json.loads((HERE / "package.json").read_text("utf-8"))["dependencies"]


def test_the_lock_names_no_host() -> None:
    assert "://" not in LOCK
    assert '"resolved"' not in LOCK


def test_only_what_is_wanted_is_locked_and_known_by_its_hash() -> None:
    assert PACKAGES[""]["dependencies"] == WANTED
    locked = {place: package for place, package in PACKAGES.items() if place}
    assert set(locked) == {f"node_modules/{name}" for name in WANTED}
    assert all(package["integrity"].startswith("sha512-") for package in locked.values())


def test_the_lock_holds_nothing_below_the_floors() -> None:
    for name, floor in WANTED.items():
        locked = PACKAGES[f"node_modules/{name}"]["version"].split(".")
        assert [*map(int, locked)] >= [*map(int, floor.removeprefix(">=").split("."))]
