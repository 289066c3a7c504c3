"""Outcomes: how far a purge has come, watched and told on the command line."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from time import time

import click
import structlog

from cdn.purge import PurgeState
from gateway.api.answers import purge_answer
from gateway.app import compose
from gateway.cli.invocation import echo_json
from gateway.parts import Parts
from gateway.purges import PurgeWorker
from gateway.purges.plans import Plan
from gateway.settings import Settings
from gateway.state.filelock import FileLock
from gateway.state.receipts import PurgeStatus

BY = "cli"
wait_option = click.option(
    "--wait",
    type=click.IntRange(0, 300),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the CDNs; what is not done by then is done by a server.",
)


@contextmanager
def parts_of(settings: Settings) -> Generator[tuple[Parts, asyncio.Runner]]:
    """The parts of a process that does not serve, and the loop that their connections live in.

    What they log goes to standard error.
    """
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    parts = compose(settings, serves=False)
    with asyncio.Runner() as runner:
        try:
            yield parts, runner
        finally:
            runner.run(parts.close())


async def carry_out(
    parts: Parts, ask: Callable[[float], PurgeStatus], wait: int, *, as_json: bool
) -> None:
    """Write what is asked, wait for the CDNs, and tell; one that refused for good is a failure."""
    status = ask(time())
    if not as_json:
        click.echo(f"{status.id} is written and will be carried out")
    status, alone = await _watched(parts, status, wait)
    if as_json:
        echo_json(purge_answer(status))
    else:
        _tell(status)
    if status.state is not PurgeState.CONFIRMED and alone:
        click.echo("No server runs on this data folder: the rest is done once one does.", err=True)
    if status.state is PurgeState.FAILED:
        raise click.exceptions.Exit(1)


def _tell(status: PurgeStatus) -> None:
    for provider in status.providers:
        click.echo(f"{provider.provider:<12} {provider.state.value} {provider.error}".rstrip())
    click.echo(f"{'in all':<12} {status.state.value}")


def tell_plan(plan: Plan) -> None:
    """What each CDN would be told."""
    for step in plan.steps:
        kind = "soft" if step.soft else "hard"
        known = "" if step.copies is None else f", {step.copies} copies known"
        tags = f"{len(step.tags)} tags, {kind}{known}; {step.calls} calls"
        click.echo(f"{step.provider:<12} {tags}: {' '.join(step.tags)}")
    if not plan.steps:
        click.echo("no CDN would be told; the gateway itself would forget")


def tell_dead(status: PurgeStatus) -> None:
    """What a purge was about, and why each CDN refused it."""
    asked = json.loads(status.purge.asked)
    click.echo(f"{status.id} {' '.join([*asked['scopes'], *asked['tags']])}")
    for provider in status.providers:
        if provider.state is PurgeState.FAILED:
            click.echo(f"  {provider.provider:<12} {provider.error}")


async def _watched(parts: Parts, status: PurgeStatus, wait: int) -> tuple[PurgeStatus, bool]:
    """The status in the end, and whether no server is there to go on with it.

    A running server carries it out; without one, this process does.
    """
    worker = asyncio.create_task(PurgeWorker(parts.database, parts.providers).run())
    try:
        status = await parts.purges.wait(status.id, wait) or status
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    with closing(FileLock(parts.database.path.with_name("purger.lock"))) as lock:
        return status, lock.take()
