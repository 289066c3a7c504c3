"""Real parts for the tests: started as the own user on free ports, ended by their own pid."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SHIPPED = Path(__file__).parents[2] / "deploy" / "varnish"


@dataclass(frozen=True)
class Varnish:
    """A running Varnish with the shipped VCL; `secret` opens its purges."""

    url: str
    secret: str


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as caller:
        caller.settimeout(0.5)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"in {seconds} s: {what}"
        time.sleep(0.02)


def site(origin_port: int) -> str:
    """The shipped site.vcl with the origin of a test and a quicker health probe."""
    text = (SHIPPED / "site.vcl").read_text()
    for shipped, own in (
        ('"gateway"', '"127.0.0.1"'),
        ('"8080"', f'"{origin_port}"'),
        (".interval = 2s", ".interval = 0.2s"),
    ):
        assert shipped in text, f"site.vcl no longer says {shipped}"
        text = text.replace(shipped, own)
    return text


@pytest.fixture(scope="session")
def start_varnish(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Varnish]]:
    """Starts Varnish in front of the origin on a port: `start_varnish(port, secret="...")`."""
    if shutil.which("varnishd") is None:
        pytest.skip("NOT TESTED: varnishd is absent (apt install varnish varnish-modules)")
    running: list[subprocess.Popen[bytes]] = []

    def start(origin_port: int, secret: str = "purge-secret-of-the-tests") -> Varnish:
        folder = tmp_path_factory.mktemp("varnish")
        shutil.copy(SHIPPED / "ostiary.vcl", folder)
        (folder / "site.vcl").write_text(site(origin_port))
        port = free_port()
        options = ["-j", "none", "-n", folder / "run", "-f", folder / "ostiary.vcl", "-T", "none"]
        options += ["-s", "malloc,64m", "-p", "backend_idle_timeout=3"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                ["varnishd", "-F", *options, "-a", f"127.0.0.1:{port}"],
                env={"PATH": "/usr/sbin:/usr/bin:/bin", "OSTIARY_PURGE_SECRET": secret},
                stdout=log,
                stderr=log,
            )
        running.append(process)

        def up() -> bool:
            assert process.poll() is None, (folder / "log").read_text()
            return answers(port)

        wait_until(up, "Varnish listens")
        return Varnish(f"http://127.0.0.1:{port}", secret)

    yield start
    for process in running:
        process.terminate()
    for process in running:
        process.wait(timeout=20)
