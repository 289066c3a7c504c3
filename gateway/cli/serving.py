"""`ostiary serve`: answer requests until a signal."""

from __future__ import annotations

import os
from pathlib import Path

import click

from gateway.cli.invocation import config_option, settings_of
from gateway.configuration import locate
from gateway.serve import serve as run


@click.command()
@config_option
@click.option("--workers", type=click.IntRange(1, 256), help="Processes; default [server] workers.")
def serve(file: Path | None, workers: int | None) -> None:
    """Serve links, the API and, unless they have a port of their own, the admin routes."""
    if workers is not None:
        # The workers read the configuration themselves, and share the cores by this number.
        os.environ["OSTIARY_SERVER__WORKERS"] = str(workers)
    settings_of(file)
    raise click.exceptions.Exit(run(locate(file, os.environ)))
