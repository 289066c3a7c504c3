"""`ostiary doctor`: try everything once that a start or a first request would need."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import click
import PIL

from gateway.app import Parts, compose
from gateway.cli.invocation import config_option, settings_of
from gateway.errors import GatewayError
from gateway.settings import Settings
from imaging.errors import ImagingError

ROOM = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `hint` tells how to mend it."""

    name: str
    well: bool
    what: str
    hint: str = ""


@click.command()
@config_option
def doctor(file: Path | None) -> None:
    """Check configuration, data folder, stores, render workers and CDNs."""
    settings = settings_of(file)
    findings = [Finding("configuration", True, "holds every rule"), *_about_keys(settings)]
    findings += [_data_folder(Path(settings.server.data))]
    findings += asyncio.run(_look(settings))
    for finding in findings:
        mark = click.style("ok  ", fg="green") if finding.well else click.style("FAIL", fg="red")
        hint = f" ({finding.hint})" if finding.hint and not finding.well else ""
        click.echo(f"{mark} {finding.name}: {finding.what}{hint}")
    if not all(finding.well for finding in findings):
        raise click.exceptions.Exit(1)


def _about_keys(settings: Settings) -> list[Finding]:
    keys = settings.signing.keys
    told = f"{len(keys)} signing, {settings.signing.active or next(iter(keys))} signs"
    guarded = bool(settings.admin.tokens or settings.admin.token)
    return [
        Finding("keys", True, told),
        Finding(
            "operators",
            guarded,
            "tokens are set" if guarded else "nobody can issue, purge or revoke by the API",
            "put the SHA-256 of a token into [admin] tokens",
        ),
    ]


def _data_folder(data: Path) -> Finding:
    try:
        data.mkdir(parents=True, exist_ok=True)
        probe = data / f".doctor-{token_hex(4)}"
        probe.write_bytes(b"x")
        probe.unlink()
        free = shutil.disk_usage(data).free
    except OSError as error:
        return Finding("data folder", False, os.strerror(error.errno or 0), "make it writable")
    return Finding(
        "data folder", free > ROOM, f"writable, {free >> 20} MiB free", "make room on the disk"
    )


async def _look(settings: Settings) -> list[Finding]:
    try:
        parts = compose(settings)
    except GatewayError as error:
        return [Finding("parts", False, str(error))]
    try:
        return [
            finding
            for group in (_stores(parts), _workers(parts), _cdns(parts))
            async for finding in group
        ]
    finally:
        await parts.close()


async def _stores(parts: Parts) -> AsyncIterator[Finding]:
    for name, store in parts.stores.items():
        try:
            await store.check()
        except GatewayError as error:
            hint = "check its address, its credentials and its buckets"
            yield Finding(f"store {name}", False, str(error) or type(error).__name__, hint)
        else:
            yield Finding(f"store {name}", True, f"{store.kind}, answers")


async def _workers(parts: Parts) -> AsyncIterator[Finding]:
    try:
        await parts.pool.start()
    except ImagingError as error:
        yield Finding("render workers", False, str(error), "look at memory limits and Pillow")
    else:
        yield Finding("render workers", True, f"{len(parts.pool.pids)}, Pillow {PIL.__version__}")


async def _cdns(parts: Parts) -> AsyncIterator[Finding]:
    """Purge a tag that nothing has: address and secret are right when the CDN takes it."""
    for name, provider in parts.providers.items():
        try:
            receipt = await provider.purge([f"x-{token_hex(8)}"], soft=False)
        except Exception as error:
            hint = "check [cdn] url and secret"
            yield Finding(f"cdn {name}", False, str(error) or type(error).__name__, hint)
        else:
            yield Finding(f"cdn {name}", True, receipt.detail or "took a purge")
