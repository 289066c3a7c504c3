"""`ostiary serve`: answer requests until a signal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from time import time

import click

from gateway.cli.invocation import config_option, settings_of
from gateway.configuration import locate
from gateway.errors import ConfigurationError, Fault, GatewayError
from gateway.fronts.certificates import CertificateFiles
from gateway.serve import serve as run
from gateway.settings import Settings
from gateway.state.database import Database
from gateway.stores.opening import open_store


@click.command()
@config_option
@click.option("--workers", type=click.IntRange(1, 256), help="Processes; default [server] workers.")
def serve(file: Path | None, workers: int | None) -> None:
    """Serve links, the API and, unless they have a port of their own, the admin routes.

    Logs are JSON lines on standard error. SIGTERM and SIGINT let deliveries end first.
    """
    if workers is not None:
        # The workers read the configuration themselves, and share the cores by this number.
        os.environ["OSTIARY_SERVER__WORKERS"] = str(workers)
    if faults := list(_faults(settings_of(file))):
        raise ConfigurationError(faults)
    raise click.exceptions.Exit(run(locate(file, os.environ)))


def _faults(settings: Settings) -> Iterator[Fault]:
    """What every worker would stumble over, told once and before any is started."""
    for name, address in settings.addresses().items():
        try:
            open_store(address, where=f"stores.{name}.url")
        except ConfigurationError as error:
            yield from error.faults
    yield from CertificateFiles.of(settings.server).faults(time())
    try:
        Database.open(settings.server.database).close()
    except ConfigurationError as error:
        yield from error.faults
    except GatewayError as error:
        yield Fault("server.data", str(error), "a folder that this user may write to")
