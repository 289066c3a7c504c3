"""`ostiary sign` and `ostiary verify`: links on the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from time import time

import click

from gateway.answers import link_answer
from gateway.app import compose, signer_of
from gateway.auth import Operator
from gateway.cli.invocation import config_option, document_of, settings_of, target_of
from gateway.errors import GatewayError
from gateway.issue import Issued, LinksCall, Refused, Wanted
from gateway.problems import problem_for
from gateway.settings import SCOPES, Settings
from signing.errors import LinkExpired, SigningError


@click.command()
@config_option
@click.option("--grant", default="all", help="all, original, previews or x-NAME.")
@click.option("--rendition", default="", help="The rendition that the printed link opens.")
@click.option("--download", is_flag=True, help="Let browsers save it instead of showing it.")
@click.option("--expires-in", type=click.IntRange(min=1), help="Seconds; default two windows.")
@click.option("--pinned", is_flag=True, help="Only this version, never a later one.")
@click.option("--json", "as_json", is_flag=True, help="Print all that the API would answer.")
@click.argument("documents", nargs=-1, required=True, metavar="ZONE/BUCKET/KEY...")
def sign(
    file: Path | None, documents: tuple[str, ...], rendition: str, as_json: bool, **wishes: object
) -> None:
    """Issue links; each is in the ledger before it is printed."""
    settings = settings_of(file)
    zones = settings.zone_values()
    refs = [document_of(text, zones) for text in documents]
    call = LinksCall(
        documents=[Wanted(zone=ref.zone, bucket=ref.bucket, key=ref.key) for ref in refs],
        grant=str(wishes["grant"]),
        disposition="download" if wishes["download"] else "inline",
        expires_in=wishes["expires_in"] if isinstance(wishes["expires_in"], int) else None,
        pinned=bool(wishes["pinned"]),
    )
    failed = False
    for answer in asyncio.run(_issue(settings, call)):
        if as_json:
            click.echo(json.dumps(link_answer(answer), ensure_ascii=False))
        elif isinstance(answer, Issued):
            click.echo(_url(answer, rendition))
        failed |= isinstance(answer, Refused)
        if isinstance(answer, Refused) and not as_json:
            problem = problem_for(answer.error)
            click.echo(f"{problem.title}. {problem.detail} {problem.hint}".strip(), err=True)
    if failed:
        raise click.exceptions.Exit(1)


def _url(answer: Issued, rendition: str) -> str:
    if not rendition:
        return answer.url
    base = answer.url.removesuffix(answer.link.target)
    try:
        return base + answer.link.for_rendition(rendition)
    except SigningError:
        raise click.BadParameter(f"{rendition!r} is no rendition's name") from None


async def _issue(settings: Settings, call: LinksCall) -> list[Issued | Refused]:
    try:
        parts = compose(settings, renders=False)
    except GatewayError as error:
        raise click.ClickException(str(error)) from None
    origin = f"http://{settings.server.host}:{settings.server.port}"
    try:
        return await parts.issuer.issue(call, Operator("cli", SCOPES), origin, int(time()))
    finally:
        await parts.close()


@click.command()
@config_option
@click.argument("url")
def verify(file: Path | None, url: str) -> None:
    """Check a link's form, signature and life, with the keys of the configuration."""
    signer = signer_of(settings_of(file))
    raw_path, query = target_of(url)
    try:
        link = signer.verify(raw_path, query, int(time()))
    except LinkExpired as error:
        click.echo(f"expired: it was good until {error.expires_at}")
        raise click.exceptions.Exit(1) from None
    except SigningError as error:
        click.echo(f"refused: {getattr(error, 'reason', 'not valid')}")
        raise click.exceptions.Exit(1) from None
    click.echo(f"good: {link.expires_at - int(time())} s left, signed by {link.kid}")
