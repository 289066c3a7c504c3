"""`ostiary demo`: the embedded default with sample documents, one command, nothing to set."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from pathlib import Path
from secrets import token_hex, token_urlsafe
from time import time

import click

from gateway.app import Parts, build, compose
from gateway.auth import Operator
from gateway.cli.invocation import settings_of
from gateway.configuration import load
from gateway.home import Example
from gateway.issue import Issued, LinksCall, Wanted
from gateway.samples import Sample, write_samples
from gateway.serve import Plan, run
from gateway.serve.composed import Composed
from gateway.settings import SCOPES, Settings
from gateway.telemetry import Draining, LineWriter, Telemetry

ZONE = "demo"
PORT = 8080
OPERATOR = Operator("demo", SCOPES)

_TOML = """\
# Written by `ostiary demo`; a real configuration looks the same. Keep it to yourself.
[server]
port = {port}
data = "{folder}/data"

[signing]
keys = {{ k1 = "{key}" }}

[admin]
tokens = ["sha256:{digest}"]

[stores.main]
url = "file://{documents}"

[zones.demo]
store = "main"
buckets = {buckets}
cache = "windowed"

[renditions]
presets = {{ thumb = "w160-h160-cover" }}
"""


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/demo"),
    show_default=True,
    help="Where samples, keys and state are put.",
)
@click.option("--port", type=click.IntRange(1, 65_535), default=PORT, show_default=True)
def demo(folder: Path, port: int) -> None:
    """Make sample documents, print links to them, and serve."""
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    samples = write_samples(folder / "documents")
    config = _configure(folder, samples, _free(port))
    settings = settings_of(config)
    address = f"http://{settings.server.host}:{settings.server.port}"
    issued = asyncio.run(_issue(settings, samples, address))
    _tell(address, config, samples, issued)
    plan = Plan(factory="gateway.cli.demo:applications", config=config)
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


async def _issue(settings: Settings, samples: Sequence[Sample], address: str) -> list[Issued]:
    parts = compose(settings)
    try:
        # Measuring a document takes a render worker.
        await parts.pool.start()
        answers = await parts.issuer.issue(_call(samples), OPERATOR, address, int(time()))
    finally:
        await parts.close()
    return [answer for answer in answers if isinstance(answer, Issued)]


def _configure(folder: Path, samples: Sequence[Sample], port: int) -> Path:
    """The demo's configuration; keys and token are made once and kept."""
    config, token = folder / "ostiary.toml", folder / "token"
    if config.exists():
        text = re.sub(r"(?m)^port = \d+$", f"port = {port}", config.read_text())
    else:
        secret = token_urlsafe(24)
        _write(token, secret + "\n")
        buckets = sorted({sample.bucket for sample in samples})
        text = _TOML.format(
            port=port,
            folder=folder,
            key=token_hex(32),
            digest=sha256(secret.encode()).hexdigest(),
            documents=(folder / "documents").as_uri().removeprefix("file://"),
            buckets="[" + ", ".join(f'"{bucket}"' for bucket in buckets) + "]",
        )
    _write(config, text)
    return config


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _free(port: int) -> int:
    """The port, or a free one when somebody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            with socket.socket() as other:
                other.bind(("127.0.0.1", 0))
                found = int(other.getsockname()[1])
            click.echo(f"Port {port} is taken; using {found}.")
            return found
    return port


def _tell(address: str, config: Path, samples: Sequence[Sample], issued: Sequence[Issued]) -> None:
    click.secho("\nOstiary demo", bold=True)
    click.echo(f"  a page with all of it   {address}/\n")
    for sample, answer in zip(samples, issued, strict=True):
        click.secho(f"{sample.title} ({answer.document.size / 1024:,.0f} KiB)", bold=True)
        click.echo(f"  original   {answer.url}")
        click.echo(f"  w640       {_rendition(answer, 'w640')}")
        if answer.pages:
            click.echo(f"  page one   {_rendition(answer, 'w1280-webp')}")
    command = os.path.relpath(sys.argv[0]) if os.path.exists(sys.argv[0]) else "ostiary"
    flag = f"--config '{os.path.relpath(config)}'"
    name = f"'{ZONE}/{samples[0].bucket}/{samples[0].key}'"
    click.secho("\nTo copy into another terminal", bold=True)
    click.echo(f"  {command} sign {flag} {name}")
    click.echo(f"  {command} explain {flag} '{issued[0].url}'")
    click.echo(f"  {command} revoke {flag} --document {name}")
    click.echo(f"  {command} purge {flag} --document {name}")
    click.echo("\nControl-C ends it. What follows are its log lines.\n")
    sys.stdout.flush()
