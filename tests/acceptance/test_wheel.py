"""The wheel: what is in it, and that it serves where nothing else of the project is."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import takewhile
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import pytest
from PIL import Image

TREE = Path(__file__).parents[2]
PACKAGES = ("gateway", "imaging", "signing", "cdn")
# The smallest page that is one; nobody has to draw it here.
PDF = base64.b64decode(
    "JVBERi0xLjQKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZy9QYWdlcyAyIDAgUj4+ZW5kb2JqCjIgMCBvYmo8PC9UeXBlL1Bh"
    "Z2VzL0tpZHNbMyAwIFJdL0NvdW50IDE+PmVuZG9iagozIDAgb2JqPDwvVHlwZS9QYWdlL1BhcmVudCAyIDAgUi9NZWRp"
    "YUJveFswIDAgMjAwIDIwMF0+PmVuZG9iagp0cmFpbGVyPDwvUm9vdCAxIDAgUj4+CiUlRU9GCg=="
)

pytestmark = pytest.mark.slow


def uv(*arguments: str | Path) -> CompletedProcess[str]:
    """Run uv; a package index out of reach skips the test, any other failure fails it."""
    beside = Path(sys.executable).with_name("uv")
    program = str(beside) if beside.exists() else shutil.which("uv")
    if program is None:
        pytest.skip("the wheel is NOT tested: there is no uv")
    done = subprocess.run(
        [program, *arguments], cwd=TREE, capture_output=True, text=True, timeout=300, check=False
    )
    unreachable = ("Failed to fetch", "error sending request", "network was disabled")
    if done.returncode and any(sign in done.stderr for sign in unreachable):
        pytest.skip(f"the wheel is NOT tested, no package index: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--python", sys.executable, "--out-dir", out)
    [found] = out.glob("*.whl")
    return found


@dataclass(frozen=True, slots=True)
class Installed:
    """The wheel in an environment of its own; `home` is empty."""

    python: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "PYTHONUNBUFFERED": "1"}

    def command(self, *arguments: str | Path) -> list[str]:
        return [str(self.python.with_name("ostiary")), *map(str, arguments)]

    def run(self, *arguments: str | Path) -> CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def install(wheel: Path, folder: Path, extras: str = "") -> Installed:
    uv("venv", "--python", sys.executable, folder / "venv")
    python = folder / "venv" / "bin" / "python"
    locked = ("--python", python, "-c", TREE / "requirements.lock")
    uv("pip", "install", *locked, f"ostiary{extras} @ {wheel.as_uri()}")
    (folder / "home").mkdir()
    return Installed(python, folder / "home")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(wheel, tmp_path_factory.mktemp("bare"))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Served:
    installed: Installed
    config: Path

    def link(self, key: str, *options: str) -> str:
        done = self.installed.run("sign", "--config", self.config, *options, f"z/b/{key}")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def configure(folder: Path, store: str, port: int) -> Path:
    config = folder / "ostiary.toml"
    config.write_text(
        f'[server]\nport = {port}\ndata = "{folder}/data"\n'
        f'[signing]\nkeys = {{ k1 = "{"5a" * 32}" }}\n[stores.main]\nurl = "{store}"\n'
        '[zones.z]\nstore = "main"\nbuckets = ["b"]\n'
    )
    return config


@pytest.fixture(scope="module")
def served(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    (folder / "b").mkdir()
    picture = BytesIO()
    Image.new("RGB", (800, 600), "teal").save(picture, "JPEG")
    for name, body in (
        ("picture.jpg", picture.getvalue()), ("page.pdf", PDF), ("note.txt", b"A note.")
    ):  # fmt: skip
        (folder / "b" / name).write_bytes(body)
    config = configure(folder, folder.as_uri(), port)
    process = subprocess.Popen(
        installed.command("serve", "--config", config),
        cwd=installed.home,
        env=installed.environment,
        stderr=subprocess.PIPE,
    )
    try:
        ready(f"http://127.0.0.1:{port}/readyz", process)
        yield Served(installed, config)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def ready(url: str, process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stderr and process.stderr.read()
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("not ready within a minute")


def test_it_holds_the_packages_with_their_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == set(PACKAGES)
    for package in PACKAGES:
        assert f"{package}/py.typed" in names
        tracked = subprocess.run(
            ["git", "ls-files", package], cwd=TREE, capture_output=True, text=True, check=False
        )
        assert set(tracked.stdout.splitlines()) <= names
    assert any(name.startswith("gateway/templates/") for name in names)
    assert any(name.endswith(".sql") for name in names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert not any("__pycache__" in name or "test_" in name for name in names)


def test_it_makes_the_command_and_asks_for_extras_only_by_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        texts = {
            Path(name).name: archive.read(name).decode()
            for name in archive.namelist()
            if name.endswith((".dist-info/entry_points.txt", ".dist-info/METADATA"))
        }
    assert "ostiary = gateway.cli:main" in texts["entry_points.txt"]
    needs = [line for line in texts["METADATA"].splitlines() if line.startswith("Requires-Dist")]
    for name in ("obstore", "boto3", "pypdfium2"):
        assert all("extra ==" in line for line in needs if f" {name}" in line)


def test_it_tells_its_version_and_its_settings(installed: Installed) -> None:
    version = installed.run("--version")
    assert version.stdout.startswith("ostiary, version ")
    shown = subprocess.run(
        installed.command("config", "show"),
        cwd=installed.home,
        env={**installed.environment, "OSTIARY_SIGNING__KEYS": json.dumps({"k1": "5a" * 32})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "port = 8080\n" in shown.stdout
    assert list(installed.home.iterdir()) == []


def test_the_core_alone_serves_documents_and_pictures(served: Served) -> None:
    assert httpx.get(served.link("note.txt")).content == b"A note."
    answer = httpx.get(served.link("picture.jpg", "--rendition", "w160-webp"), timeout=60)
    assert answer.status_code == 200
    with Image.open(BytesIO(answer.content)) as image:
        assert (image.format, image.width) == ("WEBP", 160)


def test_without_a_pdf_engine_a_page_says_so_and_the_original_is_there(served: Served) -> None:
    answer = httpx.get(served.link("page.pdf", "--rendition", "p1-w160-webp"), timeout=60)
    assert answer.status_code == 422
    assert "pdf-engine-missing" in answer.text
    assert httpx.get(served.link("page.pdf")).content == PDF


def test_without_the_extra_an_s3_store_is_a_fault_that_tells_the_remedy(
    installed: Installed, tmp_path: Path
) -> None:
    config = configure(tmp_path, "s3:?region=eu-central-1", free_port())
    for command in ("serve", "doctor"):
        done = installed.run(command, "--config", config)
        assert done.returncode == 1
        assert 'pip install "ostiary[s3]"' in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_with_all_extras_the_demo_shows_page_one(wheel: Path, tmp_path: Path) -> None:
    installed = install(wheel, tmp_path, "[all]")
    process = subprocess.Popen(
        installed.command("demo", "--port", str(free_port())),
        cwd=installed.home,
        env=installed.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        printed = list(takewhile(lambda line: "Control-C" not in line, process.stdout))
        [address] = [line.split()[-1] for line in printed if "a page with all" in line]
        ready(f"{address}readyz", process)
        pages = [line.split()[-1] for line in printed if line.startswith("  page one")]
        assert len(pages) == 3
        assert all(httpx.get(url, timeout=60).status_code == 200 for url in pages)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
