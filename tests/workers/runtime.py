"""workerd, what Cloudflare's Workers run in, installed from the lock beside this file."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clients.node import found, installed
from tests.workers.verdicts import NOW

HERE = Path(__file__).parent
PROGRAM = "node_modules/@cloudflare/workerd-linux-64/bin/workerd"
SCRIPT = """using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "internet", network = (allow = ["private"])),
%(services)s
  ],
  sockets = [
%(sockets)s
  ],
);
"""
SERVICE = """    (name = "%(name)s", worker = (
      modules = [
        (name = "main.mjs", esModule = embed "%(name)s.mjs"),
        (name = "worker.mjs", esModule = embed "%(name)s-worker.mjs"),
      ],
      compatibilityDate = "2026-11-01",
      bindings = [(name = "OSTIARY_SHIELD", text = "shield-of-the-tests")],
    )),"""
SOCKET = """    (name = "%(name)s", address = "127.0.0.1:0", http = (), service = "%(name)s"),"""
# Stands before a Worker: the vectors' time, a fault, and a way in for URLs that HTTP can not carry.
MAIN = """import worker from "worker.mjs";
const now = %(now)d * 1000;
Date.now = () => now;
%(fault)s
export default {
  async fetch(request, env) {
    if (request.method !== "PUT") return worker.fetch(request, env);
    const { origin, targets } = await request.json();
    const seen = [];
    for (const target of targets) {
      const url = origin + target;
      const asked = { url, method: "GET", headers: new Headers(), body: null };
      const answer = await worker.fetch(asked, env);
      seen.push([answer.status, await answer.text()]);
    }
    return Response.json(seen);
  },
};
"""


class Worker(NamedTuple):
    """A Worker's text, and a statement that breaks something before it is asked."""

    text: str
    fault: str = ""


class Answer(NamedTuple):
    status: int
    fields: dict[str, str]
    body: str


def program() -> Path:
    """The program; skips where there is none for this machine."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("NOT TESTED: workerd is locked for Linux on x86-64 alone")
    node, npm = found()
    return installed(node, npm, HERE) / PROGRAM


@contextmanager
def running(folder: Path, workers: Mapping[str, Worker]) -> Iterator[dict[str, int]]:
    """Each worker's port by its name."""
    for name, worker in workers.items():
        (folder / f"{name}-worker.mjs").write_text(worker.text, encoding="utf-8")
        (folder / f"{name}.mjs").write_text(
            MAIN % {"now": NOW, "fault": worker.fault}, encoding="utf-8"
        )
    parts = {
        "services": "\n".join(SERVICE % {"name": name} for name in workers),
        "sockets": "\n".join(SOCKET % {"name": name} for name in workers),
    }
    (folder / "config.capnp").write_text(SCRIPT % parts, encoding="utf-8")
    reading, writing = os.pipe()
    with (folder / "log").open("wb") as log:
        command = [program(), "serve", f"--control-fd={writing}", folder / "config.capnp"]
        process = subprocess.Popen(command, stdout=log, stderr=log, pass_fds=[writing])
    os.close(writing)
    watch = threading.Timer(60, process.kill)
    watch.start()
    try:
        with os.fdopen(reading) as told:
            ports = dict(_listening(next(told, "")) for _ in workers)
            watch.cancel()
            assert len(ports) == len(workers), (folder / "log").read_text()
            yield ports
    finally:
        watch.cancel()
        process.kill()
        process.wait()


def _listening(line: str) -> tuple[str, int]:
    said = json.loads(line or '{"socket": "", "port": 0}')
    return str(said["socket"]), int(said["port"])


def ask(
    port: int, host: str, target: str, method: str = "GET", body: str = "", **fields: str
) -> Answer:
    """The answer to a target that goes over the wire octet for octet."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"Content-Length: {len(body)}"] if body else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    with socket.create_connection(("127.0.0.1", port), 30) as wire:
        wire.sendall("\r\n".join([*lines, "", body]).encode("latin-1"))
        raw = b"".join(iter(lambda: wire.recv(65536), b""))
    head, _, sent = raw.decode("latin-1").partition("\r\n\r\n")
    first, *rest = head.split("\r\n")
    told = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
    return Answer(int(first.split()[1]), told, sent)
