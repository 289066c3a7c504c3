"""What a worker of the gateway serves, made from its configuration."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.app import compose
from gateway.applications import build
from gateway.configuration import load
from gateway.telemetry import Draining, LineWriter, Telemetry
from gateway.wire.asgi import App


@dataclass(frozen=True, slots=True)
class Composed:
    """The applications with the ear for what the socket guard refuses."""

    main: App
    admin: App | None
    start: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]
    refused: Callable[[str], None]


def applications(config: Path | None, writer: LineWriter, draining: Draining) -> Composed:
    """Read the configuration and compose everything. Raises `ConfigurationError`."""
    settings = load(config, os.environ).settings
    telemetry = Telemetry(settings.server.region, writer)
    built = build(compose(settings, metrics=telemetry.metrics), telemetry, draining)
    return Composed(built.main, built.admin, built.start, built.close, telemetry.metrics.refused)
