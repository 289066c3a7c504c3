"""`ostiary explain`: what a link is, what it opens, who may keep its answer, why a cache misses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from time import time

import click

from cdn.facts import FACTS
from cdn.fields import NONE, render
from cdn.modes import MARGIN, PROVISIONAL, policy_for
from cdn.policy import CachePolicy, Confidential, Shared
from cdn.tags import Tags, version_tag
from gateway.app import signer_of
from gateway.cli.choosing import choice_of, told
from gateway.cli.companions import companions_of, unkept
from gateway.cli.generations import generation_of
from gateway.cli.harms import additions, harms, looks
from gateway.cli.invocation import config_option, echo_json, json_option, settings_of
from gateway.cli.mending import mend
from gateway.cli.naming import target_of
from gateway.cli.renditions import renditions_of
from gateway.cli.targets import Target, target_on
from gateway.cli.verdicts import granted, judge, moment
from gateway.documents import DocumentRef, Zone
from gateway.making.choices import Choice
from gateway.making.shelves import may_improve
from gateway.representations import tags_of
from gateway.settings import Settings
from imaging.errors import UnknownRendition
from imaging.marking.marks import UNMARKED, Mark
from imaging.names.renditions import AUTO, Auto, Rendition, Renditions
from signing.errors import LinkRefused
from signing.folders import FolderLink
from signing.links import LIVE, Link
from signing.storage import PLACES, PREFIX, StorageLink
from signing.targets import ABSENT

Line = tuple[str, str]

_COVERS = {
    "all": "the original and every declared rendition",
    "original": "the original only",
    "previews": "declared renditions, never the original",
    "exact": "exactly one rendition",
}


@click.command()
@config_option
@json_option
@click.argument("url")
def explain(file: Path | None, as_json: bool, url: str) -> None:
    """Take a link apart, and tell what happened to it.

    Grammar, key, life, revocation, tags, policy, and what makes a cache miss. URL is the whole
    link of /d/ or of a storage route, or its path and query; put it in quotes. A link that is not
    ours, or not any more as it was issued, ends with status 1; an expired or revoked one can still
    be explained.
    """
    settings, now = settings_of(file), int(time())
    raw_path, query = target_of(url)
    target = target_on(raw_path, query, settings.supabase_zones())
    verdict = judge(target, settings, now)
    lines: list[Line] = [("verdict", f"{verdict.state}: {verdict.what}")]
    ours = True
    try:
        lines += _lines(target.read(signer_of(settings)), settings, now)
        lines += [("a miss when", why) for why in additions(target)]
    except LinkRefused as refusal:
        ours = False
        lines += _mended(raw_path, query, settings, now) or _harmed(refusal, target, settings)
    if as_json:
        echo_json(_grouped(lines))
    else:
        _print(lines)
    if not ours:
        raise click.exceptions.Exit(1)


def _print(lines: Iterable[Line]) -> None:
    before = ""
    for name, text in lines:
        click.echo(f"{'' if name == before else name:<12} {text}")
        before = name


def _grouped(lines: Iterable[Line]) -> dict[str, str | list[str]]:
    """By name; what can be there more than once is a list always."""
    several = ("field", "a miss when", "look", "auto", "candidate")
    grouped: dict[str, str | list[str]] = {name: [] for name in several}
    for name, text in lines:
        known = grouped.get(name)
        if isinstance(known, list):
            known.append(text)
        else:
            grouped[name] = text
    return grouped


def _mended(raw_path: bytes, query: bytes, settings: Settings, now: int) -> list[Line]:
    """What happened to a link that can be mended, and what it was as it was issued."""
    signer, zones = signer_of(settings), settings.supabase_zones()
    mended = mend(lambda path, query: target_on(path, query, zones).read(signer), raw_path, query)
    if not mended:
        return []
    remedy = "pass links on octet by octet; as it was issued, this one says:"
    happened = [("happened", mended.what), ("remedy", remedy)]
    return [*happened, *_lines(mended.link, settings, now)]


def _harmed(refusal: LinkRefused, target: Target, settings: Settings) -> list[Line]:
    """What can be told of a link that is refused and not mended."""
    told = [("look", look) for look in looks(target)]
    return told + [("happened", harm) for harm in harms(refusal.reason, target, settings)]


def _lines(link: Link, settings: Settings, now: int) -> Iterator[Line]:
    zone = settings.zone_values()[link.zone]
    renditions = renditions_of(settings)
    pinned = link.version != LIVE
    active = settings.signing.active or next(iter(settings.signing.keys))
    yield "zone", f"{zone.name}, cache mode {zone.cache}"
    yield "document", f"{link.bucket}/{link.key}"
    yield "id", DocumentRef(link.zone, link.bucket, link.key).id
    yield "link", link.id
    if isinstance(link, StorageLink):
        yield "route", f"{PREFIX}{PLACES[link.route]}, and no other"
    yield from companions_of(link, zone, settings)
    yield "address", "sealed: the URL shows no name" if link.sealed else "readable"
    yield "version", f"pinned to {link.version}" if pinned else "live: follows the document"
    yield "key", link.kid + (" (active)" if link.kid == active else f" (now {active} signs)")
    yield "grant", f"{link.grant.text}: {link.grant.disposition}, {_COVERS[link.grant.covers]}"
    yield "rendition", _rendition(link, renditions)
    mark = _mark(link.rendition, renditions)
    if mark.name:
        yield "mark", _drawn(mark, bound=link.audience != ABSENT)
    choice = _chosen(link, renditions, settings)
    if choice is not None:
        yield from told(choice)
    yield "life", _life(link, now)
    yield "revoked", _revoked(link, zone, settings)
    negotiated = choice.negotiated if isinstance(choice, Choice) else _negotiated(link, renditions)
    yield from _caching(link, zone, settings, now, negotiated=negotiated)


def _chosen(link: Link, renditions: Renditions, settings: Settings) -> Choice | str | None:
    """What `auto` ends in, or why nobody knows; None for a link to anything else."""
    if link.rendition != AUTO or not granted(link, renditions):
        return None
    return choice_of(DocumentRef(link.zone, link.bucket, link.key), settings)


def _rendition(link: Link, renditions: Renditions) -> str:
    name = link.rendition
    if name == "original":
        return "original" if granted(link, renditions) else "original: NOT granted, 403"
    try:
        automatic = renditions.find(name).automatic
    except UnknownRendition as error:
        near = f", the nearest is {error.nearest}" if error.nearest else ""
        return f"{name}: NOT made here, 403{near}"
    if not granted(link, renditions):
        return f"{name}: NOT granted or not declared, 403"
    return f"{name}: " + ("format by Accept" if automatic and name != AUTO else "granted")


def _mark(name: str, renditions: Renditions) -> Mark:
    try:
        product = renditions.find(name)
    except UnknownRendition:
        return UNMARKED
    return product.mark if isinstance(product, Rendition) else UNMARKED


def _drawn(mark: Mark, *, bound: bool) -> str:
    what = f'"{mark.text}"' if mark.text else f"an image of {len(mark.image):,} octets"
    how = f"{mark.place}, opacity {mark.opacity:g}, {mark.size:g} of the width"
    named = "it names the viewer" if bound else "it names the viewer, whom nothing proves: 403"
    return f"{mark.name}: {what}, {how}" + (f"; {named}" if mark.names_viewer else "")


def _life(link: Link, now: int) -> str:
    left = link.expires_at - now
    told = f"{left} s left" if left > 0 else f"EXPIRED {-left} s ago"
    return f"until {moment(link.expires_at)}, {told}"


def _revoked(link: Link, zone: Zone, settings: Settings) -> str:
    generation = generation_of(zone, link, settings.server.database)
    if generation.known is None:
        return f"not known: {generation.told(link)}"
    if generation.key_at:
        return f"YES: the key {link.kid} was, at {moment(int(generation.key_at))}"
    answer = "YES" if link.generation < generation.known else "no"
    return f"{answer}: {generation.told(link)}"


def _caching(
    link: Link, zone: Zone, settings: Settings, now: int, *, negotiated: bool
) -> Iterator[Line]:
    ref = DocumentRef(link.zone, link.bucket, link.key)
    renditions = renditions_of(settings)
    tags = _tags(zone, ref, link.version)
    marked = bool(_mark(link.rendition, renditions).name)
    secret = unkept(link) or ("a mark is drawn over it, so nobody keeps it" if marked else "")
    alive = link.expires_at > now
    policy = Confidential() if secret and alive else _policy(link, zone, negotiated, tags, now)
    profiles = [FACTS[settings.cdn[name].provider].profile for name in zone.cdn]
    yield "tags", " ".join(tags)
    yield "policy", type(policy).__name__
    for field, value in render(policy, profiles or [NONE]):
        yield "field", f"{field.decode()}: {value.decode()}"
    if zone.cache == "edge" and alive:
        yield "at an edge", _at_edge(link, zone, negotiated)
    if settings.renditions.improve and _provisional(link.rendition, settings):
        yield "at first", f"fresh for {PROVISIONAL} s at most, until a better rendition is made"
    if isinstance(policy, Confidential):
        yield "a miss when", f"always: {secret}"
        return
    for reason in _misses(link, zone, negotiated, policy, now):
        yield "a miss when", reason


def _at_edge(link: Link, zone: Zone, negotiated: bool) -> str:
    """What the caches do that verify links themselves, and ask by the key of a copy."""
    if unkept(link) or isinstance(link, StorageLink | FolderLink):
        return "passed on, and kept nowhere"
    if negotiated and link.grant.covers == "exact":
        return "passed on, and kept nowhere: its one name leaves the format open"
    life = f"{zone.ttl} s" if link.version == LIVE else "a year at most"
    return f"one copy for all good links of its kind, for {life}; else, by the token, as above"


def _policy(link: Link, zone: Zone, negotiated: bool, tags: Tags, now: int) -> CachePolicy:
    return policy_for(
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


def _provisional(name: str, settings: Settings) -> bool:
    """Whether the first answer is one that is made better in the background."""
    try:
        product = renditions_of(settings).find(name) if name != "original" else Auto()
    except UnknownRendition:
        return False
    return not isinstance(product, Auto) and may_improve(product)


def _tags(zone: Zone, ref: DocumentRef, version: str) -> Tags:
    """The answer's tags; of a live link's version only the store knows which it is."""
    tags = tags_of(zone, ref, version)
    if version != LIVE:
        return tags
    unknown = version_tag(ref.zone, ref.bucket, ref.key, version)
    return Tags(tuple(name for name in tags if name != unknown))


def _negotiated(link: Link, renditions: Renditions) -> bool:
    try:
        return link.rendition != "original" and renditions.find(link.rendition).automatic
    except UnknownRendition:
        return False


def _misses(
    link: Link, zone: Zone, negotiated: bool, policy: CachePolicy, now: int
) -> Iterator[str]:
    if zone.cache == "private":
        yield "always: the zone is private; windowed lets shared caches keep answers"
    if zone.cache == "revalidate":
        yield "always asked for: the zone revalidates each time; the answer is a 304"
    if negotiated:
        yield "always: the format follows Accept; name it, as in w640-webp"
    if zone.cache in ("windowed", "edge") and zone.public_url and zone.cdn:
        yield "always, while its CDN is not proven to guard links: `ostiary doctor` tells"
    if zone.cache == "windowed" and link.expires_at - now <= MARGIN:
        yield f"always: no more than {MARGIN} s are left"
    if isinstance(link, StorageLink):
        yield "its path is escaped otherwise, or download or cacheNonce is not the same"
    if isinstance(policy, Shared):
        yield "the cache leaves the query out of its key, or adds a field or cookie to it"
        yield f"another window: links asked for more than {zone.window} s apart may differ"
        yield "it was purged, or its TTL is over"
