"""`ostiary purge` and `ostiary revoke`: at work with or without a running server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import time

import click

from cdn.purge import PurgeState
from gateway.app import Parts, compose
from gateway.cli.invocation import config_option, document_of, settings_of
from gateway.errors import GatewayError, RequestRefused
from gateway.purges import PurgeRequest, PurgeWorker
from gateway.state.receipts import PurgeStatus
from gateway.state.revocations import (
    bucket_scope,
    document_scope,
    prefix_scope,
    restored,
    zone_scope,
)

BY = "cli"
_documents = click.option("--document", "documents", multiple=True, metavar="ZONE/BUCKET/KEY")
_zone = click.option("--zone", default="", help="Everything of a zone.")
_bucket = click.option(
    "--bucket", default="", metavar="ZONE/BUCKET", help="Everything of a bucket."
)
_wait = click.option(
    "--wait", type=click.IntRange(0, 300), default=5, show_default=True, help="Seconds to wait."
)


@click.command()
@config_option
@_documents
@_bucket
@_zone
@click.option("--tag", "tags", multiple=True, help="A tag, as `ostiary explain` shows it.")
@click.option("--hard", is_flag=True, help="Remove instead of marking stale.")
@_wait
def purge(
    file: Path | None, documents: tuple[str, ...], tags: tuple[str, ...], **options: object
) -> None:
    """Have shared caches forget documents, tags, a bucket or a zone."""
    parts = _parts(file)
    refs = tuple(document_of(text, parts.zones) for text in documents)
    zone, bucket = _place(str(options["zone"]), str(options["bucket"]))

    def ask(now: float) -> PurgeStatus:
        request = PurgeRequest(documents=refs, tags=tags, zone=zone, bucket=bucket)
        return parts.purges.ask_now(
            request, soft=not options["hard"], by=BY, reason="asked on the command line", now=now
        )

    _carry_out(parts, ask, options["wait"])


@click.command()
@config_option
@_documents
@_bucket
@_zone
@click.option("--prefix", default="", metavar="ZONE/BUCKET/PREFIX/", help="A declared prefix.")
@click.option(
    "--restored",
    "after_restore",
    is_flag=True,
    help="After a backup was restored: kill every link of --zone, whatever was revoked since.",
)
@_wait
def revoke(file: Path | None, documents: tuple[str, ...], **options: object) -> None:
    """Take access back: every link so far to documents, a prefix, a bucket or a zone."""
    parts = _parts(file)
    scopes = [document_scope(document_of(text, parts.zones)) for text in documents]
    zone, bucket = _place(str(options["zone"]), str(options["bucket"]))
    if options["prefix"]:
        owner, _, prefix = str(options["prefix"]).partition("/")
        scopes.append(prefix_scope(owner, prefix))
    if bucket:
        scopes.append(bucket_scope(zone, bucket))
    elif zone:
        scopes.append(zone_scope(zone))

    def ask(now: float) -> PurgeStatus:
        if options["after_restore"]:
            _make_up_for_restore(parts, zone, now)
        return parts.purges.revoke_now(scopes, by=BY, now=now)

    _carry_out(parts, ask, options["wait"])


def _make_up_for_restore(parts: Parts, zone: str, now: float) -> None:
    if zone not in parts.zones:
        raise click.UsageError("--restored needs the --zone that was restored")
    parts.database.write_now(lambda connection: restored(connection, [parts.zones[zone]], now))


def _place(zone: str, bucket: str) -> tuple[str, str]:
    """Zone and bucket of the two options; a bucket is given with its zone."""
    if not bucket:
        return zone, ""
    owner, _, name = bucket.partition("/")
    if not name or (zone and zone != owner):
        raise click.BadParameter(f"{bucket!r} is not zone/bucket")
    return owner, name


def _parts(file: Path | None) -> Parts:
    try:
        return compose(settings_of(file))
    except GatewayError as error:
        raise click.ClickException(str(error)) from None


def _carry_out(parts: Parts, ask: Callable[[float], PurgeStatus], wait: object) -> None:
    try:
        status = ask(time())
        click.echo(f"{status.id} is written and will be carried out")
        status = asyncio.run(_watched(parts, status, float(str(wait))))
    except RequestRefused as refusal:
        raise click.ClickException(refusal.detail) from None
    except GatewayError as error:
        raise click.ClickException(str(error)) from None
    for provider in status.providers:
        click.echo(f"{provider.provider:<12} {provider.state.value} {provider.error}".rstrip())
    click.echo(f"{'in all':<12} {status.state.value}")
    if status.state is PurgeState.FAILED:
        raise click.exceptions.Exit(1)


async def _watched(parts: Parts, status: PurgeStatus, wait: float) -> PurgeStatus:
    """A running server carries it out; without one, this process does."""
    worker = PurgeWorker(parts.database, parts.providers)
    working = asyncio.create_task(worker.run())
    try:
        return await parts.purges.wait(status.id, wait) or status
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await parts.close()
