"""What the commands have in common: the configuration they read, and how they print."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.configuration import DEFAULT_FILE, load, locate
from gateway.errors import ConfigurationError, Fault
from gateway.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def config_option(command: Command) -> Command:
    """Add `--config FILE` to a command."""
    return click.option(
        "--config",
        "file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The configuration; else OSTIARY_CONFIG, else ostiary.toml here.",
    )(command)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def settings_of(file: Path | None) -> Settings:
    """The settings. Raises `ConfigurationError`; where no file was found, that is a fault too."""
    found = locate(file, os.environ)
    try:
        return load(found, os.environ).settings
    except ConfigurationError as error:
        if found is not None:
            raise
        what, hint = "there is none here", "name one with --config, or try `ostiary demo`"
        raise ConfigurationError([Fault(DEFAULT_FILE, what, hint), *error.faults]) from None


def address_of(settings: Settings) -> str:
    """Scheme, host and port under which a server with these settings is reached from here."""
    host = _EVERYWHERE.get(settings.server.host, settings.server.host)
    scheme = "https" if settings.server.certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.server.port}"


def echo_json(value: object) -> None:
    """One JSON value on one line."""
    click.echo(json.dumps(value, ensure_ascii=False))
