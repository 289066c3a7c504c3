"""Refused: whether a zone's CDNs refuse the links that a revocation killed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from time import time

import click
import httpx

from cdn.purge import PurgeState
from gateway.documents import Zone
from gateway.parts import Parts
from gateway.state.ledger import IssueRow
from gateway.state.living import NEWEST
from signing.errors import SigningError
from signing.grants import Grant
from signing.links import Link, LinkRequest, SignedZone, Signer

MOST = 20
"""Dead links that a check asks for, the newest."""


async def asked(parts: Parts, purge: str) -> int:
    """Ask for what a revocation took back, and tell; the exit code of `ostiary receipt check`."""
    status = await parts.purges.status(purge) if purge.isascii() else None
    if status is None or status.purge.reason != "revoked":
        raise click.ClickException("no revocation of the last 30 days has this id")
    if status.state is not PurgeState.CONFIRMED:
        click.echo(f"{status.state.value}: copies may live on; check it when it is confirmed")
        return 3
    links = await _dead(parts, json.loads(status.purge.asked)["scopes"], int(time()))
    said = await asyncio.gather(*(_answer(parts, link) for link in links))
    for link, code in zip(links, said, strict=True):
        click.echo(f"{link.id}  {_meant(code)}")
    given = any(200 <= code < 300 or code == 304 for code in said)
    if given:
        click.echo("A COPY LIVES ON: purge it at the CDN by hand, and see what its rules keep")
    if not links:
        click.echo("nothing to ask: no link that it killed could be used to this day, or be made")
    return 1 if given else 0 if links and all(code in (403, 410) for code in said) else 4


def _meant(code: int) -> str:
    if code in (403, 410):
        return f"{code} refused"
    if 200 <= code < 300 or code == 304:
        return f"{code} GIVEN AWAY"
    return f"{code} says nothing of a copy" if code else "no answer"


async def _dead(parts: Parts, scopes: Sequence[str], now: int) -> list[Link]:
    """Links of the scopes that died before their end, where their zone has a `public_url`."""
    known, revocations = parts.rules.zones, parts.rules.revocations
    revocations.fresh()
    found: dict[str, Link] = {}
    for row in await parts.ledger.newest(NEWEST):
        zone = known.get(row.zone)
        if len(found) == MOST or not zone or not zone.public_url or row.link_id in found:
            continue
        current = revocations.generation(zone, row.bucket, row.key)
        dead = row.generation < current or row.kid in revocations.keys
        if dead and row.expires_at > now and any(_covers(scope, row) for scope in scopes):
            link = _again(parts, zone, row, now)
            found |= {link.id: link} if link else {}
    return list(found.values())


def _covers(scope: str, row: IssueRow) -> bool:
    kind, _, place = scope.partition(":")
    name = f"{row.zone}/{row.bucket}/{row.key}"
    if kind == "k":
        return place == row.kid
    return name == place if kind == "d" else kind in "zbp" and f"{name}/".startswith(_below(place))


def _below(place: str) -> str:
    return place if place.endswith("/") else f"{place}/"


def _again(parts: Parts, zone: Zone, row: IssueRow, now: int) -> Link | None:
    """The link of a row, octet for octet; None for one of which the ledger does not know all: a
    folder's, one that is bound or good once, or one with an ending."""
    try:
        ring = parts.settings.signing.model_copy(update={"active": row.kid}).key_ring()
        life = row.expires_at - now
        # With a window of a second it ends when it did.
        signer = Signer(ring, [SignedZone(zone.name, 1, life, sealed=zone.sealed)])
        link = signer.issue(
            LinkRequest(
                zone=zone.name,
                bucket=row.bucket,
                key=row.key,
                grant=Grant.parse(row.grant),
                version=row.version,
                generation=row.generation,
                expires_in=life,
            ),
            now,
        )
    except (SigningError, ValueError):
        return None
    return link if link.id == row.link_id else None


async def _answer(parts: Parts, link: Link) -> int:
    """The status of what the CDN answers; 0 for no answer."""
    base = httpx.URL(parts.rules.zones[link.zone].public_url)
    url = base.copy_with(raw_path=link.target.encode())
    try:
        async with parts.client.stream("GET", url) as answer:
            return answer.status_code
    except httpx.HTTPError:
        return 0
