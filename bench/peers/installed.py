"""Peers of other worlds, installed once from the locks beside this file, whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import PIL

from bench.processes import NotStarted

_HERE = Path(__file__).parent
_THUMBOR = _HERE / "thumbor.txt"
_NODE = ("package.json", "package-lock.json", ".npmrc", "ipx.mjs")
_PATIENCE = 300


def node_modules() -> Path:
    """A folder with the programs of `node`, and the packages of its lock."""
    lists = [_HERE / "node" / name for name in _NODE]
    place = _place("node", lists)
    if not place.exists():
        with _making(place) as made:
            for path in lists:
                shutil.copy(path, made)
            _done(["npm", "ci"], made)
            _kept(made, place)
    return place


def thumbor() -> Path:
    """thumbor's program, in an environment of its own by `thumbor.txt`."""
    place = _place("thumbor", [_THUMBOR])
    program = place / "bin" / "thumbor"
    if not program.exists():
        uv = str(Path(sys.prefix) / "bin" / "uv")
        python = ["--python", str(place / "bin" / "python")]
        install = [uv, "pip", "install", "--quiet", *python, "--require-hashes"]
        _done([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)], _HERE)
        _done([*install, "-r", str(_THUMBOR)], _HERE)
    return program


def versions() -> list[str]:
    """What is compared, by the locks."""
    packages = json.loads((_HERE / "node" / "package-lock.json").read_text())["packages"]
    node = [f"{name} {packages[f'node_modules/{name}']['version']}" for name in ("ipx", "sharp")]
    pinned = re.findall(r"^(thumbor|pillow)==([\d.]+)", _THUMBOR.read_text(), re.MULTILINE)
    thumbor = " with ".join(f"{name} {version}" for name, version in reversed(pinned))
    return [*node, thumbor, f"Pillow {PIL.__version__}"]


def _place(name: str, lists: Sequence[Path]) -> Path:
    """Where it is kept: another lock is another place."""
    digest = sha256(b"\0".join(path.read_bytes() for path in lists)).hexdigest()
    place = Path(sys.prefix) / "bench" / f"{name}-{digest[:16]}"
    place.parent.mkdir(exist_ok=True)
    return place


def _making(place: Path) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(dir=place.parent)


def _kept(made: str, place: Path) -> None:
    with suppress(OSError):  # not empty: another run was quicker
        Path(made).rename(place)


def _done(command: Sequence[str], folder: str | Path) -> None:
    try:
        subprocess.run(
            command,
            cwd=folder,
            env=os.environ,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        told = getattr(error, "stderr", "") or str(error)
        raise NotStarted(f"{command[0]}: {told[-400:]}") from None
