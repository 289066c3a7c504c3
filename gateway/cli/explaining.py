"""`ostiary explain`: what a link is, what it opens, who may keep its answer, why a cache misses."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import time

import click

from cdn.fields import NONE, PROFILES, render
from cdn.modes import MARGIN, policy_for
from cdn.policy import Shared
from gateway.app import signer_of
from gateway.cli.invocation import config_option, settings_of, target_of
from gateway.documents import DocumentRef, Zone
from gateway.representations import tags_of
from gateway.settings import Settings
from imaging.errors import UnknownRendition
from imaging.renditions import Renditions
from signing.errors import LinkRefused
from signing.links import LIVE, Link

Line = tuple[str, str]

_REFUSALS = {
    "length": "it is over 2,048 octets",
    "query": "its query is not one t=…, or it has more than one question mark",
    "token": "its token is not of the grammar: cut off, re-encoded, or no link of ours",
    "path": "its path is not of the grammar: decoded, normalised or re-encoded on its way",
    "kid": "no key of this configuration has its key id",
    "zone": "no zone of this configuration has its zone's name",
    "signature": "its signature is not right: another key, or an octet was changed",
    "spelling": "its address is spelled otherwise than the canonical way",
    "too-far": "it lives longer than its zone allows",
    "seal": "its sealed address does not open with this seal_key",
}


@click.command()
@config_option
@click.argument("url")
def explain(file: Path | None, url: str) -> None:
    """Take a link apart: grammar, key, life, revocation, tags, policy, and what makes it miss."""
    settings = settings_of(file)
    raw_path, query = target_of(url)
    try:
        link = signer_of(settings).read(raw_path, query)
    except LinkRefused as refusal:
        click.echo(f"not a link of ours: {_REFUSALS.get(refusal.reason, refusal.reason)}")
        raise click.exceptions.Exit(1) from None
    for name, text in _lines(link, settings, int(time())):
        click.echo(f"{name:<12} {text}")


def _lines(link: Link, settings: Settings, now: int) -> Iterator[Line]:
    zone = settings.zone_values()[link.zone]
    yield "zone", f"{zone.name}, cache mode {zone.cache}"
    yield "document", f"{link.bucket}/{link.key}"
    yield "id", DocumentRef(link.zone, link.bucket, link.key).id
    yield "link", link.id
    yield "address", "sealed: the URL shows no name" if link.sealed else "readable"
    yield (
        "version",
        f"pinned to {link.version}" if link.version != LIVE else "live: follows the document",
    )
    yield "key", f"{link.kid}" + (" (active)" if link.kid == _active(settings) else "")
    yield "grant", _grant(link)
    yield "rendition", _rendition(link, Renditions(settings.renditions.presets))
    yield "life", _life(link, now)
    yield "revoked", _revoked(link, zone, Path(settings.server.data) / "ostiary.db")
    yield from _caching(link, zone, settings, now)


def _active(settings: Settings) -> str:
    return settings.signing.active or next(iter(settings.signing.keys))


def _grant(link: Link) -> str:
    covers = {
        "all": "the original and every declared rendition",
        "original": "the original only",
        "previews": "declared renditions, never the original",
        "exact": f"exactly {link.grant.name}",
    }[link.grant.covers]
    return f"{link.grant.text}: {link.grant.disposition}, {covers}"


def _rendition(link: Link, renditions: Renditions) -> str:
    name = link.rendition
    allowed = link.grant.allows(
        name,
        declared=renditions.declared(name),
        carries_original=renditions.carries_original(name),
    )
    if not allowed:
        return f"{name}: NOT granted or not declared, 403"
    if name == "original":
        return "original"
    try:
        automatic = renditions.find(name).automatic
    except UnknownRendition as error:
        return f"{name}: not made by this release" + (
            f", the nearest is {error.nearest}" if error.nearest else ""
        )
    return f"{name}: " + ("format by Accept" if automatic else "granted")


def _life(link: Link, now: int) -> str:
    until = datetime.fromtimestamp(link.expires_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    left = link.expires_at - now
    return f"until {until}, " + (f"{left} s left" if left > 0 else f"EXPIRED {-left} s ago")


def _revoked(link: Link, zone: Zone, database: Path) -> str:
    """Compare with the counters as they stand; a look that writes nothing."""
    if not database.exists():
        return f"generation {link.generation}; no state here to compare with"
    scopes = [
        f"z:{zone.name}",
        f"b:{zone.name}/{link.bucket}",
        f"d:{zone.name}/{link.bucket}/{link.key}",
        *(f"p:{zone.name}/{prefix}" for prefix in zone.revocable_prefixes(link.bucket, link.key)),
    ]
    marks = ", ".join("?" * len(scopes))
    try:
        with sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True) as connection:
            row = connection.execute(
                f"SELECT coalesce(sum(counter), 0) FROM revocation WHERE scope IN ({marks})",
                scopes,
            ).fetchone()
    except sqlite3.Error:
        return f"generation {link.generation}; the state can not be read"
    known = int(row[0])
    if link.generation < known:
        return f"YES: the link has generation {link.generation}, now it is {known}"
    return f"no (generation {link.generation})"


def _caching(link: Link, zone: Zone, settings: Settings, now: int) -> Iterator[Line]:
    ref = DocumentRef(link.zone, link.bucket, link.key)
    renditions = Renditions(settings.renditions.presets)
    negotiated = link.rendition != "original" and _is_automatic(link.rendition, renditions)
    tags = tags_of(zone, ref, link.version)
    policy = policy_for(
        zone.cache,
        now=now,
        expires_at=link.expires_at,
        ttl=zone.ttl,
        stale_while_revalidate=zone.stale_while_revalidate,
        stale_if_error=zone.stale_if_error,
        tags=tags,
        negotiated=negotiated,
        pinned=link.version != LIVE,
    )
    yield "policy", type(policy).__name__
    profiles = [
        PROFILES[settings.cdn[name].provider] for name in zone.cdn if _known(settings, name)
    ]
    for field, value in render(policy, profiles or [NONE]):
        yield "", f"{field.decode()}: {value.decode()}"
    for reason in _misses(link, zone, negotiated, isinstance(policy, Shared), now):
        yield "a miss when", reason


def _known(settings: Settings, name: str) -> bool:
    return settings.cdn[name].provider in PROFILES


def _is_automatic(name: str, renditions: Renditions) -> bool:
    try:
        return renditions.find(name).automatic
    except UnknownRendition:
        return False


def _misses(link: Link, zone: Zone, negotiated: bool, shared: bool, now: int) -> Iterator[str]:
    if zone.cache == "private":
        yield "always: the zone is private; windowed lets shared caches keep answers"
    if zone.cache == "revalidate":
        yield "always asked for: the zone revalidates each time; the answer is a 304"
    if negotiated:
        yield "always: the format follows Accept; name it, as in w640-webp"
    if zone.cache == "windowed" and link.expires_at - now <= MARGIN:
        yield f"always: less than {MARGIN} s are left"
    if shared:
        yield "the cache leaves the query out of its key, or adds a field or cookie to it"
        yield f"another window: links asked for more than {zone.window} s apart may differ"
        yield "it was purged, or its TTL is over"
