"""Probing: the CDN of a zone asked from the command line, and how it stood when last asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from time import time

import click

from gateway.app import compose
from gateway.cli.findings import Finding
from gateway.cli.naming import zone_of
from gateway.probing import Report, Rounds, written
from gateway.probing import findings as found
from gateway.probing.standings import Standings
from gateway.settings import Settings
from gateway.settings.addresses import is_origin


def address(text: str) -> str:
    """Scheme, host and port of a URL given on the command line, without a slash at its end."""
    url = text.removesuffix("/")
    if not is_origin(url):
        what = "a URL is scheme and host[:port] alone, such as https://docs.example.org"
        raise click.BadParameter(what, param_hint="--edge")
    return url


def probed(settings: Settings, url: str, zone: str | None) -> list[Finding]:
    """One round of questions; what it says of a zone's own `public_url` counts as the canary's."""
    name = _zone(settings, url, zone)
    click.echo(f"Asking {url} about zone {name}, for about a minute.", err=True)
    report = asyncio.run(_asked(settings, url, name))
    return [*map(_told, report.findings), _conclusion(report)]


def _zone(settings: Settings, url: str, wanted: str | None) -> str:
    zones = settings.zone_values()
    if wanted is not None:
        return zone_of(wanted, zones).name
    named = [zone.name for zone in zones.values() if zone.public_url == url] or list(zones)
    if len(named) != 1:
        raise click.UsageError(f"whose links? give --zone, one of {', '.join(named)}")
    return named[0]


async def _asked(settings: Settings, url: str, zone: str) -> Report:
    parts = compose(settings, serves=False)
    try:
        report = await Rounds(settings, parts.rules, parts.client).at(zone, url)
        config = parts.keeper.standings.bindings.get(zone)
        if config and url == parts.rules.zones[zone].public_url:
            about, now, withdraw = (zone, config), time(), parts.purges.withdraw
            await parts.database.write(lambda c: written(c, about, report, now, withdraw))
        return report
    finally:
        await parts.close()


def _told(finding: found.Finding) -> Finding:
    state = finding.verdict if finding.verdict in ("ok", "note") else "FAIL"
    return Finding(finding.name, state, finding.what, finding.hint)


def _conclusion(report: Report) -> Finding:
    if report.outcome == "proven":
        return Finding("edge", "ok", "guards links")
    if report.outcome == "failed":
        return Finding("edge", "FAIL", "GIVES DOCUMENTS AWAY", "keep zones behind it private")
    return Finding("edge", "FAIL", "not shown to guard links", "mend the above and ask again")


def standing(standings: Standings, now: float) -> Iterator[Finding]:
    """How each zone that keeps a canary stands now."""
    for zone in standings.bindings:
        yield _standing(standings, zone, now)


def _standing(standings: Standings, zone: str, now: float) -> Finding:
    name, proof = f"canary {zone}", standings.proof(zone)
    if standings.state(zone, now) == "proven":
        return Finding(name, "ok", "its CDN guards links")
    if proof is None or proof.outcome == "proven":
        hint = "it is asked while `ostiary serve` runs, every five minutes"
        return Finding(name, "note", "its CDN was not asked lately: the zone is private", hint)
    wrong = [one for one in json.loads(proof.told) if one["verdict"] in ("leak", "unclear")]
    told = "; ".join(f"{one['name']}: {one['what']}" for one in wrong)
    hint = next((one["hint"] for one in wrong if one["hint"]), "see `ostiary doctor --edge URL`")
    return Finding(name, "FAIL", f"{proof.outcome}, so the zone is private: {told}", hint)
