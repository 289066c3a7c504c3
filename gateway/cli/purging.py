"""`ostiary purge`: shared caches forget; at work with or without a running server."""

from __future__ import annotations

from pathlib import Path
from time import time
from typing import TypedDict, Unpack

import click

from gateway.api.answers import listed_answer, plan_answer
from gateway.app import signer_of
from gateway.cli.invocation import config_option, echo_json, json_option, settings_of
from gateway.cli.naming import bucket_of, document_of, folder_of, prefix_of, zone_of
from gateway.cli.outcomes import BY, carry_out, parts_of, tell_dead, tell_plan, wait_option
from gateway.errors import RequestRefused
from gateway.operators.scoping import Scoping
from gateway.purges import PurgeRequest
from gateway.purges.addresses import Addresses
from gateway.settings import Settings
from gateway.state.receipts import PurgeStatus

_LISTED = 1_000


class Named(TypedDict):
    """What caches are to forget, in the words of the command line."""

    documents: tuple[str, ...]
    prefixes: tuple[str, ...]
    folders: tuple[str, ...]
    urls: tuple[str, ...]
    tags: tuple[str, ...]
    bucket: str
    zone: str


@click.command()
@config_option
@click.option("--document", "documents", multiple=True, metavar="ZONE/BUCKET/KEY")
@click.option("--prefix", "prefixes", multiple=True, metavar="ZONE/BUCKET/PREFIX/")
@click.option(
    "--folder",
    "folders",
    multiple=True,
    metavar="ZONE/BUCKET/FOLDER/",
    help="What lies in any folder, and not in those below.",
)
@click.option("--url", "urls", multiple=True, help="A link, as it was issued.")
@click.option("--bucket", default="", metavar="ZONE/BUCKET", help="Everything of a bucket.")
@click.option("--zone", default="", help="Everything of a zone.")
@click.option("--tag", "tags", multiple=True, help="A tag, as `ostiary explain` shows it.")
@click.option("--hard", is_flag=True, help="Remove instead of marking stale.")
@click.option("--dry-run", is_flag=True, help="Only: tell what would be purged.")
@click.option("--dead", is_flag=True, help="Only: list the purges that a CDN refused for good.")
@click.option("--requeue", default="", metavar="CDN", help="Only: try its dead purges again.")
@wait_option
@json_option
def purge(
    file: Path | None,
    hard: bool,
    dry_run: bool,
    dead: bool,
    requeue: str,
    wait: int,
    as_json: bool,
    **named: Unpack[Named],
) -> None:
    """Have shared caches forget documents, links, folders, prefixes, tags, a bucket or a zone.

    Links stay good: the next request brings new bytes. To take access back, use `revoke`.
    """
    settings = settings_of(file)
    if requeue:
        _requeue(settings, requeue)
        return
    if dead:
        _list_dead(settings, as_json=as_json)
        return
    request = _request(named, settings)
    with parts_of(settings) as (parts, runner):
        if dry_run:
            plan = runner.run(parts.purges.plan(request, soft=not hard))
            echo_json(plan_answer(plan)) if as_json else tell_plan(plan)
            return

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


def _list_dead(settings: Settings, *, as_json: bool) -> None:
    with parts_of(settings) as (parts, runner):
        found = runner.run(parts.purges.latest(failed=True, limit=_LISTED))
    if as_json:
        echo_json([listed_answer(status) for status in found])
        return
    for status in found:
        tell_dead(status)
    if not found:
        click.echo("no purge is dead")


def _request(named: Named, settings: Settings) -> PurgeRequest:
    zones = settings.zone_values()
    if named["zone"] and named["bucket"]:
        raise click.UsageError("name a zone or a bucket, not both: ZONE/BUCKET has its zone")
    zone, bucket = named["zone"], ""
    if named["bucket"]:
        owner, bucket = bucket_of(named["bucket"], zones)
        zone = owner.name
    elif zone:
        zone_of(zone, zones)
    owners = [prefix_of(text, zones) for text in named["prefixes"]]
    folders = [folder_of(text, zones) for text in named["folders"]]
    addresses = Addresses(signer_of(settings), Scoping(zones).owner)
    try:
        return PurgeRequest(
            documents=tuple(document_of(text, zones) for text in named["documents"]),
            prefixes=tuple((owner.name, prefix) for owner, prefix in owners),
            folders=tuple((owner.name, folder) for owner, folder in folders),
            urls=tuple(map(addresses.read, named["urls"])),
            tags=named["tags"],
            zone=zone,
            bucket=bucket,
        )
    except RequestRefused as refusal:
        raise click.UsageError(refusal.detail) from None
