"""`ostiary config`: what the settings came out as, and where each was said."""

from __future__ import annotations

import os
from pathlib import Path

import click

from gateway.configuration import load, locate
from gateway.configuration.listing import listing
from gateway.errors import ConfigurationError


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
@click.option("--origin", is_flag=True, help="Say for each value where it came from.")
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to read; else OSTIARY_CONFIG, else ostiary.toml here.",
)
def show(origin: bool, file: Path | None) -> None:
    """Print every setting with its effective value; secrets are masked."""
    try:
        configuration = load(locate(file, os.environ), os.environ)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from None
    click.echo(listing(configuration, origins=origin), nl=False)
