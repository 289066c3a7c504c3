from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from gateway.serve import MEMORY, figures_in_memory
from gateway.serve.worker import TWICE

ROOT = Path(__file__).parents[3]

# The smallest applications that show what a worker does; its folder holds the switches.
APP = """
import asyncio, gc, os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

async def reply(send, status, body, more=False):
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body, "more_body": more})

@dataclass
class Applications:
    main: Any
    admin: Any
    folder: Path
    async def start(self):
        if (self.folder / "sick").exists():
            raise FileNotFoundError(2, "gone", "canary-name.pdf")
    async def close(self):
        (self.folder / f"closed-{os.getpid()}").touch()
    def refused(self, reason):
        (self.folder / f"refused-{reason}").touch()

def build(folder, writer, draining):
    if (folder / "broken").exists():
        raise ValueError("canary-name.pdf")
    async def main(scope, receive, send):
        if scope["path"] == "/slow":
            await reply(send, 200, b"begin ", True)
            while not (folder / "go").exists():
                await asyncio.sleep(0.01)
            await send({"type": "http.response.body", "body": b"end"})
        elif scope["path"] == "/readyz":
            await reply(send, 503 if draining else 200, b"")
        elif scope["path"] == "/figures":
            await reply(send, 200, os.environ.get("PROMETHEUS_MULTIPROC_DIR", "").encode())
        elif scope["path"] == "/collected":
            await reply(send, 200, b"%d" % any(one is build for one in gc.get_objects()))
        elif scope["path"] == "/crash":
            os._exit(9)
        else:
            await reply(send, 200, b"main %d" % os.getpid())
    async def admin(scope, receive, send):
        await reply(send, 200, b"admin %d" % os.getpid())
    return Applications(main, admin, folder)
"""

PROGRAM = """
import json, sys
from pathlib import Path
from gateway.serve import Plan, run
given = json.loads(sys.argv[1])
folder = Path(given.pop("folder"))
port, admin = given.pop("port"), given.pop("admin")
sys.exit(run(Plan("serving:build", folder, **given), "127.0.0.1", port, admin, folder / "var"))
"""


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@dataclass
class Gateway:
    """A server in a process of its own."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> list[dict[str, object]]:
        lines = (self.folder / "log").read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines]

    def events(self, name: str) -> list[dict[str, object]]:
        return [event for event in self.log if event["event"] == name]

    @property
    def port(self) -> int:
        (event,) = self.events("listening")
        return int(str(event["address"]).rpartition(":")[2])

    @property
    def admin(self) -> int:
        (event,) = self.events("listening")
        return int(str(event["admin"]))

    def ask(self, path: str, port: int = 0) -> tuple[int, set[str], str]:
        """The status, the fields' names and the body of an answer on a connection of its own."""
        with closing(HTTPConnection("127.0.0.1", port or self.port, timeout=20)) as client:
            client.request("GET", path)
            answer = client.getresponse()
            names = {name.lower() for name, _ in answer.getheaders()}
            return answer.status, names, answer.read().decode()

    def get(self, path: str, port: int = 0) -> str:
        return self.ask(path, port)[2]

    def pids(self, port: int = 0, count: int = 20) -> set[int]:
        return {int(self.get("/", port).split()[1]) for _ in range(count)}

    @property
    def serving(self) -> list[int]:
        """The workers that ever served, in the order in which they began."""
        return [int(str(event["worker"])) for event in self.events("worker_serves")]

    def up(self, workers: int) -> None:
        def answers() -> bool:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            try:
                return bool(self.get("/")) and (workers == 1 or len(self.serving) == workers)
            except (ValueError, OSError):
                return False

        until(answers)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def force(self) -> int:
        """Signal again, late enough to be a second wish; returns the exit status."""
        time.sleep(TWICE + 0.1)
        self.process.send_signal(signal.SIGTERM)
        return self.end()

    def end(self, seconds: float = 20) -> int:
        return self.process.wait(seconds)


Start = Callable[..., Gateway]


def launch(folder: Path, *, workers: int = 1, up: bool = True, **changes: object) -> Gateway:
    (folder / "serving.py").write_text(APP)
    given = {"folder": str(folder), "port": 0, "admin": 0, "drain": 10, "workers": workers}
    given |= changes
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, json.dumps(given)],
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"},
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    gateway = Gateway(folder, process)
    if up:
        gateway.up(workers)
    return gateway


def stop(gateway: Gateway) -> None:
    """End it whatever state it is in."""
    if gateway.process.poll() is None:
        gateway.send(signal.SIGTERM)
        gateway.force()
    shutil.rmtree(figures_in_memory(gateway.folder / "var"), ignore_errors=True)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    begun: list[Gateway] = []

    def starting(**plan: object) -> Gateway:
        begun.append(launch(tmp_path, **plan))  # type: ignore[arg-type]
        return begun[-1]

    yield starting
    for gateway in begun:
        stop(gateway)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Two workers that several tests share."""
    gateway = launch(tmp_path_factory.mktemp("pair"), workers=2)
    yield gateway
    stop(gateway)


def begin_slow(port: int) -> socket.socket:
    """A connection whose answer has begun and waits for the switch "go"."""
    client = socket.create_connection(("127.0.0.1", port), timeout=20)
    client.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    seen = b""
    while b"begin" not in seen:
        seen += client.recv(1000)
    return client


def rest(client: socket.socket) -> bytes:
    seen = b""
    while piece := client.recv(1000):
        seen += piece
    client.close()
    return seen


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_under_way_ends_well_while_nothing_new_is_taken(start: Start, workers: int) -> None:
    gateway = start(workers=workers)
    port, admin = gateway.port, gateway.admin
    clients = [begin_slow(port) for _ in range(5)]
    gateway.send(signal.SIGTERM)
    until(lambda: refuses(port) and refuses(admin))
    assert gateway.process.poll() is None
    (gateway.folder / "go").touch()
    for client in clients:
        assert b"end" in rest(client)
    assert gateway.end() == 0
    assert len(list(gateway.folder.glob("closed-*"))) == workers


def test_readiness_is_lost_before_the_sockets_close(start: Start) -> None:
    gateway = start(grace=3600, drain=3600)
    client = begin_slow(gateway.port)
    assert gateway.ask("/readyz")[0] == 200
    gateway.send(signal.SIGTERM)
    until(lambda: gateway.ask("/readyz")[0] == 503)
    assert gateway.force() == 0
    assert b"end" not in rest(client)


def test_the_second_signal_reaches_the_workers(start: Start) -> None:
    gateway = start(workers=2, drain=3600)
    port = gateway.port
    client = begin_slow(port)
    gateway.send(signal.SIGINT)
    until(lambda: refuses(port))
    assert gateway.force() == 0
    assert b"end" not in rest(client)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_manager_that_signals_the_whole_group_still_gets_a_drain(
    start: Start, workers: int
) -> None:
    gateway = start(workers=workers)
    port = gateway.port
    client = begin_slow(port)
    gateway.send(signal.SIGTERM)
    for pid in (gateway.process.pid, *gateway.serving):
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGINT)
    until(lambda: refuses(port))
    (gateway.folder / "go").touch()
    assert b"end" in rest(client)
    assert gateway.end() == 0


def test_what_does_not_end_in_time_is_cut(start: Start) -> None:
    gateway = start(drain=0, admin=None)
    assert gateway.events("listening")[0]["admin"] is None
    client = begin_slow(gateway.port)
    gateway.send(signal.SIGTERM)
    assert gateway.end() == 0
    assert b"end" not in rest(client)


def test_the_guard_stands_before_both_applications(pair: Gateway) -> None:
    for port in (pair.port, pair.admin):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 400 ")
    assert (pair.folder / "refused-target").exists()


def test_no_field_is_added_to_the_applications_own(pair: Gateway) -> None:
    assert pair.ask("/")[1] == {"transfer-encoding"}


def test_no_collection_goes_through_what_was_there_at_the_start(pair: Gateway) -> None:
    assert pair.get("/collected") == "0"


def test_every_worker_answers_on_both_ports(pair: Gateway) -> None:
    seen: dict[int, set[int]] = {pair.port: set(), pair.admin: set()}

    def both() -> bool:
        for port, pids in seen.items():
            pids |= pair.pids(port)
        return all(len(pids) == 2 for pids in seen.values())

    until(both)
    assert seen[pair.port] == seen[pair.admin]
    assert pair.process.pid not in seen[pair.port]
    assert pair.get("/", pair.admin).startswith("admin ")


def test_figures_have_a_folder_that_starts_empty_and_goes(start: Start, tmp_path: Path) -> None:
    """In memory, for on a full disk a mapped file is deadly; where there is none, with the data."""
    in_memory = figures_in_memory(tmp_path / "var")
    expected = in_memory if os.access(MEMORY, os.W_OK) else tmp_path / "var" / "metrics"
    expected.mkdir(parents=True)
    (expected / "counter_1.db").touch()
    gateway = start(workers=2)
    assert gateway.get("/figures") == str(expected)
    assert not (expected / "counter_1.db").exists()
    gateway.send(signal.SIGTERM)
    assert gateway.end() == 0
    assert not expected.exists()


def test_a_worker_that_dies_is_replaced(pair: Gateway) -> None:
    served = len(pair.serving)
    victim = min(pair.pids())
    os.kill(victim, signal.SIGKILL)
    until(lambda: len(pair.serving) == served + 1)
    death = pair.events("worker_died")[-1]
    assert (death["worker"], death["status"]) == (victim, -9)
    assert victim not in pair.pids()


def test_workers_are_replaced_one_by_one_without_a_gap(pair: Gateway) -> None:
    first, deaths = set(pair.serving), len(pair.events("worker_died"))
    client = begin_slow(pair.port)
    pair.send(signal.SIGHUP)
    until(lambda: len(pair.serving) == len(first) + 2 and bool(pair.get("/")))
    until(lambda: not pair.pids() & first)
    (pair.folder / "go").touch()
    assert b"end" in rest(client)
    assert len(pair.events("worker_died")) == deaths


def test_one_worker_alone_serves_on_and_says_that_nothing_was_taken_over(start: Start) -> None:
    gateway = start(workers=1)
    gateway.send(signal.SIGHUP)
    until(lambda: len(gateway.events("not_reloaded")) == 1)
    assert gateway.get("/").startswith("main ")
    gateway.send(signal.SIGTERM)
    assert gateway.end() == 0


def test_a_replacement_that_fails_leaves_the_old_one_serving(pair: Gateway) -> None:
    served = pair.serving
    (pair.folder / "broken").touch()
    pair.send(signal.SIGHUP)
    until(lambda: len(pair.events("replacement_failed")) == 1)
    (pair.folder / "broken").unlink()
    assert pair.get("/").startswith("main ")
    assert pair.serving == served
    assert b"canary" not in (pair.folder / "log").read_bytes()


@pytest.mark.parametrize("switch", ["broken", "sick"])
def test_one_worker_that_can_not_start_is_the_end(
    start: Start, switch: str, tmp_path: Path
) -> None:
    (tmp_path / switch).touch()
    gateway = start(up=False)
    assert gateway.end() == 1
    (failure,) = gateway.events("worker_failed" if switch == "broken" else "start_failed")
    assert str(failure["error"]).startswith(("ValueError", "FileNotFoundError (gone)"))
    assert b"canary" not in (gateway.folder / "log").read_bytes()


def test_workers_that_keep_failing_are_given_up(start: Start, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    gateway = start(up=False, workers=2)
    assert gateway.end(60) == 1
    assert len(gateway.events("giving_up")) == 1
    assert len(gateway.events("worker_died")) >= 5


def test_workers_do_not_outlive_their_supervisor(start: Start) -> None:
    gateway = start(workers=2)
    port = gateway.port
    gateway.process.kill()
    until(lambda: refuses(port))


@pytest.mark.parametrize("taken", ["port", "admin"])
def test_a_port_in_use_is_told_in_one_line(start: Start, taken: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        gateway = start(up=False, **{taken: port})
        assert gateway.end() == 1
    said = (gateway.folder / "log").read_text()
    assert said == f"ostiary: can not listen on 127.0.0.1 port {port}: Address already in use\n"
