"""The README's first command as a newcomer runs it: start, click, copy, stop."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from PIL import Image

TREE = Path(__file__).parents[2]


@dataclass
class Demo:
    """What the demo printed, and its process."""

    text: str
    folder: Path
    process: subprocess.Popen[str]

    def links(self, name: str) -> list[str]:
        return re.findall(rf"(?m)^  {name} +(http\S+)$", self.text)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "demo", "--folder", str(folder), "--port", "8080"],
        cwd=TREE,
        env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    lines: list[str] = []
    while not lines or "Control-C" not in lines[-1]:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        lines.append(line)
    for line in process.stderr:
        if "startup complete" in line:
            break
    yield Demo("".join(lines), folder, process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def test_every_printed_link_opens(demo: Demo) -> None:
    assert len(demo.links("original")) == 4
    assert len(demo.links("w640")) == 4
    assert len(demo.links("page one")) == 3
    for name in ("original", "w640", "page one"):
        for url in demo.links(name):
            answer = httpx.get(url, timeout=60)
            assert answer.status_code == 200, url
            assert answer.content


def test_a_page_is_a_picture_of_the_width_it_says(demo: Demo, tmp_path: Path) -> None:
    """Or, large and of two colours, of all the dots that were scanned."""
    for name, widths in (("w640", {640}), ("page one", {1280, 1654})):
        for url in demo.links(name):
            picture = tmp_path / "picture"
            picture.write_bytes(httpx.get(url, timeout=60).content)
            with Image.open(picture) as image:
                assert image.width in widths


def test_the_front_page_shows_every_sample(demo: Demo) -> None:
    [address] = re.findall(r"a page with all of it +(\S+)", demo.text)
    page = httpx.get(address)
    assert page.headers["cache-control"] == "no-store"
    pictures = re.findall(r'<img src="([^"]+)"', page.text)
    assert len(pictures) == 4
    for source in pictures:
        url = address.rstrip("/") + source.replace("&amp;", "&")
        assert httpx.get(url, timeout=60).headers["content-type"] == "image/webp"


def test_the_printed_commands_do_what_they_say(demo: Demo) -> None:
    printed = [shlex.split(line) for line in demo.text.splitlines() if " --config '" in line]
    commands = {words[words.index("--config") - 1]: words for words in printed}
    assert set(commands) == {"sign", "explain", "revoke", "purge"}

    def run(name: str) -> str:
        # The first word is how the demo itself was called.
        arguments = commands[name][1:]
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *arguments],
            cwd=TREE,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    url = run("sign").strip()
    assert httpx.get(url).status_code == 200
    assert "cache mode windowed" in run("explain")
    assert "confirmed" in run("purge")
    assert httpx.get(url).status_code == 200
    assert "confirmed" in run("revoke")
    assert httpx.get(url).status_code == 410
    assert "YES" in run("explain")


def test_secrets_are_for_the_owner_alone(demo: Demo) -> None:
    for name in ("ostiary.toml", "token"):
        assert (demo.folder / name).stat().st_mode & 0o077 == 0
