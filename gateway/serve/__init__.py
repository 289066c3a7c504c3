"""Serving: sockets, worker processes, and how they end."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import structlog

from gateway.guard import Limits
from gateway.serve.plan import Listeners, Plan, PortTaken, listen
from gateway.serve.supervisor import Supervisor
from gateway.serve.worker import Applications, work
from gateway.telemetry import LineWriter, configure

__all__ = ["Applications", "Plan", "run", "serve"]

FACTORY = "gateway.serve.composed:applications"

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
    )
    return run(plan, server.host, server.port, settings.admin.port, Path(server.data))


def run(plan: Plan, host: str, port: int, admin_port: int | None, data: Path) -> int:
    """Listen and serve: with one worker in this process, with more under a supervisor."""
    try:
        listeners = _listeners(host, port, admin_port)
    except PortTaken as error:
        print(f"ostiary: {error}", file=sys.stderr)
        return 1
    if plan.workers > 1:
        _share_figures(data / "metrics")
    writer = LineWriter()
    configure(writer)
    _announce(plan, listeners)
    try:
        if plan.workers == 1:
            return work(plan, listeners, writer)
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


def _share_figures(folder: Path) -> None:
    """Give the workers an empty folder for their figures, before any of them looks for it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder.resolve())
