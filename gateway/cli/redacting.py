"""`ostiary redact`: named lists of boxes that hide parts of pages."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from time import time
from typing import BinaryIO

import click
from pydantic import ValidationError

from gateway.api.intake import LARGEST_BODY, faults_of
from gateway.cli.invocation import config_option, echo_json, json_option, settings_of
from gateway.cli.outcomes import BY
from gateway.errors import RequestRefused
from gateway.operators.redacting import RedactionCall, checked_name, redaction_answer
from gateway.state.database import Database
from gateway.state.redactions import StoredRedaction, StoredRedactions


@click.group()
def redact() -> None:
    """Keep redactions: what links with x-…-rNAME_VERSION hide of a document."""


@redact.command()
@config_option
@json_option
@click.argument("name")
@click.argument("boxes", type=click.File("rb"), metavar="FILE")
def put(file: Path | None, name: str, boxes: BinaryIO, as_json: bool) -> None:
    """Add a version of NAME with the boxes in FILE; if the newest is just so, none is added.

    FILE is JSON as for PUT /admin/redactions/NAME, or - for standard input. Prints what a
    rendition's name takes, such as rface_3.
    """
    hidden = _call(boxes).hidden()
    try:
        checked_name(name)
    except RequestRefused as refusal:
        raise click.BadParameter(refusal.detail, param_hint="NAME") from None
    with _stored(file) as stored:
        found, new = stored.put_now(name, hidden, by=BY, now=time())
    if as_json:
        echo_json(redaction_answer(found))
    else:
        click.echo(f"r{found.redaction.text}" + ("" if new else " (as it was)"))


@redact.command()
@config_option
@click.option("--version", type=click.IntRange(1), help="An older version than the newest.")
@click.argument("name")
def show(file: Path | None, version: int | None, name: str) -> None:
    """Print a version of NAME as JSON, the newest if none is named."""
    with _stored(file) as stored:
        found = stored.find_now(name, version or 0)
    if found is None:
        raise click.ClickException(f"there is no redaction {name!r}, or not this version of it")
    echo_json(redaction_answer(found))


@redact.command("list")
@config_option
@json_option
def every(file: Path | None, as_json: bool) -> None:
    """List the newest version of every redaction, one a line."""
    with _stored(file) as stored:
        found = stored.all_now()
    for one in found:
        if as_json:
            echo_json(redaction_answer(one))
        else:
            click.echo(_line(one))


def _line(stored: StoredRedaction) -> str:
    count = len(stored.redaction.boxes)
    return f"r{stored.redaction.text:<24} {count} box{'es' * (count > 1)}, put by {stored.by}"


def _call(boxes: BinaryIO) -> RedactionCall:
    try:
        return RedactionCall.model_validate_json(boxes.read(LARGEST_BODY))
    except ValidationError as error:
        raise click.BadParameter(faults_of(error), param_hint="FILE") from None


@contextmanager
def _stored(file: Path | None) -> Generator[StoredRedactions]:
    with closing(Database.open(settings_of(file).server.database)) as database:
        yield StoredRedactions(database)
