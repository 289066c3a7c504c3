"""`ostiary doctor`: try everything once that a start or a first request would need."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Container, Iterator, Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from time import time
from typing import Literal

import click
import PIL
import structlog

from gateway.app import compose
from gateway.catalogue import REMOTE_TTL
from gateway.cli.findings import Finding
from gateway.cli.invocation import config_option, echo_json, json_option, settings_of
from gateway.cli.probing import address, probed, standing
from gateway.cli.surveying import access_of, surveyed
from gateway.errors import ConfigurationError, GatewayError, StateUnavailable
from gateway.fronts.certificates import CertificateFiles
from gateway.parts import Parts
from gateway.regions import Residency
from gateway.settings import Settings
from gateway.survey.checks import State
from imaging.errors import ImagingError

ROOM = 1 << 30
RENEWAL = 21
"""So many days before its end a certificate ought to be renewed."""

_STATES: Mapping[State, Literal["ok", "note", "FAIL"]] = {
    "ok": "ok",
    "warn": "note",
    "fail": "FAIL",
}


@click.command()
@config_option
@json_option
@click.option(
    "--edge", metavar="URL", help="Ask this CDN what it does with links that are no good."
)
@click.option("--zone", help="With --edge: whose links; else the zone with that public_url.")
def doctor(file: Path | None, as_json: bool, edge: str | None, zone: str | None) -> None:
    """Check configuration, data folder, state, stores, render workers, CDNs and Supabase.

    One line each; the exit status is 1 when anything fails. Each CDN is asked to purge one tag
    that nothing has. A Supabase project is looked at as `ostiary connect` does.

    With --edge it does nothing but ask the CDN in front, as any viewer could, for a document of
    the gateway's own: with a good link, with broken, missing and foreign tokens while a copy is
    kept, and once the link is over. It takes about a minute.
    """
    settings = settings_of(file)
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    if edge is None and zone is not None:
        raise click.UsageError("--zone goes with --edge")
    if edge is not None:
        findings = probed(settings, address(edge), zone)
    else:
        findings = [*examine(settings), *asyncio.run(_try_parts(settings))]
    if as_json:
        echo_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(str(finding))
    if any(finding.state == "FAIL" for finding in findings):
        raise click.exceptions.Exit(1)


def examine(settings: Settings) -> Iterator[Finding]:
    """What can be seen without any part at work."""
    keys = settings.signing.keys
    active = settings.signing.active or next(iter(keys))
    yield Finding("configuration", "ok", "holds every rule")
    yield Finding("keys", "ok", f"{len(keys)}, {active} signs")
    yield _operators(settings)
    yield _zones(settings)
    yield data_folder(Path(settings.server.data))
    yield from certificates(CertificateFiles.of(settings.server), time())
    yield engine("pypdfium2", "pages of PDF documents")


def revoked_keys(settings: Settings, revoked: Container[str]) -> Iterator[Finding]:
    """The configured keys that were revoked, of which nothing is good any more."""
    active = settings.signing.active or next(iter(settings.signing.keys))
    for kid in filter(revoked.__contains__, settings.signing.keys):
        if kid == active:
            hint = "make another key active, and reload"
            yield Finding(f"key {kid}", "FAIL", "signs, and was revoked: no new link opens", hint)
        else:
            hint = "take it out of [signing] keys, and render every edge again"
            yield Finding(f"key {kid}", "note", "was revoked, and is still configured", hint)


def _operators(settings: Settings) -> Finding:
    count = len(settings.admin.tokens) + len(settings.admin.token)
    if count:
        return Finding("operators", "ok", f"{count} can call the API")
    hint = "put the SHA-256 of a token into [admin] tokens"
    return Finding("operators", "note", "nobody can call the API", hint)


def _zones(settings: Settings) -> Finding:
    zones = settings.zone_values()
    here = Residency(settings.server.region)
    barred = sorted(zone.name for zone in zones.values() if not here.admits(zone))
    if not zones:
        return Finding("zones", "FAIL", "none: nothing can be served", "add [zones.NAME]")
    if barred:
        return Finding("zones", "note", f"not served in this region: {', '.join(barred)}")
    return Finding("zones", "ok", ", ".join(zones))


def data_folder(data: Path, room: int = ROOM) -> Finding:
    """Whether a file can be written there, and `room` octets are left on its disk."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = data / f".doctor-{token_hex(4)}"
        probe.write_bytes(b"x")
        probe.unlink()
        free = shutil.disk_usage(data).free
    except OSError as error:
        what = error.strerror or type(error).__name__
        return Finding("data folder", "FAIL", what, "[server] data must be writable")
    if free < room:
        return Finding("data folder", "FAIL", f"{free >> 20} MiB free", "make room on the disk")
    return Finding("data folder", "ok", f"writable, {free >> 20} MiB free")


def certificates(files: CertificateFiles, now: float) -> Iterator[Finding]:
    """What is wrong with the certificates, or how long they last; nothing where there are none."""
    if faults := list(files.faults(now)):
        yield from (Finding(fault.where, "FAIL", fault.what, fault.hint) for fault in faults)
        return
    for where, days in files.days_left(now).items():
        state: Literal["ok", "note"] = "note" if days < RENEWAL else "ok"
        hint = "renew it, then reload by SIGHUP" if days < RENEWAL else ""
        yield Finding(where, state, f"{days} days left", hint)


def engine(package: str, what: str) -> Finding:
    """Whether an optional package is there."""
    if find_spec(package):
        return Finding(package, "ok", f"makes {what}")
    return Finding(package, "note", f"without it no {what}", 'pip install "ostiary[pdf]"')


async def _try_parts(settings: Settings) -> list[Finding]:
    try:
        parts = compose(settings, serves=False)
    except ConfigurationError as error:
        return [Finding(fault.where, "FAIL", fault.what, fault.hint) for fault in error.faults]
    except StateUnavailable as error:
        return [Finding("state", "FAIL", str(error), "look at the database in [server] data")]
    try:
        return [*await look(parts), *[one async for one in _project(settings, parts)]]
    finally:
        await parts.close()


async def look(parts: Parts) -> list[Finding]:
    """Try each part once."""
    groups = (_state(parts), _stores(parts), _workers(parts), _cdns(parts), _canaries(parts))
    return [finding for group in groups async for finding in group]


async def _project(settings: Settings, parts: Parts) -> AsyncIterator[Finding]:
    """The checks of `ostiary connect` once more, and whether the project tells of changes."""
    if not settings.supabase.configured:
        return
    for check in (await surveyed(access_of(settings))).checks:
        yield Finding(f"supabase {check.name}", _STATES[check.state], check.detail, check.hint)
    yield hooks(
        bool(settings.supabase.webhook_secret.get_secret_value()),
        await parts.purges.last_asked("hooks/"),
        time(),
    )


def hooks(awaited: bool, last: float, now: float) -> Finding:
    """Which way of learning of changes seems alive; `last` is when a hook came, 0 for never."""
    if last:
        return Finding("supabase events", "ok", f"a hook came {_ago(now - last)} ago")
    hint = "see `ostiary connect --print-sql`" if awaited else "give [supabase] webhook_secret"
    what = f"no hook came lately: changes are seen when asked for, {REMOTE_TTL:.0f} s late at most"
    return Finding("supabase events", "note", what, hint)


def _ago(seconds: float) -> str:
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{max(0, seconds):.0f} s"


async def _state(parts: Parts) -> AsyncIterator[Finding]:
    yield Finding("state", "ok", "can be read and written")
    for finding in revoked_keys(parts.settings, parts.rules.revocations.keys):
        yield finding
    for depth in await parts.purges.depths():
        waiting = f"{depth.waiting} tags wait, {depth.dead} are dead"
        if depth.dead:
            hint = "mend [cdn], then ask for what was purged or revoked again"
            yield Finding(f"purges to {depth.provider}", "note", waiting, hint)
        else:
            yield Finding(f"purges to {depth.provider}", "ok", waiting)


async def _stores(parts: Parts) -> AsyncIterator[Finding]:
    for name, store in parts.stores.items():
        try:
            await store.check()
        except GatewayError as error:
            hint = "check its address, its credentials and its buckets"
            yield Finding(f"store {name}", "FAIL", str(error) or type(error).__name__, hint)
        else:
            yield Finding(f"store {name}", "ok", f"{store.kind}, answers")


async def _workers(parts: Parts) -> AsyncIterator[Finding]:
    try:
        await parts.pool.start()
    except (ImagingError, OSError) as error:
        hint = "look at memory limits and Pillow"
        yield Finding("render workers", "FAIL", str(error), hint)
    else:
        told = f"{len(parts.pool.pids)}, Pillow {PIL.__version__}"
        yield Finding("render workers", "ok", told)
        yield sandbox(filtered=parts.pool.filtered)


def sandbox(*, filtered: bool) -> Finding:
    """How well a worker that a document has taken over is held."""
    if filtered:
        return Finding("sandbox", "ok", "limits, and a filter of system calls")
    hint = "a Linux kernel with seccomp on x86_64 or aarch64, in a container that allows it"
    return Finding("sandbox", "note", "limits alone: decoders can call the whole kernel", hint)


async def _cdns(parts: Parts) -> AsyncIterator[Finding]:
    """Have each CDN take something that changes nothing: address and secret are right then."""
    for name, provider in parts.providers.items():
        try:
            receipt = await provider.check()
        except Exception as error:  # whatever a provider does is a finding
            hint = f"check [cdn.{name}], and see docs/cdns.md"
            yield Finding(f"cdn {name}", "FAIL", str(error) or type(error).__name__, hint)
        else:
            yield Finding(f"cdn {name}", "ok", receipt.detail or "took a purge")


async def _canaries(parts: Parts) -> AsyncIterator[Finding]:
    for finding in standing(parts.keeper.standings, time()):
        yield finding
