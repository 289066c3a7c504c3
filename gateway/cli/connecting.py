"""`ostiary connect`: look at a Supabase project, and write the configuration for a gateway."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, Unpack

import click

from gateway.cli.connection import PUBLIC, Connection, Wishes, need
from gateway.cli.drafts import Draft, pending, publish
from gateway.cli.invocation import json_option
from gateway.cli.reports import Report
from gateway.cli.rungs import Rung, higher, storage_environment
from gateway.cli.surveying import store_checks, surveyed
from gateway.configuration import DEFAULT_FILE, load, locate
from gateway.errors import UpstreamUnavailable
from gateway.settings.addresses import is_origin
from gateway.settings.table import Unfit, named
from gateway.survey.installing import install
from gateway.survey.triggers import Telling

Command = TypeVar("Command", bound=Callable[..., Any])
_DASHBOARD = re.compile(r"https://(?:app\.)?supabase\.(?:com|io)/.*project/([a-z0-9]+)(?:[/?#].*)?")


class Origin(click.ParamType[str]):
    """Scheme and host[:port]; a slash at the end is let pass."""

    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        origin = value.rstrip("/")
        if origin and not is_origin(origin):
            what = "is not scheme and host[:port]"
            self.fail(f"{what}{_meant(origin) or ', such as https://ref.supabase.co'}", param, ctx)
        return origin


class ZoneName(click.ParamType[str]):
    """A name that a zone may have, and the zone of the public buckets after it."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            named(value + PUBLIC)
        except Unfit as error:
            self.fail(f"{error.what}: {error.hint}; {PUBLIC} has to fit behind it", param, ctx)
        return value


def _meant(text: str) -> str:
    """The origin that was most likely meant. What is behind the host is not repeated."""
    if dashboard := _DASHBOARD.fullmatch(text):
        return f": that is the dashboard. The project is at https://{dashboard[1]}.supabase.co"
    scheme, colons, rest = text.rpartition("://")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if not colons:
        scheme = "http" if ":" in host else "https"
    meant = f"{scheme}://{host}"
    if not is_origin(meant):
        return ""
    return f": give {meant}" if colons else f": is it {meant}?"


def origin_option(name: str, what: str) -> Callable[[Command], Command]:
    """Add an option for scheme and host."""
    return click.option(name, type=Origin(), default="", help=what)


def file_option(name: str, what: str) -> Callable[[Command], Command]:
    """Add an option for a file that is there."""
    readable = click.Path(path_type=Path, dir_okay=False, exists=True)
    return click.option(name, type=readable, help=f"A file that holds {what}.")


@click.command()
@origin_option("--supabase-url", "The project, such as https://ref.supabase.co.")
@origin_option("--gateway-url", "Where the project finds this gateway, for the webhook.")
@origin_option("--public-url", "Where browsers find it, or the CDN in front: for links.")
@click.option("--bucket", "buckets", multiple=True, help="Only this one; may be given again.")
@click.option(
    "--zone", type=ZoneName(), default="documents", show_default=True, help="The name of the zone."
)
@click.option(
    "--cache",
    type=click.Choice(["private", "windowed", "revalidate"]),
    default="private",
    show_default=True,
    help="Who may keep documents of private buckets.",
)
@file_option("--service-key-file", "the service key")
@file_option("--anon-key-file", "the key that browsers have")
@file_option("--jwt-secret-file", "the secret of users' HS256 tokens")
@file_option("--database-url-file", "postgresql://..., to install the webhook with")
@click.option("--print-sql", is_flag=True, help="Nothing else: print the SQL of the webhook.")
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write; else OSTIARY_CONFIG, else ostiary.toml here.",
)
@click.option("--force", is_flag=True, help="Overwrite it: every key and token is a new one.")
@json_option
def connect(
    file: Path | None, print_sql: bool, force: bool, as_json: bool, **wishes: Unpack[Wishes]
) -> None:
    """Look at a Supabase project, and write ostiary.toml for a gateway in front of it.

    Keys come from files or the environment, never from the command line:
    OSTIARY_SUPABASE__SERVICE_KEY, SUPABASE_SERVICE_ROLE_KEY or SUPABASE_SECRET_KEY;
    SUPABASE_ANON_KEY or SUPABASE_PUBLISHABLE_KEY; OSTIARY_SUPABASE__JWT_SECRET or
    SUPABASE_JWT_SECRET; OSTIARY_CONNECT_DATABASE_URL.

    When a check fails nothing is written, neither here nor in the project. The file is written
    whole, for its owner alone to read.
    """
    if print_sql:
        need(wishes["gateway_url"], "--gateway-url")
        click.echo(Telling(wishes["gateway_url"]).sql, nl=False)
        return
    path = locate(file, os.environ) or Path(DEFAULT_FILE)
    _need_room(path, force)
    connection = Connection.of(wishes, os.environ)
    with Report(as_json=as_json) as report:
        _connect(connection, path, force, report)


def _need_room(path: Path, force: bool) -> None:
    """Raises `click.ClickException` where the file can not be written, before anything is asked."""
    folder = path.absolute().parent
    if path.exists() and not force:
        raise click.ClickException(f"{path} is there already; --force overwrites it, with new keys")
    if not folder.is_dir():
        raise click.ClickException(f"there is no folder {folder}: make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise click.ClickException(
            f"{folder} may not be written to: go to another folder, or name a file by --config"
        )


def _connect(connection: Connection, path: Path, force: bool, report: Report) -> None:
    source = connection.service_key.source
    report.says(f"The service key is that of {source}.", service_key_from=source)
    survey = asyncio.run(surveyed(connection.access))
    report.checks(survey.checks)
    draft = connection.draft(survey, path.absolute().parent / "var")
    with pending(path, draft.text) as partial:
        settings = load(partial, os.environ).settings
        report.checks(asyncio.run(store_checks(settings)))
        rung = _climb(connection, draft)
        publish(partial, path, force=force)
    report.says(f"\nWritten: {path}, for your eyes alone.", file=str(path))
    _tell_rung(connection, rung, path, report)
    report.says(f"\nOperator's token, shown this once: {draft.secrets.token}")
    report.says(f"Next: ostiary serve --config {path}", token=draft.secrets.token)


def _climb(connection: Connection, draft: Draft) -> Rung:
    """Install the webhook where the database's address is given."""
    database_url = connection.database_url
    if not database_url.text:
        return Rung()
    telling = Telling(connection.wishes["gateway_url"], draft.secrets.webhook_secret)
    try:
        return Rung(install(database_url.text, telling))
    except UpstreamUnavailable as error:
        why = f"the webhook can not be installed: {error}"
        hint = f"mend that, or go without {database_url.source} and use --print-sql"
        raise click.ClickException(f"{why} ({hint}); nothing was written") from None


def _tell_rung(connection: Connection, rung: Rung, path: Path, report: Report) -> None:
    wishes = connection.wishes
    report.says(f"Events: {rung.name}. {rung.detail[0].upper()}{rung.detail[1:]}.", rung=rung.name)
    for line in higher(rung, wishes["gateway_url"], str(path)):
        report.says(line)
    lines = storage_environment(wishes["supabase_url"], wishes["gateway_url"])
    if lines:
        report.says(
            "Where the storage server is your own, it tells of changes and of purgeCache() by:",
            storage_environment=lines,
        )
    for line in lines:
        report.says(f"  {line}")
