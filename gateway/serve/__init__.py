"""Serving: sockets, worker processes, and how they end."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import structlog

from gateway.fronts.certificates import CertificateFiles
from gateway.guard import Limits
from gateway.serve.plan import Listeners, Plan, PortTaken, listen
from gateway.serve.supervisor import Supervisor
from gateway.serve.worker import Applications, work
from gateway.telemetry import LineWriter, configure

__all__ = ["Applications", "Plan", "figures_in_memory", "run", "serve"]

FACTORY = "gateway.serve.composed:applications"
MEMORY = Path("/dev/shm")

_log = structlog.stdlib.get_logger(__name__)


def serve(config: Path | None, *, workers: int = 0) -> int:
    """Serve what the configuration says until a signal; returns the process's exit status.

    `workers` 0 takes the number from the settings. Raises `ConfigurationError`.
    """
    # Every worker imports this package to be spawned; the settings' models would double its start.
    from gateway.configuration import load

    settings = load(config, os.environ).settings
    server = settings.server
    plan = Plan(
        factory=FACTORY,
        config=config,
        workers=workers or server.workers,
        drain=server.shutdown_timeout,
        limits=Limits(head=server.header_timeout, connections=server.max_connections),
        certificates=CertificateFiles.of(server),
    )
    return run(plan, server.host, server.port, settings.admin.port, Path(server.data))


def run(plan: Plan, host: str, port: int, admin_port: int | None, data: Path) -> int:
    """Listen and serve: with one worker in this process, with more under a supervisor."""
    try:
        listeners = _listeners(host, port, admin_port)
    except PortTaken as error:
        print(f"ostiary: {error}", file=sys.stderr)
        return 1
    writer = LineWriter()
    configure(writer)
    _announce(plan, listeners)
    try:
        if plan.workers == 1:
            return work(plan, listeners, writer)
        with _figures(data):
            return Supervisor(plan, listeners).run()
    finally:
        writer.close()


def _listeners(host: str, port: int, admin_port: int | None) -> Listeners:
    main = listen(host, port)
    try:
        return Listeners(main, None if admin_port is None else listen(host, admin_port))
    except PortTaken:
        main.close()
        raise


def _announce(plan: Plan, listeners: Listeners) -> None:
    host, port = listeners.main.getsockname()[:2]
    _log.info(
        "listening",
        address=f"{host}:{port}",
        admin=listeners.admin_port if listeners.admin else None,
        workers=plan.workers,
    )


@contextmanager
def _figures(data: Path) -> Generator[None]:
    """Give the workers an empty folder for their figures, before any of them looks for it."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        folder = _emptied(figures_in_memory(data))
    except OSError:  # no such place, or another user's folder
        folder = _emptied(data / "metrics")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder.resolve())
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def figures_in_memory(data: Path) -> Path:
    """The folder for the figures of the gateway over `data`; it goes when the gateway ends well.

    In memory, since the files are mapped: on a full disk the kernel kills who touches a page that
    it finds no room for (mmap(2), SIGBUS).
    """
    return MEMORY / f"ostiary-{sha256(os.fsencode(data.resolve())).hexdigest()[:16]}"


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder
