"""`ostiary purge`: shared caches forget; at work with or without a running server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import time
from typing import TypedDict, Unpack

import click

from gateway.cli.invocation import config_option, json_option, settings_of
from gateway.cli.naming import bucket_of, document_of, prefix_of, zone_of
from gateway.cli.outcomes import BY, carry_out, parts_of, wait_option
from gateway.documents import Zone
from gateway.errors import RequestRefused
from gateway.purges import PurgeRequest
from gateway.settings import Settings
from gateway.state.receipts import PurgeStatus


class Named(TypedDict):
    """What caches are to forget, in the words of the command line."""

    documents: tuple[str, ...]
    prefixes: tuple[str, ...]
    tags: tuple[str, ...]
    bucket: str
    zone: str


@click.command()
@config_option
@click.option("--document", "documents", multiple=True, metavar="ZONE/BUCKET/KEY")
@click.option("--prefix", "prefixes", multiple=True, metavar="ZONE/BUCKET/PREFIX/")
@click.option("--bucket", default="", metavar="ZONE/BUCKET", help="Everything of a bucket.")
@click.option("--zone", default="", help="Everything of a zone.")
@click.option("--tag", "tags", multiple=True, help="A tag, as `ostiary explain` shows it.")
@click.option("--hard", is_flag=True, help="Remove instead of marking stale.")
@click.option("--requeue", default="", metavar="CDN", help="Only: try its dead purges again.")
@wait_option
@json_option
def purge(
    file: Path | None,
    hard: bool,
    requeue: str,
    wait: int,
    as_json: bool,
    **named: Unpack[Named],
) -> None:
    """Have shared caches forget documents, declared prefixes, tags, a bucket or a zone.

    Links stay good: the next request brings new bytes. To take access back, use `revoke`.
    """
    settings = settings_of(file)
    if requeue:
        _requeue(settings, requeue)
        return
    request = _request(named, settings.zone_values())
    with parts_of(settings) as (parts, runner):

        def ask(now: float) -> PurgeStatus:
            reason = "asked on the command line"
            return parts.purges.ask_now(request, soft=not hard, by=BY, reason=reason, now=now)

        runner.run(carry_out(parts, ask, wait, as_json=as_json))


def _requeue(settings: Settings, name: str) -> None:
    """Queue what a CDN refused for good, say after its secret was set right."""
    if name not in settings.cdn:
        known = ", ".join(settings.cdn) or "none"
        raise click.BadParameter(f"no CDN {name!r}; there are: {known}", param_hint="--requeue")
    with parts_of(settings) as (parts, runner):
        count = runner.run(parts.purges.requeue(name, now=time()))
    click.echo(f"{count} queued again; a running server carries them out")


def _request(named: Named, zones: Mapping[str, Zone]) -> PurgeRequest:
    if named["zone"] and named["bucket"]:
        raise click.UsageError("name a zone or a bucket, not both: ZONE/BUCKET has its zone")
    zone, bucket = named["zone"], ""
    if named["bucket"]:
        owner, bucket = bucket_of(named["bucket"], zones)
        zone = owner.name
    elif zone:
        zone_of(zone, zones)
    owners = [prefix_of(text, zones) for text in named["prefixes"]]
    try:
        return PurgeRequest(
            documents=tuple(document_of(text, zones) for text in named["documents"]),
            prefixes=tuple((owner.name, prefix) for owner, prefix in owners),
            tags=named["tags"],
            zone=zone,
            bucket=bucket,
        )
    except RequestRefused as refusal:
        raise click.UsageError(refusal.detail) from None
