"""`ostiary demo`: the embedded default with sample documents, one command, nothing to set."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from time import time

import click

from gateway.api.home import Example
from gateway.app import compose
from gateway.applications import build
from gateway.auth import Operator
from gateway.cli.invocation import address_of, settings_of
from gateway.cli.sandbox import ZONE, Sandbox, free_port, prepare
from gateway.configuration import load
from gateway.issuing.issue import Issued, LinksCall, Wanted
from gateway.parts import Parts
from gateway.samples import Sample, write_samples
from gateway.serve import Plan, run
from gateway.serve.composed import Composed
from gateway.settings import SCOPES, Settings
from gateway.telemetry import Draining, LineWriter, Telemetry

PORT = 8080
OPERATOR = Operator("demo", SCOPES)


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/demo"),
    show_default=True,
    help="Where samples, keys and state are put; delete it to begin anew.",
)
@click.option("--port", type=click.IntRange(1, 65_535), default=PORT, show_default=True)
def demo(folder: Path, port: int) -> None:
    """Make sample documents, print links to them, and serve until Control-C.

    A second start keeps keys and state, so links of the first are good as long as they live.
    Where the port is taken, another one is used.
    """
    found = free_port(port)
    if found != port:
        click.echo(f"Port {port} is taken; using {found}.")
    sandbox = prepare(folder.absolute(), found)
    settings = settings_of(sandbox.config)
    issued = asyncio.run(_issue(settings, sandbox.samples))
    _tell(address_of(settings), sandbox, issued)
    plan = Plan(factory="gateway.cli.demo:applications", config=sandbox.config)
    server = settings.server
    raise click.exceptions.Exit(run(plan, server.host, server.port, None, Path(server.data)))


def applications(config: Path, writer: LineWriter, draining: Draining) -> Composed:
    """What the demo serves: the usual, and a page at `/` with the samples on it."""
    settings = load(config, os.environ).settings
    telemetry = Telemetry(settings.server.region, writer)
    parts = compose(settings, metrics=telemetry.metrics)
    samples = write_samples(config.parent / "documents")
    built = build(parts, telemetry, draining, _examples(parts, samples))
    return Composed(built.main, built.admin, built.start, built.close, telemetry.metrics.refused)


def _examples(
    parts: Parts, samples: Sequence[Sample]
) -> Callable[[], Awaitable[Sequence[Example]]]:
    async def fresh() -> Sequence[Example]:
        answers = await parts.issuer.issue(_call(samples), OPERATOR, "", int(time()))
        return [
            Example(
                title=sample.title,
                original=answer.url,
                page=_rendition(answer, "w640"),
                thumb=_rendition(answer, "w320-webp"),
            )
            for sample, answer in zip(samples, answers, strict=True)
            if isinstance(answer, Issued)
        ]

    return fresh


def _rendition(issued: Issued, name: str) -> str:
    """The link to a rendition; of a document with pages, page one's."""
    paged = any(known.startswith("p1-") for known in issued.markup.names)
    return issued.template.replace("{rendition}", f"p1-{name}" if paged else name)


def _call(samples: Sequence[Sample]) -> LinksCall:
    return LinksCall(
        documents=[Wanted(zone=ZONE, bucket=sample.bucket, key=sample.key) for sample in samples]
    )


async def _issue(settings: Settings, samples: Sequence[Sample]) -> list[tuple[Sample, Issued]]:
    parts = compose(settings)
    try:
        # Measuring a document takes a render worker.
        await parts.pool.start()
        answers = await parts.issuer.issue(
            _call(samples), OPERATOR, address_of(settings), int(time())
        )
    finally:
        await parts.close()
    pairs = zip(samples, answers, strict=True)
    return [(sample, answer) for sample, answer in pairs if isinstance(answer, Issued)]


def _tell(address: str, sandbox: Sandbox, issued: Sequence[tuple[Sample, Issued]]) -> None:
    click.secho("\nOstiary demo", bold=True)
    click.echo(f"  a page with all of it   {address}/\n")
    for sample, answer in issued:
        click.secho(f"{sample.title} ({answer.document.size / 1024:,.0f} KiB)", bold=True)
        click.echo(f"  original   {answer.url}")
        click.echo(f"  w640       {_rendition(answer, 'w640')}")
        if answer.pages:
            click.echo(f"  page one   {_rendition(answer, 'w1280-webp')}")
    if issued:
        _tell_commands(sandbox.config, *issued[0])
    click.echo("\nControl-C ends it. What follows are its log lines.\n")
    sys.stdout.flush()


def _tell_commands(config: Path, sample: Sample, issued: Issued) -> None:
    started = Path(sys.argv[0])
    named = os.path.relpath(started) if started.name == "ostiary" and started.exists() else ""
    command = shlex.quote(named) if named else "ostiary"
    flag = f"--config {_quoted(os.path.relpath(config))}"
    name = _quoted(f"{ZONE}/{sample.bucket}/{sample.key}")
    click.secho("\nTo copy into another terminal", bold=True)
    click.echo(f"  {command} sign {flag} {name}")
    click.echo(f"  {command} explain {flag} {_quoted(issued.url)}")
    click.echo(f"  {command} revoke {flag} --document {name}")
    click.echo(f"  {command} purge {flag} --document {name}")


def _quoted(word: str) -> str:
    """A word for a shell, in quotes always: they show where it begins and ends."""
    quoted = shlex.quote(word)
    return quoted if quoted.startswith("'") else f"'{word}'"
