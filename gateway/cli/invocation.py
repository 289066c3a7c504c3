"""What the commands have in common: finding the configuration, naming documents, failing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.configuration import load, locate
from gateway.documents import DocumentRef, Zone
from gateway.errors import ConfigurationError
from gateway.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])


def config_option(command: Command) -> Command:
    """Add `--config FILE` to a command."""
    return click.option(
        "--config",
        "file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The configuration; else OSTIARY_CONFIG, else ostiary.toml here.",
    )(command)


def settings_of(file: Path | None) -> Settings:
    """The settings, or the end of the command with every fault on its own line."""
    try:
        return load(locate(file, os.environ), os.environ).settings
    except ConfigurationError as error:
        raise click.ClickException(
            "the configuration has faults:\n" + "\n".join(f"  {fault}" for fault in error.faults)
        ) from None


def document_of(text: str, zones: Mapping[str, Zone]) -> DocumentRef:
    """The document that `zone/bucket/key` names."""
    zone, _, rest = text.partition("/")
    bucket, _, key = rest.partition("/")
    if not key:
        raise click.BadParameter(f"{text!r} is not zone/bucket/key")
    if zone not in zones:
        raise click.BadParameter(f"no zone {zone!r}; there are: {', '.join(zones) or 'none'}")
    if bucket not in zones[zone].buckets:
        known = ", ".join(zones[zone].buckets)
        raise click.BadParameter(f"zone {zone} has no bucket {bucket!r}; it has: {known}")
    return DocumentRef(zone, bucket, key)


def target_of(url: str) -> tuple[bytes, bytes]:
    """The raw path and query of a link, given whole or from its path on."""
    path = url.strip()
    if "://" in path:
        path = "/" + path.split("://", 1)[1].partition("/")[2]
    raw_path, _, query = path.partition("?")
    try:
        return raw_path.encode("ascii"), query.encode("ascii")
    except UnicodeEncodeError:
        raise click.BadParameter("a link is plain ASCII; was it decoded on its way?") from None
