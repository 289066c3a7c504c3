"""`ostiary receipt`: what a revocation took back and what lives on, shown and checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import BinaryIO

import click

from gateway.cli.generations import key_revoked_at
from gateway.cli.invocation import config_option, settings_of
from gateway.cli.outcomes import parts_of
from gateway.cli.refused import asked
from gateway.receipts import LONGEST, Found, Receipts, judged
from signing.receipts import Sealer

SAID: dict[Found, str] = {
    "good": "good: unchanged since it was sealed, and confirmed",
    "unconfirmed": "unchanged, but not confirmed: copies may live on; ask for it again later",
    "altered": "ALTERED: it is not what was sealed",
    "unknown-key": "sealed with a key that is not configured here: nothing can be told",
    "revoked-key": "sealed with a key that was revoked, as others may: ask for it again",
    "no-seal": "no receipt: its seal has no such form",
    "no-receipt": "no receipt of ostiary's",
}
CODES: dict[Found, int] = {"good": 0, "unconfirmed": 3, "unknown-key": 4, "revoked-key": 4}


@click.group()
def receipt() -> None:
    """Tell what was taken back, and check what was told."""


@receipt.command()
@config_option
@click.argument("purge", metavar="ID")
def show(file: Path | None, purge: str) -> None:
    """Print the sealed receipt of a revocation, named by the id that `revoke` told.

    It says what was taken back, what each CDN answered and when, and what lives on. Documents and
    viewers are told by hashes.
    """
    settings = settings_of(file)
    with parts_of(settings) as (parts, runner):
        receipts = Receipts(parts.database, Sealer(settings.signing.key_ring()))
        # What is no text has no id of ours.
        found = runner.run(receipts.sealed(purge)) if purge.isascii() else None
    if found is None:
        raise click.ClickException("no revocation has this id; other purges have no receipt")
    click.echo(json.dumps(found, indent=2, sort_keys=True))


@receipt.command()
@config_option
@click.argument("text", type=click.File("rb"), metavar="FILE")
@click.pass_context
def verify(context: click.Context, file: Path | None, text: BinaryIO) -> None:
    """Check a receipt in FILE, or from standard input with `-`.

    Exits with 0 for a good one, 3 for one that was not confirmed yet, 4 where the key that sealed
    it is not configured or was revoked, and 1 for anything else.
    """
    settings = settings_of(file)
    database = settings.server.database
    found = judged(
        Sealer(settings.signing.key_ring()),
        text.read(LONGEST + 1),
        lambda kid: key_revoked_at(kid, database) > 0,
    )
    click.echo(SAID[found])
    context.exit(CODES.get(found, 1))


@receipt.command()
@config_option
@click.argument("purge", metavar="ID")
@click.pass_context
def check(context: click.Context, file: Path | None, purge: str) -> None:
    """Ask the CDNs of a confirmed revocation for what it took back.

    Links that it killed, as they were given out, are asked for at the `public_url` of their zone,
    the 20 newest. Exits with 0 when each is refused, 1 when one gives something away, 3 when the
    revocation is not confirmed yet, and 4 when nothing can be told.
    """
    with parts_of(settings_of(file)) as (parts, runner):
        context.exit(runner.run(asked(parts, purge)))
