"""`ostiary simulate`: what an access log's traffic would have been in each cache mode."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypedDict, Unpack

import click

from gateway.cli.comparing import Told
from gateway.cli.invocation import echo_json, json_option
from gateway.cli.logfiles import format_of, pieces_in
from gateway.simulation.addresses import Addresses
from gateway.simulation.confidence import Evidence
from gateway.simulation.formats import FORMATS
from gateway.simulation.logs import Reader, Tally
from gateway.simulation.modes import modes
from gateway.simulation.networks import Layout
from gateway.simulation.ordering import InOrder
from gateway.simulation.outcomes import GB, Prices
from gateway.simulation.portions import gathered, portions
from gateway.simulation.reading import Part, read
from gateway.simulation.trials import compare
from gateway.simulation.visits import Visits


class Supposed(TypedDict):
    """What the log does not tell, in the words of the command line."""

    prefixes: tuple[str, ...]
    edges: int
    cache_size: float
    ttl: int
    browsers: bool
    processes: int
    price_cached: float
    price_uncached: float


@click.command()
@click.argument(
    "files",
    metavar="LOG...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
)
@click.option("--format", "name", type=click.Choice(list(FORMATS)), help="Else told by itself.")
@click.option("--prefix", "prefixes", multiple=True, help="Paths below it are documents.")
@click.option(
    "--edges", type=click.IntRange(min=0), default=0, help="How many; else those in the log."
)
@click.option(
    "--cache-size",
    type=click.FloatRange(min=0.001),
    default=10,
    show_default=True,
    help="What an edge has room for, in GB.",
)
@click.option(
    "--ttl",
    type=click.IntRange(min=1),
    default=86_400,
    show_default=True,
    help="How long copies are kept at most, in seconds.",
)
@click.option("--browsers", is_flag=True, help="Let browsers keep copies too.")
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=lambda: min(len(os.sched_getaffinity(0)), 4),
    help="How many read the log; else one for each core, four at most.",
)
@click.option(
    "--price-cached",
    type=click.FloatRange(min=0),
    default=Prices().cached,
    show_default=True,
    help="Of a GB that a cache serves.",
)
@click.option(
    "--price-uncached",
    type=click.FloatRange(min=0),
    default=Prices().uncached,
    show_default=True,
    help="Of a GB that the origin sends.",
)
@json_option
def simulate(
    files: tuple[str, ...], name: str | None, as_json: bool, **supposed: Unpack[Supposed]
) -> None:
    """Tell what the traffic of an access log would have been in each cache mode.

    Hit ratio, octets and cost: as it was, windowed, and verified at the edge, each with and
    without a shield. LOG is a file, plain or gzipped, or - for standard input; several are read
    one after the other. Nothing is asked of anybody, and no name or token is printed.
    """
    told = _told(files, name, supposed)
    if not told.comparison.traffic.reads:
        raise click.ClickException(
            f"no reads of documents in {told.evidence.tally.lines:,} lines; --prefix names paths"
        )
    if as_json:
        echo_json(told.figures())
        return
    for line in told.lines():
        click.echo(line)


@contextmanager
def _uncollected() -> Generator[None]:
    """Without the search for cycles: there are none among millions of tuples."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _told(files: tuple[str, ...], name: str | None, supposed: Supposed) -> Told:
    pieces = pieces_in(files)
    if name is None:
        name, pieces = format_of(pieces)
    tally, order, ttl = Tally(), InOrder(), supposed["ttl"]
    layout = Layout(supposed["edges"], int(supposed["cache_size"] * GB), supposed["browsers"])
    parts = read(
        Reader(name, Addresses(supposed["prefixes"])),
        portions(gathered(pieces), FORMATS[name].heading),
        supposed["processes"],
    )
    with _uncollected():
        comparison = compare(order.sorted(_tallied(parts, tally)), modes(ttl), layout)
    as_logged = comparison.trials[0].counts.outcome(shielded=False).hit_ratio
    evidence = Evidence(tally, comparison.traffic, order.late, layout.edges, as_logged)
    prices = Prices(supposed["price_cached"], supposed["price_uncached"])
    return Told(name, comparison, evidence, layout, prices, ttl)


def _tallied(parts: Iterator[Part], tally: Tally) -> Iterator[Visits]:
    """The visits of each part, once its lines are counted."""
    try:
        for lines, visits in parts:
            tally.add(lines)
            yield visits
    except BrokenProcessPool:
        raise click.ClickException("a process that read the log was ended; memory?") from None
