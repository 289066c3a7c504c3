"""`ostiary edge`: configurations of caches that verify links themselves."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.invocation import config_option, settings_of
from gateway.cli.naming import zone_of
from gateway.edges import KINDS, Backend, TooLarge, facts_of, rendering


class _Place(click.ParamType[Backend]):
    name = "place"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> Backend:
        try:
            return Backend.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group()
def edge() -> None:
    """Let caches verify links themselves."""


@edge.command()
@config_option
@click.option("--zone", required=True, help="The zone whose links are verified.")
@click.option(
    "--backend", type=_Place(), required=True, metavar="HOST:PORT", help="Where the gateway is."
)
@click.argument("kind", type=click.Choice(list(KINDS)))
def render(file: Path | None, zone: str, backend: Backend, kind: str) -> None:
    """Print a ready configuration for one kind of edge.

    It verifies the zone's links with keys derived for that, drops the token from the cache key,
    and sends it on. Render again and reload the edge whenever a key, a preset or the zone's
    longest life changes: a key taken out of the configuration opens links at the edge until then.
    """
    settings = settings_of(file)
    zone_of(zone, settings.zone_values())
    facts = facts_of(settings, zone)
    try:
        text = rendering(kind)(facts, backend)
    except TooLarge as error:
        hint = "Declare fewer presets, or give them shorter names."
        raise click.ClickException(f"{kind} takes no such zone: {error}. {hint}") from None
    click.echo(text, nl=False)
    if any(key in text for key in facts.keys.values()):
        warning = "This holds keys: whoever reads it can make links of the zone."
        click.echo(f"Warning: {warning} Keep it to the edge alone.", err=True)
