"""`ostiary sign` and `ostiary verify`: links on the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import time
from typing import TypedDict, Unpack

import click
from pydantic import ValidationError

from gateway.api.answers import link_answer
from gateway.app import compose
from gateway.auth import Operator
from gateway.cli.folders import print_links
from gateway.cli.invocation import address_of, config_option, echo_json, json_option, settings_of
from gateway.cli.naming import document_of, like_document, target_of
from gateway.cli.renditions import renditions_of
from gateway.cli.targets import target_on
from gateway.cli.verdicts import judge
from gateway.documents import DocumentRef
from gateway.errors import DocumentNotFound
from gateway.issuing.issue import MOST, Issued, LinksCall, Refused, Wanted
from gateway.problems import problem_for
from gateway.settings import SCOPES, Settings
from imaging.errors import UnknownRendition
from signing.errors import Unsignable


class Wishes(TypedDict):
    """What `sign` is asked for beside the documents."""

    grant: str
    download: bool
    expires_in: int | None
    pinned: bool
    extension: str
    one_time: bool
    audience: str | None
    folder: bool
    rendition: str


@click.command()
@config_option
@click.option(
    "--grant",
    default="all",
    show_default=True,
    help="all; original; previews (declared renditions only); or x-NAME for exactly one.",
)
@click.option("--rendition", default="", metavar="NAME", help="What the printed link opens.")
@click.option("--download", is_flag=True, help="Let browsers save it instead of showing it.")
@click.option(
    "--expires-in",
    type=click.IntRange(1, 1 << 40),
    metavar="SECONDS",
    help="Life, rounded up to the zone's window and cut to its longest life; else two windows.",
)
@click.option("--pinned", is_flag=True, help="Only this version, never a later one.")
@click.option("--extension", default="", help="How a sealed address ends, such as pdf.")
@click.option("--one-time", is_flag=True, help="Good for one delivery of one rendition.")
@click.option("--audience", metavar="ID", help="For the viewer of that id alone.")
@click.option("--folder", is_flag=True, help="Links of folders, which open all that lies below.")
@json_option
@click.argument("documents", nargs=-1, required=True, metavar="ZONE/BUCKET/KEY...")
def sign(
    file: Path | None, documents: tuple[str, ...], as_json: bool, **wishes: Unpack[Wishes]
) -> None:
    """Issue links, one a line; each is in the ledger before it is printed.

    A document that gets none is told on standard error, and the exit status is 1. With --json
    each line is what POST /v1/links answers for the document. With --folder the words are
    folders, ZONE/BUCKET/FOLDER, a line's {key} stands for what is below, and --json is what
    POST /v1/folders answers.
    """
    settings = settings_of(file)
    zones = settings.zone_values()
    texts = [text.removesuffix("/") if wishes["folder"] else text for text in documents]
    call = _call([document_of(text, zones) for text in texts], wishes)
    _check_rendition(call, wishes["rendition"], settings)
    signing = print_links if wishes["folder"] else _print_links
    if not signing(call, wishes["rendition"], settings, as_json=as_json):
        raise click.exceptions.Exit(1)


def _print_links(call: LinksCall, rendition: str, settings: Settings, *, as_json: bool) -> bool:
    """Issue the links and print one a line; whether every document got one."""
    answers = asyncio.run(_issue(settings, call))
    for answer in answers:
        if as_json:
            echo_json(link_answer(answer))
        elif isinstance(answer, Issued):
            click.echo(_url(answer, rendition))
        else:
            click.echo(_sentence(answer, settings), err=True)
    return all(isinstance(answer, Issued) for answer in answers)


def _call(refs: list[DocumentRef], wishes: Wishes) -> LinksCall:
    if len(refs) > MOST:
        raise click.BadParameter(f"at most {MOST:,} documents at once")
    try:
        call = LinksCall(
            documents=[Wanted(zone=ref.zone, bucket=ref.bucket, key=ref.key) for ref in refs],
            grant=wishes["grant"],
            disposition="download" if wishes["download"] else "inline",
            expires_in=wishes["expires_in"],
            pinned=wishes["pinned"],
            extension=wishes["extension"],
            one_time=wishes["one_time"],
            audience=wishes["audience"],
        )
        grant = call.granted()
    except ValidationError as error:
        if ("extension",) in [fault["loc"] for fault in error.errors()]:
            what = "an extension is up to 8 of a-z and 0-9"
            raise click.BadParameter(what, param_hint="--extension") from None
        raise _no_grant(wishes["grant"]) from None
    except Unsignable:
        raise _no_grant(wishes["grant"]) from None
    if call.one_time and not grant.single:
        what = "a link that is good once is for one rendition: --grant original or x-NAME"
        raise click.BadParameter(what, param_hint="--one-time")
    return call


def _no_grant(text: str) -> click.BadParameter:
    what = f"{text[:66]!r} is not all, original, previews or x-NAME"
    return click.BadParameter(what, param_hint="--grant")


def _check_rendition(call: LinksCall, name: str, settings: Settings) -> None:
    """What the printed link is to open has to be what it grants: else it would answer 403."""
    renditions = renditions_of(settings)
    grant = call.granted()
    try:
        for wanted in {name, grant.name} - {"", "original"}:
            renditions.find(wanted)
    except UnknownRendition as error:
        hint = f"; did you mean {error.nearest}?" if error.nearest else ""
        raise click.BadParameter(f"{error.name!r} is no rendition that is made{hint}") from None
    declared, carries = renditions.declared(name), renditions.carries_original(name)
    if name and not grant.allows(name, declared=declared, carries_original=carries):
        hint = f"--grant x-{name} grants exactly it" if name != "original" else "--grant all does"
        raise click.BadParameter(
            f"the grant {call.grant} does not open {name}; {hint}", param_hint="--rendition"
        )


def _url(answer: Issued, rendition: str) -> str:
    if not rendition:
        return answer.url
    return answer.url.removesuffix(answer.link.target) + answer.link.for_rendition(rendition)


def _sentence(refused: Refused, settings: Settings) -> str:
    wanted, problem = refused.wanted, problem_for(refused.error)
    said = [f"{wanted.zone}/{wanted.bucket}/{wanted.key}: {problem.title}.", problem.detail]
    said.append(problem.hint)
    if isinstance(refused.error, DocumentNotFound):
        ref = DocumentRef(wanted.zone, wanted.bucket, wanted.key)
        near = like_document(ref, settings)
        said.append(f"Did you mean {ref.zone}/{ref.bucket}/{near}?" if near else "")
    return " ".join(filter(None, said))


async def _issue(settings: Settings, call: LinksCall) -> list[Issued | Refused]:
    parts = compose(settings, serves=False)
    try:
        operator = Operator("cli", SCOPES)
        return await parts.issuer.issue(call, operator, address_of(settings), int(time()))
    finally:
        await parts.close()


@click.command()
@config_option
@json_option
@click.argument("url")
def verify(file: Path | None, as_json: bool, url: str) -> None:
    """Tell whether a link is good now: 0 when it is, 1 when it is not.

    Looks at form, signature, life and grant with the keys of the configuration, and at what was
    revoked if the data folder is here. URL is the whole link, or its path and query. `explain`
    tells more.
    """
    settings = settings_of(file)
    target = target_on(*target_of(url), settings.supabase_zones())
    verdict = judge(target, settings, int(time()))
    if as_json:
        echo_json({"state": verdict.state, "what": verdict.what})
    else:
        click.echo(f"{verdict.state}: {verdict.what}")
    if not verdict.good:
        raise click.exceptions.Exit(1)
