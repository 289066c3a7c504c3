"""A gateway as its users start it: a process of its own, over a folder, on a free port."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings

from gateway.serve import figures_in_memory

# Tests are never timed: a loaded machine is no defect. `make thorough` looks at more examples.
for profile, examples in (("ostiary", 40), ("thorough", 400)):
    settings.register_profile(
        profile,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=True,
        max_examples=examples,
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ostiary"))

TOKEN = "operator-token"
KEY = "5a" * 32
SERVE = ("-m", "gateway", "serve")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def within(seconds: float, holds: Callable[[], Any], what: str) -> Any:
    """What `holds` returns as soon as it is true; fails when it never is."""
    deadline = time.monotonic() + seconds
    while True:
        if found := holds():
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


class Gateway:
    """`ostiary serve` over `documents` in `folder`; `log` holds its lines."""

    token = TOKEN

    def __init__(self, folder: Path, **tables: Mapping[str, object]) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.documents = folder / "documents"
        self.documents.mkdir(parents=True, exist_ok=True)
        self.config = folder / "ostiary.toml"
        self.log = folder / "gateway.log"
        self.client = httpx.Client(base_url=self.url, timeout=30)
        self.admin_port = int(str(tables.get("admin", {}).get("port", self.port)))
        self.operator = httpx.Client(base_url=f"http://127.0.0.1:{self.admin_port}", timeout=30)
        self.secrets = {TOKEN, KEY}
        self.data = Path(str(tables.get("server", {}).get("data", folder / "data")))
        self._tables = tables
        self._process: subprocess.Popen[bytes] | None = None
        self._write()

    def _write(self) -> None:
        values: dict[str, dict[str, Any]] = {
            "server": {"port": self.port, "data": str(self.data)},
            "signing": {"keys": {"k1": KEY}},
            "admin": {"tokens": ["sha256:" + hashlib.sha256(TOKEN.encode()).hexdigest()]},
            "stores": {"main": {"url": self.folder.as_uri()}},
            "zones": {
                "clinic": {"store": "main", "buckets": ["documents"], "cache": "windowed"},
            },
        }
        for name, table in self._tables.items():
            target = values["zones"]["clinic"] if name == "clinic" else values.setdefault(name, {})
            target.update(table)
        self.config.write_text(
            "\n".join(_toml(name, table) for name, table in values.items()), encoding="utf-8"
        )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    def launch(self, *options: str, program: tuple[str, ...] = SERVE) -> subprocess.Popen[bytes]:
        """Start the process, in a group of its own, without waiting for anything."""
        command = [sys.executable, *program, "--config", str(self.config), *options]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env={"PATH": os.environ["PATH"]},
                cwd=Path(__file__).parents[1],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self._process

    def start(self, *options: str, program: tuple[str, ...] = SERVE) -> Gateway:
        self.launch(*options, program=program)
        within(60, self._ready, "the gateway is ready")
        return self

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command of the CLI with this gateway's configuration."""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "gateway", arguments[0]),
                *("--config", str(self.config), *arguments[1:]),
            ],
            env={"PATH": os.environ["PATH"]},
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def put(self, key: str, body: bytes) -> Path:
        """A document, in place whole and at once."""
        path = self.documents / key
        path.parent.mkdir(parents=True, exist_ok=True)
        self.secrets.add(path.name)
        partial = path.with_name(f".{path.name}.partial")
        partial.write_bytes(body)
        partial.replace(path)
        return path

    def post(self, path: str, body: object, **fields: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {TOKEN}", **fields}
        client = self.operator if path.startswith("/admin/") else self.client
        return client.post(path, json=body, headers=headers)

    def revoke(self, key: str) -> None:
        """Take back every link to a document; in force on return."""
        document = {"zone": "clinic", "bucket": "documents", "key": key}
        answer = self.post("/admin/revoke", {"documents": [document]})
        assert answer.status_code in (200, 202), answer.text

    def link(self, key: str, rendition: str = "original", **wishes: object) -> str:
        """The path and query of a new link."""
        document = {"zone": "clinic", "bucket": "documents", "key": key}
        answer = self.post("/v1/links", {"documents": [document], **wishes})
        assert answer.status_code == 200, answer.text
        [issued] = answer.json()["links"]
        assert "template" in issued, issued
        path = "/d/" + str(issued["template"]).split("/d/", 1)[1]
        self.secrets.add(path.rpartition(".")[2])
        return path.replace("{rendition}", rendition)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it by its own pid; its exit status."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        return process.wait(timeout=60)

    def kill(self) -> None:
        """Take its whole group of processes away at once, with no time for a last word."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):  # all of them ended by themselves
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=60)

    def events(self, **facts: object) -> list[dict[str, Any]]:
        """The log's whole lines in which all `facts` hold."""
        lines = self.log.read_bytes().split(b"\n")[:-1]
        told: list[dict[str, Any]] = [json.loads(line) for line in lines if line[:1] == b"{"]
        return [event for event in told if facts.items() <= event.items()]

    def told(self, count: int, **facts: object) -> list[dict[str, Any]]:
        """`events`, as soon as there are so many: lines reach the log a moment late."""

        def enough() -> list[dict[str, Any]]:
            found = self.events(**facts)
            return found if len(found) >= count else []

        return list(within(20, enough, f"{count} lines with {facts}"))

    def blabbed(self) -> set[str]:
        """Names of documents, signatures of links, the token and the key, as the log tells them."""
        text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        return {secret for secret in self.secrets if secret in text}


def _toml(path: str, table: Mapping[str, Any]) -> str:
    plain = {name: value for name, value in table.items() if not _is_table(path, value)}
    tables = {name: value for name, value in table.items() if _is_table(path, value)}
    lines = [f"[{path}]", *(f"{name} = {_value(value)}" for name, value in plain.items())]
    return "\n".join([*lines, *(_toml(f"{path}.{name}", sub) for name, sub in tables.items())])


def _is_table(path: str, value: object) -> bool:
    return isinstance(value, Mapping) and path in ("stores", "zones", "cdn")


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_value(sub)}" for name, sub in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


@pytest.fixture(scope="session")
def spare_port() -> Callable[[], int]:
    """Finds ports that nobody listens on."""
    return free_port


@pytest.fixture(scope="module")
def gateway_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Gateway]]:
    """Make gateways: `gateway_in(clinic={"ttl": 60}).start()`; they end with the module.

    None of their logs may hold what a log must not.
    """
    made: list[Gateway] = []
    with ExitStack() as stack:

        def make(**tables: Mapping[str, object]) -> Gateway:
            gateway = Gateway(tmp_path_factory.mktemp("gateway"), **tables)
            stack.enter_context(closing(gateway.client))
            stack.enter_context(closing(gateway.operator))
            figures = figures_in_memory(gateway.data)
            stack.callback(shutil.rmtree, figures, ignore_errors=True)
            stack.callback(gateway.kill)
            made.append(gateway)
            return gateway

        yield make
    assert not set().union(*(gateway.blabbed() for gateway in made))
