"""`ostiary demo` started twice: keys stay, a taken port is no obstacle, nothing secret is shown."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

import httpx

TREE = Path(__file__).parents[3]


@contextmanager
def started(folder: Path, port: int) -> Iterator[str]:
    """What it prints before it serves; ended as Control-C does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "demo", "--folder", str(folder), "--port", str(port)],
        cwd=TREE,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        text = "".join(takewhile(lambda line: "Control-C" not in line, process.stdout))
        assert any("startup complete" in line for line in process.stderr), text
        yield text
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def link_of(text: str) -> str:
    return re.findall(r"(?m)^  original +(\S+)$", text)[0]


def test_a_second_start_takes_another_port_and_keeps_the_links_of_the_first(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "a demo's folder"
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with started(folder, port) as text:
            assert text.startswith(f"Port {port} is taken; using ")
            first = httpx.URL(link_of(text))
            assert first.port != port
            assert httpx.get(first).status_code == 200
            secrets = (folder / "ostiary.toml").read_text() + (folder / "token").read_text()
            for secret in re.findall(r"[0-9a-f]{64}|(?m:^[\w-]{32}$)", secrets):
                assert secret not in text
    with started(folder, port) as text:
        assert "is taken" not in text
        assert httpx.URL(link_of(text)).port == port
        assert httpx.get(first.copy_with(port=port)).status_code == 200
        [sign] = [shlex.split(line) for line in text.splitlines() if " sign --config" in line]
        named = sign[sign.index("--config") + 1]
        assert (TREE / named).resolve() == (folder / "ostiary.toml").resolve()
