"""`ostiary revoke` and `ostiary reinstate`; at work with or without a running server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypedDict, Unpack

import click

from gateway.app import signer_of
from gateway.cli.invocation import config_option, json_option, settings_of
from gateway.cli.naming import bucket_of, document_of, prefix_of, viewer_of, zone_of
from gateway.cli.outcomes import BY, carry_out, parts_of, wait_option
from gateway.documents import DocumentRef, Zone
from gateway.errors import RequestRefused
from gateway.parts import Parts
from gateway.purges.addresses import Addresses, opened_by
from gateway.state.receipts import PurgeStatus
from gateway.state.revocations import (
    bucket_scope,
    document_scope,
    key_scope,
    prefix_scope,
    restored,
    viewer_scope,
    zone_scope,
)
from signing.links import Signer


class Named(TypedDict):
    """What is revoked, in the words of the command line."""

    prefixes: tuple[str, ...]
    bucket: str
    zone: str
    viewers: tuple[str, ...]
    links: tuple[str, ...]
    keys: tuple[str, ...]


@click.command()
@config_option
@click.option("--document", "documents", multiple=True, metavar="ZONE/BUCKET/KEY")
@click.option("--prefix", "prefixes", multiple=True, metavar="ZONE/BUCKET/PREFIX/")
@click.option("--bucket", default="", metavar="ZONE/BUCKET", help="Everything of a bucket.")
@click.option("--zone", default="", help="Everything of a zone.")
@click.option("--viewer", "viewers", multiple=True, metavar="SUB", help="Refuse new links to SUB.")
@click.option(
    "--link", "links", multiple=True, metavar="URL|ID", help="Every link to what it opens."
)
@click.option("--key", "keys", multiple=True, metavar="KID", help="All that a key signed.")
@click.option(
    "--restored",
    "after_restore",
    is_flag=True,
    help="After a backup was restored: kill every link of --zone, whatever was revoked since.",
)
@wait_option
@json_option
def revoke(
    file: Path | None,
    documents: tuple[str, ...],
    after_restore: bool,
    wait: int,
    as_json: bool,
    **named: Unpack[Named],
) -> None:
    """Take back every link so far to documents, declared prefixes, a bucket or a zone.

    It holds at once and for good; new links can be issued right away. Shared caches are purged
    hard. Names are compared octet by octet. A viewer, named as in the `sub` of the token, gets
    no new links, and links bound to the viewer die; others given out before live to their end. A
    key is refused for good, and edges hold it until they are rendered again.
    `ostiary receipt show` tells what was taken back and what lives on.
    """
    settings = settings_of(file)
    zones = settings.zone_values()
    refs = [document_of(text, zones) for text in documents]
    signer = signer_of(settings)
    scopes = [*map(document_scope, refs), *_scopes(named, zones), *_keys(signer, named["keys"])]
    if not (scopes or named["links"]):
        raise click.UsageError(
            "name what is to be revoked: a document, link, prefix, bucket, zone, viewer or key"
        )
    if after_restore and (named["links"] or scopes != [zone_scope(named["zone"])]):
        raise click.UsageError("--restored goes with --zone, and with nothing else")
    with parts_of(settings) as (parts, runner):
        runner.run(_warn(parts, refs))
        linked = runner.run(_linked(parts, named["links"]))
        scopes += map(document_scope, linked)

        def ask(now: float) -> PurgeStatus:
            if after_restore:
                known = [zones[named["zone"]]]
                parts.database.write_now(lambda connection: restored(connection, known, now))
            return parts.purges.revoke_now(scopes, by=BY, now=now)

        runner.run(carry_out(parts, ask, wait, as_json=as_json))


def _scopes(named: Named, zones: Mapping[str, Zone]) -> Iterator[str]:
    for text in named["prefixes"]:
        zone, prefix = prefix_of(text, zones)
        yield prefix_scope(zone.name, prefix)
    if named["bucket"]:
        zone, bucket = bucket_of(named["bucket"], zones)
        yield bucket_scope(zone.name, bucket)
    if named["zone"]:
        yield zone_scope(zone_of(named["zone"], zones).name)
    for text in named["viewers"]:
        yield viewer_scope(viewer_of(text))


async def _linked(parts: Parts, links: Iterable[str]) -> list[DocumentRef]:
    zones = parts.rules.zones.values()
    homes = {bucket: zone.name for zone in zones for bucket in zone.buckets}
    addresses = Addresses(parts.rules.signer, lambda bucket: homes.get(bucket, ""))
    try:
        return [await opened_by(link, addresses, parts.ledger) for link in links]
    except RequestRefused:
        raise click.BadParameter("a --link is no link of ours: give it whole, or its id") from None


def _keys(signer: Signer, kids: Iterable[str]) -> Iterator[str]:
    for kid in kids:
        if kid not in signer.kids:
            raise click.BadParameter(f"there is no key {kid!r}")
        if kid == signer.active:
            raise click.BadParameter(
                f"{kid} signs every new link: make another key active first, and reload"
            )
        yield key_scope(kid)


@click.command()
@config_option
@click.argument("viewers", nargs=-1, required=True, metavar="SUB...")
@json_option
def reinstate(file: Path | None, viewers: tuple[str, ...], as_json: bool) -> None:
    """Let viewers who were revoked have new links again."""
    subjects = list(map(viewer_of, viewers))
    with parts_of(settings_of(file)) as (parts, runner):

        def ask(now: float) -> PurgeStatus:
            return parts.purges.reinstate_now(subjects, by=BY, now=now)

        runner.run(carry_out(parts, ask, 0, as_json=as_json))


async def _warn(parts: Parts, refs: list[DocumentRef]) -> None:
    """A slip in a name would leave the real document's links alive: say what looks like one."""
    for ref in refs:
        if not await parts.ledger.of_document(ref.id, 1):
            name = f"{ref.zone}/{ref.bucket}/{ref.key}"
            click.echo(f"Note: no link to {name} was issued by this gateway.", err=True)
