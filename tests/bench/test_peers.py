"""Peers are installed as locked, by their hashes, from wherever this machine gets packages."""

from __future__ import annotations

import json
import re
from pathlib import Path

from bench.peers import installed

PEERS = Path(installed.__file__).parent
NODE = (PEERS / "node" / "package-lock.json").read_text("utf-8")
PYTHON = (PEERS / "thumbor.txt").read_text("utf-8")


def test_the_locks_name_no_host() -> None:
    assert "://" not in NODE + PYTHON
    assert '"resolved"' not in NODE


def test_what_is_locked_is_known_by_its_hash() -> None:
    packages = json.loads(NODE)["packages"]
    assert [
        place
        for place, package in packages.items()
        if place
        and not package.get("inBundle")  # it comes within another
        and not package["integrity"].startswith("sha512-")
    ] == []
    pinned = re.split(r"\n(?=\S)", PYTHON.strip())
    assert all(re.match(r"[\w.-]+==[\w.]+ .*--hash=sha256:", one, re.DOTALL) for one in pinned)


def test_the_table_tells_the_versions_of_the_locks() -> None:
    wanted = json.loads((PEERS / "node" / "package.json").read_text("utf-8"))["dependencies"]
    assert f"ipx {wanted['ipx']}" in installed.versions()
    [thumbor] = [one for one in installed.versions() if "thumbor" in one]
    assert re.fullmatch(r"thumbor [\d.]+ with pillow [\d.]+", thumbor)
